/** A real hub in a folder of its own, and the real git against it. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { ClusterEvent } from "@propagit/protocol";
import {
  credentialFromSecret,
  dial,
  hangUp,
  nodeWorld,
  sessionPaths,
  silentLog,
  type Conversation,
} from "@propagit/runtime";
import { startHub, type RunningHub, type StartHubOptions } from "../../src/index.js";

export const secret = "beepboop";

export interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Bench {
  /** Everything of the test is in here, and goes with it. */
  readonly folder: string;
  readonly hub: RunningHub;
  /** What the hub said. */
  readonly log: readonly string[];
  /** URL of a repository, with the secret; port of the git side unless given. */
  url(repo: string, options?: { password?: string; port?: number }): string;
  /** Runs git somewhere below the folder. */
  git(args: readonly string[], options?: RunOptions): Promise<Ran>;
  /** As `git`, and fails the test when git does. */
  good(args: readonly string[], options?: RunOptions): Promise<string>;
  /** A repository with one commit on `master`. @returns its hash */
  commit(name: string, content: string): Promise<string>;
  /** A session of a role, closed at the end of the test. */
  connect(role?: "cli" | "drone"): Promise<Conversation>;
  events(): Promise<readonly ClusterEvent[]>;
  /** Stops the hub and starts another one in the same data folder. */
  restart(options?: Partial<StartHubOptions>): Promise<void>;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

export async function makeBench(
  test: TestContext,
  options: Partial<StartHubOptions> = {},
): Promise<Bench> {
  const folder = await temporaryFolder(test);
  const log: string[] = [];
  const say = (message: string) => void log.push(message);
  const start = (more: Partial<StartHubOptions>) =>
    startHub({
      port: 0,
      secret,
      dataFolder: join(folder, "hub"),
      log: { info: say, warn: say },
      ...options,
      ...more,
    });
  let hub = await start({});
  test.after(() => hub.stop());
  const git = (args: readonly string[], { cwd = ".", env = {} }: RunOptions = {}) =>
    run("git", args, { cwd: join(folder, cwd), env: { ...gitEnvironment, ...env } });
  const good = async (args: readonly string[], runOptions?: RunOptions) => {
    const { exitCode, stdout, stderr } = await git(args, runOptions);
    if (exitCode !== 0) throw new Error(`git ${args.join(" ")}: ${stderr}`);
    return stdout.trim();
  };
  const connect = async (role: "cli" | "drone" = "cli") => {
    const conversation = await dialHub(hub.port, role);
    test.after(() => hangUp(conversation));
    return conversation;
  };
  return {
    folder,
    log,
    git,
    good,
    connect,
    get hub() {
      return hub;
    },
    url: (repo, { password = secret, port = hub.gitPort } = {}) =>
      `http://git:${password}@localhost:${port}/${repo}`,
    commit: (name, content) => commit(good, folder, name, content),
    events: async () => {
      const conversation = await connect();
      return (await conversation.call("hub.events", { last: 1_000, follow: false })).events;
    },
    restart: async (more = {}) => {
      await hub.stop();
      hub = await start(more);
    },
  };
}

export async function temporaryFolder(test: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "propagit-hub-"));
  test.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

export function dialHub(port: number, role: "cli" | "drone", word = secret): Promise<Conversation> {
  return dial(nodeWorld(silentLog), {
    address: { host: "localhost", port },
    path: sessionPaths.hub,
    role,
    credential: credentialFromSecret(word),
    acceptsOpen: false,
  });
}

/** Runs a program; a failure is an exit code. */
export function run(
  program: string,
  args: readonly string[],
  { cwd, env = {} }: RunOptions = {},
): Promise<Ran> {
  return new Promise((resolve) => {
    const options = { cwd, env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 };
    execFile(program, [...args], { ...options, timeout: 60_000 }, (error, stdout, stderr) => {
      const code = error?.code;
      resolve({ exitCode: error ? (typeof code === "number" ? code : 1) : 0, stdout, stderr });
    });
  });
}

/** Git as on a machine where nobody configured anything. */
const gitEnvironment = {
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_TERMINAL_PROMPT: "0",
  GIT_AUTHOR_NAME: "test",
  GIT_AUTHOR_EMAIL: "test@localhost",
  GIT_COMMITTER_NAME: "test",
  GIT_COMMITTER_EMAIL: "test@localhost",
  LC_ALL: "C",
};

async function commit(
  good: Bench["good"],
  folder: string,
  name: string,
  content: string,
): Promise<string> {
  await good(["init", "--quiet", "--initial-branch=master", name]);
  await writeFile(join(folder, name, "file.txt"), content);
  await good(["add", "."], { cwd: name });
  await good(["commit", "--quiet", "-m", content.slice(0, 40)], { cwd: name });
  return good(["rev-parse", "HEAD"], { cwd: name });
}

/** Waits for something to come true. */
export async function until(what: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt++) {
    if (await isTrue()) return;
    await new Promise((resolve) => {
      setTimeout(resolve, 25);
    });
  }
  throw new Error(`${what} did not come true within 15 s`);
}
