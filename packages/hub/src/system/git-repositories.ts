/**
 * The bare repositories of a hub: `repos/<name>.git`, made by the first push.
 *
 * A repository that a push made and then did not fill, because it was cut off or refused, is taken away
 * again, so that a mistyped name leaves nothing behind.
 */
import { mkdtemp, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import {
  filesRepo,
  parseCommitHash,
  PropagitError,
  quote,
  type CommitHash,
  type RepoName,
} from "@propagit/protocol";
import { errnoOf } from "@propagit/runtime";
import { parseReference } from "../core/reference.js";
import type { CommitDescription, Comparison, Repositories } from "../world.js";
import { runGit, type GitOptions, type GitResult, type GitSettings } from "./git-command.js";
import {
  compareCommits,
  describeCommit,
  readFiles,
  sizeOfCommit,
  type Git,
} from "./git-history.js";
import { KeptRefs } from "./kept-refs.js";
import { someOf } from "../core/some-of.js";

/** A push of a former life of the hub ends by itself within this time, since its input has ended. */
const leftoverMsMin = 60 * 60_000;
/** Candidates that are named when a prefix is ambiguous. */
const candidatesShownMax = 10;
/** Repositories that are named where the one that was asked for is not there. */
const namedMax = 10;

export class GitRepositories implements Repositories {
  readonly settings: GitSettings;
  readonly kept: KeptRefs;
  /** Names by their lower-case form: two that differ only in case would be one on some file systems. */
  readonly #names: Map<string, RepoName>;
  /** Pushes under way by repository; the first of them may have made it. */
  readonly #pushes = new Map<RepoName, { count: number; isNew: boolean }>();
  /** One change of what exists at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(settings: GitSettings, names: Map<string, RepoName>) {
    this.settings = settings;
    this.#names = names;
    this.kept = new KeptRefs((repo) => (args, options) => this.git(repo, args, options));
  }

  /** @throws DATA_UNUSABLE */
  static async open(settings: GitSettings): Promise<GitRepositories> {
    const names = new Map<string, RepoName>();
    for (const entry of await listFolder(settings.repoFolder)) {
      if (entry.startsWith(".new-")) {
        await rm(join(settings.repoFolder, entry), { recursive: true, force: true });
      } else if (entry.endsWith(".git")) {
        await removeLeftovers(join(settings.repoFolder, entry));
        const name = entry.slice(0, -".git".length) as RepoName;
        names.set(name.toLowerCase(), name);
      }
    }
    const repositories = new GitRepositories(settings, names);
    await init(settings, repositories.emptyFolder);
    return repositories;
  }

  /** A repository without anything, to show what a first push would find. */
  get emptyFolder(): string {
    return join(this.settings.repoFolder, ".empty");
  }

  has(repo: RepoName): boolean {
    return this.#names.get(repo.toLowerCase()) === repo;
  }

  folderOf(repo: RepoName): string {
    return join(this.settings.repoFolder, `${repo}.git`);
  }

  /** Runs git in a repository. */
  git(repo: RepoName, args: readonly string[], options: GitOptions = {}): Promise<GitResult> {
    return runGit(this.settings, [`--git-dir=${this.folderOf(repo)}`, ...args], options);
  }

  /**
   * A push begins: makes the repository when there is none. To be followed by `endPush`.
   *
   * @throws BAD_NAME when there is one that differs only in case; DATA_UNUSABLE
   */
  beginPush(repo: RepoName): Promise<void> {
    return this.#inTurn(async () => {
      this.checkCase(repo);
      const isNew = !this.has(repo);
      if (isNew) await this.#create(repo);
      const under = this.#pushes.get(repo) ?? { count: 0, isNew };
      this.#pushes.set(repo, { ...under, count: under.count + 1 });
    });
  }

  /** A push is over; with it goes a repository that it made and that is still empty. */
  endPush(repo: RepoName): Promise<void> {
    return this.#inTurn(async () => {
      const under = this.#pushes.get(repo);
      if (!under) return;
      if (under.count > 1) {
        this.#pushes.set(repo, { ...under, count: under.count - 1 });
        return;
      }
      this.#pushes.delete(repo);
      if (!under.isNew) return;
      const { exitCode, stdout } = await this.git(repo, ["for-each-ref", "--count=1"]);
      if (exitCode !== 0 || stdout !== "") return;
      this.#names.delete(repo.toLowerCase());
      await rm(this.folderOf(repo), { recursive: true, force: true });
    });
  }

  /** @throws BAD_NAME when a repository is there whose name differs only in case */
  checkCase(repo: RepoName): void {
    const known = this.#names.get(repo.toLowerCase());
    if (known === undefined || known === repo) return;
    throw new PropagitError("BAD_NAME", `there is a repository ${quote(known)} already`, {
      hint: "names that differ only in upper and lower case are not allowed; use the one that is there",
    });
  }

  async resolve(repo: RepoName, ref: string): Promise<CommitHash> {
    const reference = parseReference(ref);
    this.#checkExists(repo);
    if (reference.kind === "hash") {
      const found = await this.#commitOf(repo, reference.hash);
      if (found) return found;
      throw noCommit(repo, ref);
    }
    for (const name of reference.refs) {
      const found = await this.#commitOf(repo, name);
      if (found) return found;
    }
    return this.#byPrefix(repo, ref, reference.prefix);
  }

  async branchNamed(repo: RepoName, ref: string): Promise<string | undefined> {
    const reference = parseReference(ref);
    if (reference.kind === "hash") return undefined;
    for (const name of reference.refs) {
      if (!(await this.#commitOf(repo, name))) continue;
      const args = ["rev-parse", "--symbolic-full-name", name];
      const { stdout } = await this.git(repo, args);
      const [, branch] = /^refs\/heads\/(.+)$/.exec(stdout.trim()) ?? [];
      return branch;
    }
    return undefined;
  }

  async keep(repo: RepoName, commit: CommitHash): Promise<void> {
    if (!(await this.kept.keep(repo, commit))) throw noCommit(repo, commit);
  }

  async release(repo: RepoName, commit: CommitHash): Promise<void> {
    if (this.has(repo)) await this.kept.release(repo, commit);
  }

  async read(
    repo: RepoName,
    commit: CommitHash,
    paths: readonly string[],
  ): Promise<ReadonlyMap<string, string>> {
    return readFiles(this.#inside(repo), commit, paths);
  }

  async describe(repo: RepoName, commit: CommitHash): Promise<CommitDescription> {
    return describeCommit(this.#inside(repo), commit);
  }

  async compare(repo: RepoName, from: CommitHash, to: CommitHash): Promise<Comparison> {
    return compareCommits(this.#inside(repo), from, to);
  }

  async sizeOf(repo: RepoName, commit: CommitHash): Promise<number> {
    return sizeOfCommit(this.#inside(repo), commit);
  }

  async artifacts(repo: RepoName): Promise<ReadonlyMap<CommitHash, CommitHash>> {
    if (!this.has(repo)) return new Map();
    const args = ["for-each-ref", "--format=%(objectname) %(refname)", buildRefs];
    const { stdout } = await this.git(repo, args);
    const refs = stdout.matchAll(/^([0-9a-f]+) refs\/propagit\/builds\/([0-9a-f]+)-/gm);
    return new Map(
      [...refs].map(([, artifact = "", commit = ""]) => [
        parseCommitHash(artifact),
        parseCommitHash(commit),
      ]),
    );
  }

  async releaseArtifacts(repo: RepoName, artifacts: ReadonlySet<CommitHash>): Promise<void> {
    if (!this.has(repo) || artifacts.size === 0) return;
    const { stdout } = await this.git(repo, [
      "for-each-ref",
      "--format=%(objectname) %(refname)",
      buildRefs,
    ]);
    const deletions = [...stdout.matchAll(/^([0-9a-f]+) (refs\/propagit\/builds\/[0-9a-f-]+)$/gm)]
      .filter(([, artifact = ""]) => artifacts.has(artifact as CommitHash))
      .map(([, artifact, ref]) => `delete ${ref} ${artifact}\n`);
    const input = deletions.join("");
    const { exitCode, stderr } = await this.git(repo, ["update-ref", "--stdin"], { input });
    if (exitCode !== 0) throw new PropagitError("DATA_UNUSABLE", stderr.trim());
    this.kept.letGo(repo);
  }

  /** Git in a repository that is there. @throws NO_REPO */
  #inside(repo: RepoName): Git {
    this.#checkExists(repo);
    return (args, options) => this.git(repo, args, options);
  }

  #checkExists(repo: RepoName): void {
    if (this.has(repo)) return;
    const known = this.#names.get(repo.toLowerCase());
    const hint = known === undefined ? {} : { hint: `did you mean ${quote(known)}?` };
    const what = `the hub has no repository ${quote(repo)}; ${this.#whatItHas()}`;
    throw new PropagitError("NO_REPO", what, hint);
  }

  /** Without what it keeps for itself. */
  #whatItHas(): string {
    const names = [...this.#names.values()].filter((name) => name !== filesRepo).toSorted();
    if (names.length === 0) return "nothing was pushed to it yet";
    return `it has ${someOf(names, namedMax)}`;
  }

  /** The commit that a hash or full ref name stands for; a tag stands for what it points to. */
  async #commitOf(repo: RepoName, name: string): Promise<CommitHash | undefined> {
    const args = ["rev-parse", "--verify", "--quiet", "--end-of-options", `${name}^{commit}`];
    const { exitCode, stdout } = await this.git(repo, args);
    return exitCode === 0 ? parseCommitHash(stdout.trim()) : undefined;
  }

  async #byPrefix(repo: RepoName, ref: string, prefix: string | undefined): Promise<CommitHash> {
    if (prefix === undefined) throw noCommit(repo, ref);
    const { stdout } = await this.git(repo, ["rev-parse", `--disambiguate=${prefix}`]);
    const format = "--batch-check=%(objecttype) %(objectname)";
    const types = await this.git(repo, ["cat-file", format], { input: stdout });
    const commits = [...types.stdout.matchAll(/^commit ([0-9a-f]+)$/gm)].map(
      ([, hash = ""]) => hash,
    );
    const [only] = commits;
    if (only === undefined) throw noCommit(repo, ref);
    if (commits.length === 1) return parseCommitHash(only);
    const shown = commits.slice(0, candidatesShownMax).join(", ");
    const more = commits.length > candidatesShownMax ? ", …" : "";
    throw new PropagitError("AMBIGUOUS", `${quote(ref)} fits several commits: ${shown}${more}`);
  }

  /** Made beside and then renamed: a half-made one is never seen. */
  async #create(repo: RepoName): Promise<void> {
    try {
      const fresh = await mkdtemp(join(this.settings.repoFolder, ".new-"));
      await init(this.settings, fresh);
      await rename(fresh, this.folderOf(repo));
    } catch (thrown) {
      if (thrown instanceof PropagitError) throw thrown;
      const reason = errnoOf(thrown) ?? String(thrown);
      throw new PropagitError(
        "DATA_UNUSABLE",
        `repository ${quote(repo)} cannot be made: ${reason}`,
      );
    }
    this.#names.set(repo.toLowerCase(), repo);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}

/** Output of builds, pushed by drones: `<commit>-<16 hex>`. */
const buildRefs = "refs/propagit/builds";

/** Half packs of pushes that were under way when the machine went down; younger ones may still be in use. */
async function removeLeftovers(folder: string): Promise<void> {
  const objects = join(folder, "objects");
  for (const entry of await listFolder(objects)) {
    if (!entry.startsWith("tmp_objdir-") && !entry.startsWith("incoming-")) continue;
    const path = join(objects, entry);
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs > leftoverMsMin) await rm(path, { recursive: true, force: true });
  }
}

async function init(settings: GitSettings, folder: string): Promise<void> {
  const args = ["init", "--quiet", "--bare", "--template=", folder];
  const { exitCode, stderr } = await runGit(settings, args);
  if (exitCode === 0) return;
  throw new PropagitError("DATA_UNUSABLE", `${folder} cannot be made: ${stderr.trim()}`);
}

async function listFolder(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (thrown) {
    const reason = errnoOf(thrown) ?? String(thrown);
    throw new PropagitError("DATA_UNUSABLE", `${folder} cannot be read: ${reason}`);
  }
}

function noCommit(repo: RepoName, ref: string): PropagitError {
  return new PropagitError("NO_COMMIT", `${repo} has no commit, branch or tag ${quote(ref)}`);
}
