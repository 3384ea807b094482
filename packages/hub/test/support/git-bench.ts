/** Git over HTTP without the rest of a hub: real repositories, real sockets, and a desk that is watched. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import type { RolloutResult } from "@propagit/protocol";
import { nodeCrypto } from "@propagit/runtime";
import type { BranchMove } from "../../src/core/branch-edits.js";
import type { NewEvent } from "../../src/core/rows.js";
import { PushDesk, type PushedRelease } from "../../src/push-desk.js";
import type { Asker } from "../../src/rollout-request.js";
import { prepareGit } from "../../src/system/git-command.js";
import { GitHttp } from "../../src/system/git-http.js";
import { GitRepositories } from "../../src/system/git-repositories.js";
import { listen } from "../../src/system/listen.js";
import { gitIn, secret, temporaryFolder, type GitRunner, type Ran } from "./real-git.js";

export const dronePassword = "d".repeat(64);

interface MovedBranch extends BranchMove {
  readonly repo: string;
}

export interface GitBench extends GitRunner {
  readonly folder: string;
  readonly repositories: GitRepositories;
  readonly port: number;
  readonly log: readonly string[];
  readonly events: readonly NewEvent[];
  readonly deploys: readonly PushedRelease[];
  readonly moved: readonly MovedBranch[];
  url(repo: string, password?: string): string;
  /** Commits these files in the repository `work`, made when there is none. @returns the hash */
  commit(files: Readonly<Record<string, string>>, message?: string): Promise<string>;
  /** Pushes from `work` to `webapp`. */
  push(...args: readonly string[]): Promise<Ran>;
  stop(): Promise<void>;
}

export interface GitBenchOptions {
  readonly deploy?: (release: PushedRelease, asker: Asker) => Promise<Partial<RolloutResult>>;
  readonly proxyUrl?: string;
}

export async function makeGitBench(
  test: TestContext,
  { deploy = async () => ({}), proxyUrl }: GitBenchOptions = {},
): Promise<GitBench> {
  const folder = await temporaryFolder(test);
  const repositories = await GitRepositories.open(await prepareGit(join(folder, "hub")));
  const [log, events, deploys]: [string[], NewEvent[], PushedRelease[]] = [[], [], []];
  const moved: MovedBranch[] = [];
  const say = (message: string) => void log.push(message);
  const desk = new PushDesk({
    ledger: { note: (event) => void events.push(event) },
    proxyUrl,
    isVisited: ({ promoted }) => promoted,
    isStepping: ({ stepping = false }) => stepping,
    branchesOf: () => [],
    branchesMoved: async (repo, moves) =>
      void moved.push(...moves.map((one) => ({ repo, ...one }))),
    deploy: async (release, asker) => {
      deploys.push(release);
      const ready = { release: deploys.length, outcome: "ready", promoted: true } as const;
      const { repo, environment, commit } = release;
      const result = { repo, environment, commit, drones: [], hosts: [], ...ready };
      return { ...result, ...(await deploy(release, asker)) };
    },
  });
  const git = new GitHttp({
    repositories,
    crypto: nodeCrypto,
    log: { info: say, warn: say },
    secret,
    openPush: false,
    mayFetch: (password) => password === dronePassword,
    desk,
    touched: () => undefined,
  });
  const server = await listen({
    handler: (request, response) => void git.handle(request, response),
    host: undefined,
    port: 0,
  });
  const stop = async () => {
    await git.stop();
    await server.close();
  };
  test.after(stop);
  const runs = gitIn(folder);
  const url = (repo: string, password = secret) =>
    `http://ann:${password}@localhost:${server.port}/${repo}`;
  return {
    ...runs,
    folder,
    repositories,
    port: server.port,
    log,
    events,
    deploys,
    moved,
    url,
    stop,
    commit: async (files, message = "one") => {
      await runs.good(["init", "--quiet", "--initial-branch=master", "work"]);
      for (const [path, content] of Object.entries(files)) {
        const file = join(folder, "work", path);
        await mkdir(dirname(file), { recursive: true });
        await writeFile(file, content);
      }
      await runs.good(["add", "--all"], { cwd: "work" });
      await runs.good(["commit", "--quiet", "--allow-empty", "-m", message], { cwd: "work" });
      return runs.good(["rev-parse", "HEAD"], { cwd: "work" });
    },
    push: (...args) => runs.git(["push", url("webapp"), ...args], { cwd: "work" }),
  };
}
