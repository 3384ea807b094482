/** Rows on equal lines: how long until all have it, what the hub sends of it, what it costs. */
import { rm } from "node:fs/promises";
import { execa } from "execa";
import { randomTree } from "./packs.js";
import { gitByAll, httpByAll, startFileServer } from "./peers.js";
import { median, report, rounded } from "../report.js";
import { labelOf, limitMs, type Kind, type Ring, type Setting } from "./setting.js";
import { spread, type Spread } from "./spread.js";

const bench = "swarm";
/** By number of drones: time as a multiple of size/bandwidth. */
const timeGoals: readonly (readonly [drones: number, goal: number])[] = [
  [4, 1.15],
  [16, 1.25],
  [Infinity, 1.4],
];
const largestToSmallestGoal = 1.25;
const uploadGoal = 1.2;
const memoryGoalMb = 40;
const speedupGoal = 30;
const fewGoal = 1.03;

export async function evenLines(ring: Ring, setting: Setting): Promise<void> {
  const wholes: number[] = [];
  for (const drones of setting.drones) {
    const given = await distribute(ring, drones, setting.bytes);
    const { wholeMs } = given;
    if (wholeMs !== undefined) wholes.push(wholeMs);
    reportEven(drones, setting, given);
  }
  const [smallest, largest] = [wholes[0], wholes.at(-1)];
  const [few, many] = [setting.drones[0], setting.drones.at(-1)];
  if (smallest === undefined || largest === undefined || wholes.length < 2) return;
  report({
    bench,
    metric: `time until ${many} drones have every piece, beside ${few}`,
    unit: "ms",
    ours: largest,
    theirs: smallest,
    peer: `${few} drones`,
    goal: largestToSmallestGoal,
  });
}

function reportEven(drones: number, setting: Setting, given: Spread): void {
  const { bytes, bytesPerSecond } = setting;
  const idealMs = (bytes / bytesPerSecond) * 1_000;
  const what = `${bytes / 1e6} MB to ${drones} drones`;
  const way = given.wholeMs === undefined ? "not by the swarm" : "by the swarm";
  const [, goal = Infinity] = timeGoals.find(([most]) => drones <= most) ?? [];
  const peer = `size / bandwidth (${bytesPerSecond / 1e6} MB/s for each)`;
  const common = { bench, peer, more: { way, busyPercent: Math.round(given.busyPercent) } };
  const times = { unit: "ms", theirs: idealMs, goal };
  report({
    ...common,
    ...times,
    metric: `${what}: until the last one has every piece`,
    ours: given.wholeMs ?? given.takenMs,
  });
  report({
    ...common,
    ...times,
    goal: Infinity,
    metric: `${what}: until git has taken it on the last one`,
    ours: given.takenMs,
    more: { ...common.more, preparedMs: Math.round(given.preparedMs) },
  });
  report({
    bench,
    metric: `${what}: sent by the hub, all headers included`,
    unit: "artifacts",
    ours: given.hubLineBytes / bytes,
    theirs: drones,
    peer: "every drone fetches from the hub",
    ...(drones >= 16 ? { goalAbsolute: uploadGoal } : { goal: Infinity }),
    more: { byItsOwnCount: rounded((given.hubPieceBytes ?? NaN) / bytes), way },
  });
  reportCosts(what, drones, setting, given);
}

function reportCosts(what: string, drones: number, { bytes }: Setting, given: Spread): void {
  report({
    bench,
    metric: `${what}: a drone's memory above idle, the largest`,
    unit: "MB",
    ours: given.droneGrowthMbMax,
    theirs: given.droneGrowthMbMax,
    peer: "none",
    goalAbsolute: memoryGoalMb,
  });
  const gigabytes = (drones * bytes) / 1e9;
  report({
    bench,
    metric: `${what}: CPU of the drones themselves for each GB`,
    unit: "s",
    ours: given.dronesCpuUs / 1e6 / gigabytes,
    theirs: given.hubCpuUs / 1e6 / gigabytes,
    peer: "CPU of the hub",
    goal: Infinity,
    more: { git: rounded(given.gitCpuUs / 1e6 / gigabytes) },
  });
}

/** The same artifact to the most drones, by the swarm, and by each fetching from the hub. */
export async function againstAll(ring: Ring, setting: Setting): Promise<void> {
  const drones = setting.drones.at(-1) ?? 0;
  const names = await ring.first(drones);
  const { directBytes: bytes, bytesPerSecond } = setting;
  const given = await distribute(ring, drones, bytes);
  const ours = given.wholeMs ?? given.takenMs;
  const folder = ring.newFolder();
  const tree = await randomTree(folder, bytes, "nobody");
  // One file of all of it, as everybody downloads it.
  await execa("sh", ["-c", "cat random-*.bin > whole.pack"], { cwd: folder });
  await ring.fleet.push(tree, "for-git");
  const server = await startFileServer(ring.fleet, folder);
  const byHttp = await httpByAll(ring.fleet, names, `${server.plainUrl}/whole.pack`);
  await server.stop();
  const byGit = await gitByAll(ring.fleet, names, "for-git");
  const what = `${bytes / 1e6} MB to ${drones} drones at ${bytesPerSecond / 1e6} MB/s`;
  for (const [theirs, peer] of [
    [byGit, "every drone fetches from the hub with git"],
    [byHttp, "every drone downloads it from nginx"],
  ] as const) {
    report({
      bench,
      metric: `${what}: times faster (until every piece is there)`,
      unit: "ms",
      ours,
      theirs,
      peer,
      ratio: theirs / ours,
      goalMin: Math.min(speedupGoal, drones / 2),
      more: { untilGitHasTakenItMs: Math.round(given.takenMs) },
    });
  }
}

/** One, two or three drones, beside as many that have no part in swarms and fetch with git. */
export async function few(ring: Ring, setting: Setting): Promise<void> {
  for (const drones of [1, 2, 3]) {
    const [ours, theirs]: [number[], number[]] = [[], []];
    for (let round = 0; round < setting.rounds; round++) {
      const take = async (kind: Kind, into: number[]) => {
        const { preparedMs, takenMs } = await distribute(ring, drones, setting.bytes, kind);
        into.push(preparedMs + takenMs);
      };
      const both = [() => take("taking part", ours), () => take("aloof", theirs)];
      for (const one of round % 2 === 0 ? both : both.reverse()) await one();
    }
    report({
      bench,
      metric: `${setting.bytes / 1e6} MB to ${drones} drones: from deploy until git has taken it on the last`,
      unit: "ms",
      ours: median(ours),
      theirs: median(theirs),
      peer: "as many drones without a swarm: each fetches from the hub with git",
      goal: fewGoal,
    });
  }
}

let distributed = 0;

async function distribute(
  ring: Ring,
  drones: number,
  bytes: number,
  kind: Kind = "taking part",
): Promise<Spread> {
  const names = await ring.first(drones, kind);
  const repo = `random-${distributed++}`;
  const folder = ring.newFolder();
  const tree = await randomTree(folder, bytes, labelOf(drones, kind));
  await ring.fleet.push(tree, repo);
  const commit = await tree.git("rev-parse", "HEAD");
  const given = await spread({ fleet: ring.fleet, names, repo, commit, limitMs });
  await ring.fleet.propagit("stop", "--force", repo, commit);
  await rm(folder, { recursive: true });
  return given;
}
