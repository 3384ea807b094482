/** One test's place: a folder, a hub, repositories to deploy from, and drones; all gone afterwards. */
import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { PropagitError, type InstanceReport } from "@propagit/protocol";
import { identifyProcess, type Log } from "@propagit/runtime";
import { startDrone, type DroneOptions, type RunningDrone } from "../../src/index.js";
import { secret, type HubDouble, type Said } from "./hub-double.js";
import { TestHub } from "./test-hub.js";

const run = promisify(execFile);

export interface Bench {
  readonly folder: string;
  readonly hub: TestHub;
  /** What drones said to whoever runs them. */
  readonly log: string[];
  readonly drone: (options?: Partial<DroneOptions>) => Promise<RunningDrone>;
  /** Pushes a commit with these files; gives its hash. */
  readonly commit: (repo: string, files: Readonly<Record<string, string>>) => Promise<string>;
}

export async function openBench(test: TestContext): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), "propagit-drone-"));
  const hub = new TestHub(join(folder, "hub"));
  const drones: RunningDrone[] = [];
  const log: string[] = [];
  await hub.start();
  test.after(async () => {
    for (const drone of drones) await drone.stop();
    await hub.stop();
    await hub.registry.stop(new PropagitError("LINK_LOST", "the test is over"));
    await rm(folder, { recursive: true, force: true });
  });
  return {
    folder,
    hub,
    log,
    async drone(options = {}) {
      const drone = await startDrone({ ...defaults(folder, hub, log), ...options });
      drones.push(drone);
      return drone;
    },
    commit: (repo, files) => commit(folder, repo, files),
  };
}

function defaults(folder: string, hub: TestHub, lines: string[]): DroneOptions {
  const log: Log = {
    info: (line) => void lines.push(line),
    warn: (line) => void lines.push(`! ${line}`),
  };
  return {
    hub: hub.address,
    secret,
    command: ["node", "web.js"],
    name: "one",
    dataFolder: join(folder, "drone"),
    stopTimeoutMs: 1_000,
    drainMs: 50,
    log,
  };
}

async function commit(
  folder: string,
  repo: string,
  files: Readonly<Record<string, string>>,
): Promise<string> {
  const work = join(folder, "work", repo);
  const bare = join(folder, "hub", `${repo}.git`);
  await mkdir(work, { recursive: true });
  await git(work, "init", "-q", "-b", "main");
  await git(work, "init", "-q", "--bare", bare);
  for (const [name, content] of Object.entries(files)) {
    const path = join(work, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
    if (content.startsWith("#!")) await chmod(path, 0o755);
  }
  await git(work, "add", "-A");
  await git(work, "commit", "-q", "--allow-empty", "-m", "a change");
  await git(work, "push", "-q", bare, "HEAD:refs/heads/main");
  return (await git(work, "rev-parse", "HEAD")).trim();
}

export async function git(folder: string, ...args: string[]): Promise<string> {
  const who = ["-c", "user.name=Test", "-c", "user.email=test@example.com"];
  const { stdout } = await run("git", [...who, ...args], { cwd: folder });
  return stdout;
}

/** Waits for a condition; says what did not come true. */
export async function until<T>(
  what: string,
  condition: () => T | undefined | false | Promise<T | undefined | false>,
  limitMs = 20_000,
): Promise<T> {
  const end = Date.now() + limitMs;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > end) throw new Error(`${what}: not within ${limitMs / 1000} s`);
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
}

/** The newest report about a commit that is in that phase. */
export function inPhase(
  hub: HubDouble,
  commit: string,
  phase: InstanceReport["phase"],
): Promise<InstanceReport> {
  return until(`${commit.slice(0, 7)} ${phase}`, () =>
    [...hub.instances.values()].find((it) => it.commit === commit && it.phase === phase),
  ).catch((thrown: unknown) => {
    const last = JSON.stringify(hub.said.at(-1) satisfies Said | undefined);
    throw new Error(`${String(thrown)}; last said: ${last}`);
  });
}

/** Whether a process runs; a zombie does not. */
export async function isAlive(pid: number | undefined): Promise<boolean> {
  return pid !== undefined && (await identifyProcess(pid)) !== undefined;
}
