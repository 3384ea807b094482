/**
 * Commits whose commands plans use on the hub's own machine, checked out below its data folder:
 *
 *     plan-code/REPO/COMMIT     whole or not at all; the newest few
 *     plan-code/REPO/COMMIT.partial, .index     being written
 */
import { mkdir, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { parseCommitHash, parseRepoName, PropagitError, shortCommit } from "@propagit/protocol";
import { runInProject, type CodePlace, type ProjectCommands } from "@propagit/plan";
import type { GitRepositories } from "./git-repositories.js";

/** Of each repository; a guess, more than plans are under way. */
const keptMax = 10;

export class PlanCheckouts implements ProjectCommands {
  readonly #repositories: GitRepositories;
  readonly #folder: string;
  readonly #making = new Map<string, Promise<string>>();
  /** How many commands run from a checkout. */
  readonly #used = new Map<string, number>();

  /** @param dataFolder of the hub */
  constructor(repositories: GitRepositories, dataFolder: string) {
    this.#repositories = repositories;
    this.#folder = join(dataFolder, "plan-code");
  }

  run: ProjectCommands["run"] = async ({ code, ...task }, context) => {
    const folder = await this.#made(code);
    this.#used.set(folder, (this.#used.get(folder) ?? 0) + 1);
    try {
      return await runInProject(folder, task, context);
    } finally {
      this.#used.set(folder, (this.#used.get(folder) ?? 1) - 1);
    }
  };

  #made({ repo, commit }: CodePlace): Promise<string> {
    const key = `${repo} ${commit}`;
    const making =
      this.#making.get(key) ??
      this.#make(repo, commit).finally(() => {
        this.#making.delete(key);
      });
    this.#making.set(key, making);
    return making;
  }

  async #make(repo: string, commit: string): Promise<string> {
    const parent = join(this.#folder, parseRepoName(repo));
    const folder = join(parent, parseCommitHash(commit));
    if (await stat(folder).catch(() => undefined)) {
      const now = new Date();
      await utimes(folder, now, now);
      return folder;
    }
    const [partial, index] = [`${folder}.partial`, `${folder}.index`];
    const tidy = () =>
      Promise.all([partial, index].map((path) => rm(path, { recursive: true, force: true })));
    await tidy();
    await mkdir(partial, { recursive: true, mode: 0o700 });
    try {
      await this.#git(repo, ["read-tree", commit], { GIT_INDEX_FILE: index });
      const place = { GIT_INDEX_FILE: index, GIT_WORK_TREE: partial };
      await this.#git(repo, ["checkout-index", "--all", "--quiet"], place);
      await rename(partial, folder);
    } finally {
      await tidy();
    }
    await this.#prune(parent);
    return folder;
  }

  async #git(repo: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
    const name = parseRepoName(repo);
    const work = env["GIT_WORK_TREE"];
    const at = work === undefined ? [] : [`--work-tree=${work}`];
    const { exitCode, stderr } = await this.#repositories.git(name, [...at, ...args], {
      env,
      limitMs: 10 * 60_000,
    });
    if (exitCode === 0) return;
    const [what = ""] = stderr.trim().split("\n");
    const commit = args.at(-1) ?? "";
    throw new PropagitError(
      "TASK_FAILED",
      `${repo} ${shortCommit(commit)} cannot be read: ${what}`,
    );
  }

  async #prune(parent: string): Promise<void> {
    const names = (await readdir(parent)).filter((name) => /^[0-9a-f]+$/.test(name));
    const aged = await Promise.all(
      names.map(async (name) => {
        const path = join(parent, name);
        return { path, at: (await stat(path).catch(() => undefined))?.mtimeMs ?? 0 };
      }),
    );
    aged.sort((left, right) => right.at - left.at);
    for (const { path } of aged.slice(keptMax)) {
      if ((this.#used.get(path) ?? 0) === 0) await rm(path, { recursive: true, force: true });
    }
  }
}
