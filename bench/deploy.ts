/**
 * From `git push` to ready, beside the plain tools: a large real application is pushed and deployed,
 * and in the same round the same commit goes through `git push`, `git clone` and a process start by
 * hand. Also the memory of idle daemons.
 */
import { spawn } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  Cluster,
  closeConnections,
  freePort,
  get,
  placeRealApp,
  realAppCommand,
  until,
  WorkTree,
  type DaemonProcess,
} from "@propagit/test-support";
import { execa } from "execa";
import { median, report } from "./report.js";

/** Even, so that each goes first as often as the other; one more is thrown away. */
const rounds = 6;
/** Goals of our own; nobody publishes figures for this. */
const timeGoal = 1.25;
const memoryGoalMb = { hub: 120, drone: 60, proxy: 80 } as const;

/** Memory first: the disks of shared machines differ by a factor of five from one minute to the next. */
const places = [
  { name: "in memory", parent: "/dev/shm" },
  { name: "on disk", parent: tmpdir() },
] as const;

for (const { name, parent } of places) {
  const cluster = await Cluster.create({ parent });
  try {
    await measure(cluster, name);
  } finally {
    closeConnections();
    await cluster.destroy();
  }
}

async function measure(cluster: Cluster, place: string): Promise<void> {
  const daemons = {
    hub: await cluster.startHub({ ownRegistry: true }),
    drone: await cluster.startDrone(realAppCommand, [
      "--service=http",
      `--env=DATA=${join(cluster.folder, "flows")}`,
    ]),
    proxy: await cluster.startProxy(),
  };
  if (place === "in memory") await reportIdleMemory(daemons);
  const tree = await WorkTree.create(join(cluster.folder, "app"));
  const problem = await placeRealApp(tree.folder);
  if (problem !== undefined) throw new Error(problem);
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    await tree.write("version.txt", String(round));
    const commit = await tree.commit(`round ${round}`);
    // A repository of its own each round, so that every push is a whole one; who goes first changes, as
    // the second one finds everything in memory.
    const both = [
      async () => theirs.push(await plainMs(cluster, tree, round)),
      async () => ours.push(await propagitMs(cluster, tree, commit, round)),
    ];
    for (const take of round % 2 === 0 ? both : both.reverse()) {
      // Whatever was written before is on disk, so that nobody pays for the other.
      await execa("sync");
      await take();
    }
  }
  // The first round warms everything up.
  ours.shift();
  theirs.shift();
  report({
    bench: "deploy",
    metric: `push and deploy to ready, Node-RED, 8,400 files, ${place}`,
    unit: "ms",
    ours: median(ours),
    theirs: median(theirs),
    peer: "git push + git clone + process start",
    goal: timeGoal,
  });
}

async function propagitMs(
  cluster: Cluster,
  tree: WorkTree,
  commit: string,
  round: number,
): Promise<number> {
  const repo = `app${round}`;
  const start = performance.now();
  await tree.git("push", "--quiet", `http://localhost:${cluster.ports.hub}/${repo}`, "master");
  const { exitCode, stdout, stderr } = await cluster.propagit("deploy", repo, commit);
  const elapsed = performance.now() - start;
  if (exitCode !== 0) throw new Error(stdout + stderr);
  await cluster.propagit("stop", "--force", repo, commit);
  return elapsed;
}

/** The same by hand: bare repository, push, clone, start, until it answers. */
async function plainMs(cluster: Cluster, tree: WorkTree, round: number): Promise<number> {
  const bare = join(cluster.folder, `plain${round}.git`);
  const clone = join(cluster.folder, `plain${round}`);
  const port = await freePort();
  await execa("git", ["init", "--quiet", "--bare", "--initial-branch=master", bare]);
  const start = performance.now();
  await tree.git("push", "--quiet", `file://${bare}`, "master");
  await execa("git", ["clone", "--quiet", `file://${bare}`, clone]);
  const [command, ...args] = realAppCommand;
  const app = spawn(command, args, {
    cwd: clone,
    detached: true,
    stdio: "ignore",
    env: { ...process.env, PORT: String(port), DATA: `${clone}.data`, PROCESS_ID: "plain" },
  });
  try {
    await until(
      "the application to answer",
      () =>
        get(port).then(
          () => true,
          () => false,
        ),
      60_000,
    );
    return performance.now() - start;
  } finally {
    if (app.pid !== undefined) process.kill(-app.pid, "SIGKILL");
    await rm(clone, { recursive: true, force: true });
  }
}

async function reportIdleMemory(
  daemons: Readonly<Record<"hub" | "drone" | "proxy", DaemonProcess>>,
) {
  const bare = spawn(process.execPath, ["--eval", "setInterval(() => {}, 1000)"]);
  await until("a bare node to be up", async () => (await residentMb(bare.pid ?? -1)) > 30);
  const theirs = await residentMb(bare.pid ?? -1);
  bare.kill();
  for (const part of ["hub", "drone", "proxy"] as const) {
    const ours = await residentMb(daemons[part].pid);
    const peer = "an idle node process that does nothing";
    const metric = `resident memory, idle ${part}`;
    report({
      bench: "deploy",
      metric,
      unit: "MB",
      ours,
      theirs,
      peer,
      goalAbsolute: memoryGoalMb[part],
    });
  }
}

async function residentMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_024;
}
