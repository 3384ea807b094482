/**
 * Keeps repositories quick after thousands of pushes, and as large as what they are needed for.
 *
 * Git's own clean-up knows nothing of pushes and deploys under way, so it is off. Here loose objects and small
 * packs are packed into one when there are many; when something was let go, what nothing holds any more (see
 * `kept-refs.ts`) is pruned, at most once a day. One repository at a time, in the background, some
 * time after a push: one that nobody pushes to does not grow.
 */
import type { RepoName } from "@propagit/protocol";
import type { Log } from "@propagit/runtime";
import { runGit } from "./git-command.js";
import type { GitRepositories } from "./git-repositories.js";

/** The same thresholds as `git gc --auto`. */
const looseObjectsMax = 6_700;
const packsMax = 50;
/**
 * Younger objects are left alone: git writes nothing anew that is there already, so a push under way may count
 * on an object that nothing holds yet. A push that takes longer than a day is cut off long before.
 */
const pruneGraceMs = 24 * 60 * 60_000;
/** Between two times that a repository is pruned; each packs all of it. */
const pruneEveryMs = 24 * 60 * 60_000;
/** Packing a repository of many gigabytes; longer, and it is tried again after another push. */
const packMsMax = 60 * 60_000;
const repack = ["repack", "--quiet", "-a", "-d", "--write-bitmap-index"] as const;

export class GitMaintenance {
  readonly #repositories: GitRepositories;
  readonly #log: Log;
  readonly #waiting = new Set<RepoName>();
  readonly #stopping = new AbortController();
  readonly #now: () => number;
  /** By repository. */
  readonly #prunedAt = new Map<RepoName, number>();
  #working: Promise<void> | undefined;

  constructor(repositories: GitRepositories, log: Log, now: () => number = Date.now) {
    this.#repositories = repositories;
    this.#log = log;
    this.#now = now;
  }

  /** A repository was pushed to; looked after some time soon. */
  touched(repo: RepoName): void {
    if (this.#stopping.signal.aborted) return;
    this.#waiting.add(repo);
    this.#working ??= this.#work();
  }

  /** Resolves when nothing is left to do. */
  async idle(): Promise<void> {
    await this.#working;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#waiting.clear();
    await this.#working;
  }

  async #work(): Promise<void> {
    for (const repo of this.#waiting) {
      this.#waiting.delete(repo);
      try {
        await this.#look(repo);
      } catch (thrown) {
        if (this.#stopping.signal.aborted) break;
        this.#log.warn(`${repo} could not be packed, which makes it slower: ${String(thrown)}`);
      }
    }
    this.#working = undefined;
  }

  async #look(repo: RepoName): Promise<void> {
    const { kept } = this.#repositories;
    await kept.expireFormer(repo, this.#now());
    const isDue = this.#now() - (this.#prunedAt.get(repo) ?? 0) >= pruneEveryMs;
    const isPruned = isDue && kept.hasLetGo(repo);
    if (!isPruned && !(await this.#isScattered(repo))) return;
    await this.#run(repo, ["pack-refs", "--all"]);
    if (!isPruned) return this.#run(repo, [...repack, "--keep-unreachable"]);
    this.#prunedAt.set(repo, this.#now());
    await kept.prune(repo, () => this.#prune(repo));
  }

  async #isScattered(repo: RepoName): Promise<boolean> {
    const { stdout } = await this.#repositories.git(repo, ["count-objects", "-v"]);
    const count = (name: string) => Number(new RegExp(`^${name}: (\\d+)$`, "m").exec(stdout)?.[1]);
    return count("count") > looseObjectsMax || count("packs") > packsMax;
  }

  /** What is not held and still young comes out of the packs first, with the age of its pack. */
  async #prune(repo: RepoName): Promise<void> {
    const before = Math.floor((this.#now() - pruneGraceMs) / 1_000);
    await this.#run(repo, [...repack, "-A", `--unpack-unreachable=${before}`]);
    await this.#run(repo, ["prune", `--expire=${before}`]);
  }

  async #run(repo: RepoName, args: readonly string[]): Promise<void> {
    const folder = `--git-dir=${this.#repositories.folderOf(repo)}`;
    const { exitCode, stderr } = await runGit(this.#repositories.settings, [folder, ...args], {
      limitMs: packMsMax,
      signal: this.#stopping.signal,
    });
    if (exitCode !== 0) throw new Error(stderr.trim() || `exit code ${exitCode}`);
  }
}
