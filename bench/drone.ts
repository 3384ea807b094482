/**
 * What a drone costs its machine: its memory and its processor time while nothing happens, with no instance
 * and with fifty; what the shim of each adds; how long a new life takes to have them all again. Beside it, in
 * the same run, pm2's daemon with the same processes.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Cluster, until, WorkTree, type DaemonProcess } from "@propagit/test-support";
import { Pm2 } from "./pm2.js";
import { report } from "./report.js";

const instances = 50;
/** Until what a start left behind has calmed down. */
const calmMs = 10_000;
const watchMs = 30_000;
/** Of one core; for 30 s it is 0.3 s. pm2 looks at each process again and again, we at none. */
const cpuPercentGoal = 1;
const adoptMsGoal = 2_000;
const shimMbGoal = 0.5;
/** Of the times in /proc/PID/stat, the same on every Linux that Node runs on. */
const ticksPerSecond = 100;

const cluster = await Cluster.create();
const pm2 = await Pm2.install(join(cluster.folder, "pm2"));
try {
  await measure();
} finally {
  await pm2.kill().catch(() => undefined);
  await cluster.destroy();
}

async function measure(): Promise<void> {
  await cluster.startHub({ ownRegistry: true });
  let drone = await startDrone();
  await reportIdle(0, drone.pid, await pm2.startDaemon());
  await deploy();
  await pm2.startMany(instances, "/bin/sleep", "100000");
  await pm2.save();
  await reportIdle(instances, drone.pid, await pm2.startDaemon());
  await reportShims();
  // Both daemons end; instances of ours go on.
  await drone.stop("SIGTERM");
  const before = await apps();
  const start = performance.now();
  drone = await startDrone();
  await until(
    "the instances to be adopted",
    () => count(drone.output, /still runs/g) === instances,
  );
  const adoptMs = performance.now() - start;
  const after = await apps();
  if (before.length !== instances || before.join() !== after.join()) {
    throw new Error("other processes run than before");
  }
  await pm2.kill();
  const restart = performance.now();
  await pm2.resurrect();
  report({
    bench: "drone",
    metric: `from the start of a drone until it has all ${instances} instances again, none of them restarted`,
    unit: "ms",
    ours: adoptMs,
    theirs: performance.now() - restart,
    peer: `${pm2.name} resurrect, which restarts them all`,
    goalAbsolute: adoptMsGoal,
  });
}

async function startDrone(): Promise<DaemonProcess> {
  return cluster.startDrone([], ["--name=a"]);
}

async function deploy(): Promise<void> {
  const tree = await WorkTree.create(join(cluster.folder, "app"));
  await tree.write(
    "propagit.yaml",
    `services:
  idle:
    command: [/bin/sleep, "100000"]
    instances: ${instances}
    port: none
`,
  );
  const commit = await tree.commit("idle");
  await tree.git("push", "--quiet", `http://localhost:${cluster.ports.hub}/app`, "master");
  const { exitCode, stdout, stderr } = await cluster.propagit("deploy", "app", commit);
  if (exitCode !== 0) throw new Error(stdout + stderr);
}

async function reportIdle(processes: number, ours: number, theirs: number): Promise<void> {
  await sleep(calmMs);
  const [ownStart, theirStart] = [await cpuSeconds(ours), await cpuSeconds(theirs)];
  await sleep(watchMs);
  const percent = (seconds: number) => (seconds / (watchMs / 1_000)) * 100;
  const figure = { bench: "drone", peer: `daemon of ${pm2.name}` };
  report({
    ...figure,
    metric: `processor time while idle, ${processes} instances`,
    unit: "% of a core",
    ours: percent((await cpuSeconds(ours)) - ownStart),
    theirs: percent((await cpuSeconds(theirs)) - theirStart),
    goalAbsolute: cpuPercentGoal,
  });
  report({
    ...figure,
    metric: `memory (PSS), ${processes} instances`,
    unit: "MB",
    ours: await memoryMb(ours),
    theirs: await memoryMb(theirs),
    goal: 1,
  });
}

/** pm2 has none: it does not know how a process ended that ended without it. */
async function reportShims(): Promise<void> {
  const shims = await processesLike((words) => words.includes("propagit-shim"));
  const memory = await Promise.all(shims.map(memoryMb));
  const one = memory.reduce((sum, it) => sum + it, 0) / shims.length;
  report({
    bench: "drone",
    metric: "memory (PSS) of an instance's shim",
    unit: "MB",
    ours: one,
    theirs: one,
    peer: "none",
    goalAbsolute: shimMbGoal,
  });
}

/** Of the instances, in order. */
async function apps(): Promise<readonly number[]> {
  const shims = new Set(await processesLike((words) => words.includes("propagit-shim")));
  const sleeping = await processesLike(([program]) => program === "/bin/sleep");
  const parents = await Promise.all(sleeping.map(async (pid) => Number((await statOf(pid))[1])));
  return sleeping.filter((_, index) => shims.has(parents[index] ?? -1)).sort((a, b) => a - b);
}

async function processesLike(
  fits: (words: readonly string[]) => boolean,
): Promise<readonly number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(
    pids.map(async (pid) => {
      const words = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).split("\0");
      return fits(words) && (await isOurs(pid)) ? pid : undefined;
    }),
  );
  return found.filter((pid) => pid !== undefined);
}

/** Of this run, not of another drone on the same machine. */
async function isOurs(pid: number): Promise<boolean> {
  const text = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
  return text.includes(cluster.folder);
}

async function memoryMb(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, "utf8");
  return Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? NaN) / 1_024;
}

async function cpuSeconds(pid: number): Promise<number> {
  const fields = await statOf(pid);
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** From the third field of proc(5) on. */
async function statOf(pid: number): Promise<readonly string[]> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
