/**
 * Keeps repositories quick after thousands of pushes, without ever losing a commit.
 *
 * Git's own clean-up throws away what no branch holds any more; but a commit that was pushed may be
 * deployed by its hash at any time, also after its branch has moved on. So nothing is pruned: loose objects
 * and small packs are packed into one, unreachable ones too. One repository at a time, in the background.
 */
import type { RepoName } from "@propagit/protocol";
import type { Log } from "@propagit/runtime";
import { runGit } from "./git-command.js";
import type { GitRepositories } from "./git-repositories.js";

/** The same thresholds as `git gc --auto`. */
const looseObjectsMax = 6_700;
const packsMax = 50;
/** Packing a repository of many gigabytes; longer, and it is tried again after another push. */
const packMsMax = 60 * 60_000;

export class GitMaintenance {
  readonly #repositories: GitRepositories;
  readonly #log: Log;
  readonly #waiting = new Set<RepoName>();
  readonly #stopping = new AbortController();
  #working: Promise<void> | undefined;

  constructor(repositories: GitRepositories, log: Log) {
    this.#repositories = repositories;
    this.#log = log;
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
    const { stdout } = await this.#repositories.git(repo, ["count-objects", "-v"]);
    const count = (name: string) => Number(new RegExp(`^${name}: (\\d+)$`, "m").exec(stdout)?.[1]);
    if (!(count("count") > looseObjectsMax || count("packs") > packsMax)) return;
    const folder = `--git-dir=${this.#repositories.folderOf(repo)}`;
    const pack = ["repack", "--quiet", "-a", "-d", "--keep-unreachable", "--write-bitmap-index"];
    for (const args of [["pack-refs", "--all"], pack]) {
      const { exitCode, stderr } = await runGit(this.#repositories.settings, [folder, ...args], {
        limitMs: packMsMax,
        signal: this.#stopping.signal,
      });
      if (exitCode !== 0) throw new Error(stderr.trim() || `exit code ${exitCode}`);
    }
  }
}
