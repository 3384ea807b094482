/**
 * What a repository keeps beside its branches and tags, under refs that no client sees:
 *
 *     refs/propagit/deployed/<commit>            as long as a release needs it
 *     refs/propagit/builds/<commit>-<key>        as long as a release needs it; pushed by drones
 *     refs/propagit/pushed/<seconds>-<tip>       where a branch was before it was moved by force or deleted
 *
 * What none of them holds any more is pruned, see `git-maintenance.ts`. To keep something and to prune take
 * turns: otherwise what is about to be kept could be found to be held by nobody a moment before.
 */
import { PropagitError, shortCommit, type CommitHash, type RepoName } from "@propagit/protocol";
import type { RefChange } from "../core/ref-change.js";
import type { Git } from "./git-history.js";

/**
 * How long, and how many, tips are kept that a branch had before: a commit can be deployed by its hash for so
 * long after it was overwritten. As long as git itself remembers by default what no branch holds
 * (`gc.reflogExpireUnreachable`); a thousand, so that a program that forces a push each minute is bounded too.
 */
const formerMsMax = 30 * 24 * 60 * 60_000;
const formerMax = 1_000;
const formerRefs = "refs/propagit/pushed";

export class KeptRefs {
  readonly #gitIn: (repo: RepoName) => Git;
  /** Refs being written, by repository. */
  readonly #writing = new Map<RepoName, Promise<unknown>>();
  readonly #pruning = new Map<RepoName, Promise<unknown>>();
  /** Repositories that may hold what nobody needs. */
  readonly #letGo = new Set<RepoName>();

  constructor(gitIn: (repo: RepoName) => Git) {
    this.#gitIn = gitIn;
  }

  /** @returns false when there is no such commit. @throws DATA_UNUSABLE */
  async keep(repo: RepoName, commit: CommitHash): Promise<boolean> {
    // What is held by something is not pruned, so most need not wait for a large repository.
    const pruning = this.#pruning.get(repo);
    if (pruning && !(await this.#isHeld(repo, commit))) await pruning;
    const git = this.#gitIn(repo);
    const kept = git(["update-ref", deployedRef(commit), commit]);
    this.#writes(repo, kept);
    const { exitCode, stderr } = await kept;
    if (exitCode === 0) return true;
    const known = await git(["cat-file", "-e", `${commit}^{commit}`]);
    if (known.exitCode !== 0) return false;
    const what = `${repo} ${shortCommit(commit)}`;
    throw new PropagitError("DATA_UNUSABLE", `${what} cannot be kept: ${stderr.trim()}`);
  }

  /** @throws DATA_UNUSABLE */
  async release(repo: RepoName, commit: CommitHash): Promise<void> {
    await this.#update(repo, [`delete ${deployedRef(commit)}`]);
    this.#letGo.add(repo);
  }

  /**
   * Keeps for a while what a push is about to take away from branches and tags.
   *
   * @param git sees what the push brings
   * @throws DATA_UNUSABLE
   */
  async keepFormer(
    repo: RepoName,
    changes: readonly RefChange[],
    { git, now }: { readonly git: Git; readonly now: number },
  ): Promise<void> {
    const tips = new Set<string>();
    for (const { oldId, newId } of changes) {
      if (oldId !== undefined && !(await isAncestor(git, oldId, newId))) tips.add(oldId);
    }
    const at = String(Math.floor(now / 1_000)).padStart(12, "0");
    await this.#update(
      repo,
      [...tips].map((tip) => `update ${formerRefs}/${at}-${tip} ${tip}`),
    );
  }

  /** Tips that were kept long enough. @throws DATA_UNUSABLE */
  async expireFormer(repo: RepoName, now: number): Promise<void> {
    const args = ["for-each-ref", "--sort=-refname", "--format=%(refname)", formerRefs];
    const { stdout } = await this.#gitIn(repo)(args);
    const since = (now - formerMsMax) / 1_000;
    const expired = stdout
      .split("\n")
      .filter((ref, at) => ref !== "" && (at >= formerMax || secondsOf(ref) < since));
    await this.#update(
      repo,
      expired.map((ref) => `delete ${ref}`),
    );
    if (expired.length > 0) this.#letGo.add(repo);
  }

  /** Whether anything was let go since it was pruned last. */
  hasLetGo(repo: RepoName): boolean {
    return this.#letGo.has(repo);
  }

  letGo(repo: RepoName): void {
    this.#letGo.add(repo);
  }

  /** Prunes; whoever wants to keep what nothing holds yet waits for it. */
  async prune(repo: RepoName, work: () => Promise<void>): Promise<void> {
    const pruned = (this.#writing.get(repo) ?? Promise.resolve()).then(work);
    const over = pruned.catch(() => undefined);
    this.#pruning.set(repo, over);
    this.#letGo.delete(repo);
    try {
      await pruned;
    } catch (thrown) {
      this.#letGo.add(repo);
      throw thrown;
    } finally {
      this.#pruning.delete(repo);
    }
  }

  #writes(repo: RepoName, write: Promise<unknown>): void {
    const before = this.#writing.get(repo) ?? Promise.resolve();
    const all = Promise.allSettled([before, write]);
    this.#writing.set(repo, all);
    void all.finally(() => {
      if (this.#writing.get(repo) === all) this.#writing.delete(repo);
    });
  }

  async #isHeld(repo: RepoName, commit: CommitHash): Promise<boolean> {
    const args = ["for-each-ref", "--count=1", `--contains=${commit}`, "--format=%(refname)"];
    const { exitCode, stdout } = await this.#gitIn(repo)(args);
    return exitCode === 0 && stdout !== "";
  }

  async #update(repo: RepoName, lines: readonly string[]): Promise<void> {
    if (lines.length === 0) return;
    const input = lines.map((line) => `${line}\n`).join("");
    const { exitCode, stderr } = await this.#gitIn(repo)(["update-ref", "--stdin"], { input });
    if (exitCode !== 0) throw new PropagitError("DATA_UNUSABLE", stderr.trim());
  }
}

/** Whether it goes on from there; what cannot be told, as of a tag that holds no commit, does not. */
async function isAncestor(git: Git, oldId: string, newId: string | undefined): Promise<boolean> {
  if (newId === undefined) return false;
  const { exitCode } = await git(["merge-base", "--is-ancestor", oldId, newId]);
  return exitCode === 0;
}

function secondsOf(ref: string): number {
  return Number(ref.slice(formerRefs.length + 1).split("-")[0]);
}

function deployedRef(commit: CommitHash): string {
  return `refs/propagit/deployed/${commit}`;
}
