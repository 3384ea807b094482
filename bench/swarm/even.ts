/** Rows on equal lines: how long until all have it, what the hub sends of it, what it costs. */
import { report, rounded } from "../report.js";
import { distribute } from "./distribute.js";
import type { Ring, Setting } from "./setting.js";
import { timeOf, type Spread } from "./spread.js";

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

export async function evenLines(ring: Ring, setting: Setting): Promise<void> {
  const wholes: number[] = [];
  for (const drones of setting.drones) {
    const given = await distribute(ring, drones, setting);
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
    ours: timeOf(given),
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
