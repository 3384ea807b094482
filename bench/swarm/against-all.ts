/** Row of the most drones: one artifact by the swarm, and by each of them from the hub, at the same moment. */
import { hubMachine } from "@propagit/test-support";
import { report } from "../report.js";
import { distribute } from "./distribute.js";
import { randomTree } from "./packs.js";
import { gitByAll, httpByAll, startFileServer, wholeFileOf } from "./peers.js";
import { limitMsOf, wordsOf, type Ring, type Setting, type Size } from "./setting.js";
import { timeOf } from "./spread.js";

const goal = 30;
/**
 * Of the queue at the hub's line while all fetch from it, for each of them: a few packets of 9 KB. In a shorter one
 * those who come late are never heard, and end after a minute.
 */
const crowdQueueBytes = 40_000;
/** Of what is possible: with fewer drones everybody's own fetch does not take 30 times as long as one. */
const goalOf = (drones: number) => Math.min(goal, drones / 2);

export async function againstAll(ring: Ring, { drones: all, sizes }: Setting): Promise<void> {
  const drones = all.at(-1) ?? 0;
  const names = await ring.first(drones);
  const size = sizes.all;
  ring.shape(names, size.bytesPerSecond);
  ring.fleet.machines.shape(hubMachine, size.bytesPerSecond);
  // Daemons run for months: that their code is compiled for the first time is not what is measured.
  await distribute(ring, drones, { ...size, bytes: size.bytes / 2 });
  const given = await distribute(ring, drones, size);
  const crowdQueueMs = (drones * crowdQueueBytes * 1_000) / size.bytesPerSecond;
  ring.fleet.machines.shape(hubMachine, size.bytesPerSecond, crowdQueueMs);
  for await (const { peer, ms } of fetchedByAll(ring, names, size)) {
    report({
      bench: "swarm",
      metric: `${wordsOf(size)} to ${drones} drones: until the last one has all of it`,
      unit: "ms",
      ours: timeOf(given),
      theirs: ms,
      peer,
      ratio: ms / timeOf(given),
      goalMin: goalOf(drones),
      more: {
        way: given.wholeMs === undefined ? "not by the swarm" : "by the swarm",
        fromDeployMs: Math.round(given.preparedMs + timeOf(given)),
        untilGitHasTakenItMs: Math.round(given.takenMs),
        busyPercent: Math.round(given.busyPercent),
      },
    });
  }
  ring.restore(names);
}

/** Each to its end: nothing of it is calculated. */
async function* fetchedByAll(ring: Ring, names: readonly string[], size: Size) {
  const { fleet } = ring;
  const limitMs = limitMsOf(size, names.length);
  const tree = await randomTree(ring.newFolder(), size.bytes, "nobody");
  await fleet.push(tree, "for-git");
  const byGitMs = await gitByAll(fleet, names, "for-git", limitMs);
  yield { peer: "every drone fetches from the hub with git", ms: byGitMs };
  const file = await wholeFileOf(tree.folder);
  const server = await startFileServer(fleet, tree.folder);
  try {
    const byHttpMs = await httpByAll(fleet, names, `${server.url}/${file}`, limitMs);
    yield { peer: "every drone downloads it from nginx", ms: byHttpMs };
  } finally {
    await server.stop();
  }
}
