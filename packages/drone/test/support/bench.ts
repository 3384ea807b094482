/** One test's place: a folder, a hub, repositories to deploy from, and drones; all gone afterwards. */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { PropagitError, type InstanceReport } from "@propagit/protocol";
import { identifyProcess, type Log } from "@propagit/runtime";
import { startDrone, type DroneOptions, type RunningDrone } from "../../src/index.js";
import { secret, type HubDouble, type Said } from "./hub-double.js";
import { put } from "./place.js";
import { runGit } from "./run-git.js";
import { TestHub } from "./test-hub.js";
import { until } from "./until.js";

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
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
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
  await runGit(work, "init", "-q", "-b", "main");
  await runGit(work, "init", "-q", "--bare", bare);
  for (const [name, content] of Object.entries(files)) await put(join(work, name), content);
  await runGit(work, "add", "-A");
  await runGit(work, "commit", "-q", "--allow-empty", "-m", "a change");
  await runGit(work, "push", "-q", bare, "HEAD:refs/heads/main");
  return (await runGit(work, "rev-parse", "HEAD")).trim();
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
