/** Row of two zones: what the line between them carries, with a relay and without. */
import { Fleet } from "@propagit/test-support";
import { report } from "../report.js";
import { randomTree } from "./packs.js";
import { folderParent, labelOf, limitMsOf, wordsOf, type Setting, type Size } from "./setting.js";
import { spread, timeOf } from "./spread.js";

const bench = "swarm";
const dronesPerZone = 8;
/** Of a machine's line. */
const narrow = 0.1;
const goals = { with: 1.1, without: 2 } as const;
const relayPort = 6003;

export async function twoZones({ sizes }: Setting): Promise<void> {
  for (const relays of ["without", "with"] as const) await measure(sizes.zones, relays);
}

async function measure(size: Size, relays: "with" | "without"): Promise<void> {
  const { bytes, bytesPerSecond } = size;
  const fleet = await Fleet.create({ parent: folderParent, bytesPerSecond });
  try {
    await fleet.startHub();
    const near = names("a");
    const far = names("b");
    const label = `--label=${labelOf(2 * dronesPerZone)}=1`;
    const flags = (zone: string) => [label, `--label=zone=${zone}`];
    await fleet.startDrones(near, () => ({ zone: "a", flags: flags("a") }));
    // The router of the far zone comes with its first machine.
    fleet.machines.add("relay", "b", bytesPerSecond);
    fleet.machines.join("a", "b", bytesPerSecond * narrow);
    const hub = relays === "with" ? await startRelay(fleet) : undefined;
    await fleet.startDrones(far, () => ({ zone: "b", flags: flags("b"), hub }));
    const tree = await randomTree(`${fleet.folder}/tree`, bytes, labelOf(2 * dronesPerZone));
    await fleet.push(tree, "zones");
    const commit = await tree.git("rev-parse", "HEAD");
    const before = fleet.machines.carriedBetween("a", "b").sentBytes;
    const all = [...near, ...far];
    const long = { bytes, bytesPerSecond: bytesPerSecond * narrow };
    const limitMs = limitMsOf(long, dronesPerZone);
    const given = await spread({ fleet, names: all, repo: "zones", commit, limitMs });
    const carried = fleet.machines.carriedBetween("a", "b").sentBytes - before;
    const what = `${wordsOf(size)}, two zones of ${dronesPerZone} drones, ${relays} a relay`;
    const more = {
      way: given.wholeMs === undefined ? "not by the swarm" : "by the swarm",
      busyPercent: Math.round(given.busyPercent),
    };
    report({
      bench,
      metric: `${what}: carried by the line between them`,
      unit: "artifacts",
      ours: carried / bytes,
      theirs: dronesPerZone,
      peer: "every drone fetches from the hub",
      goalAbsolute: goals[relays],
      more,
    });
    report({
      bench,
      metric: `${what}: until the last one has every piece`,
      unit: "ms",
      ours: timeOf(given),
      theirs: (bytes / long.bytesPerSecond) * 1_000,
      peer: `size / bandwidth of that line (${long.bytesPerSecond / 1e6} MB/s)`,
      goal: Infinity,
      more,
    });
  } finally {
    await fleet.destroy();
  }
}

async function startRelay(fleet: Fleet): Promise<string> {
  const machine = fleet.machines.machine("relay");
  const own = [
    "--zone=b",
    "--name=relay",
    `--port=${relayPort}`,
    `--data=${fleet.dataOf("relay")}`,
  ];
  const relay = fleet.start("relay", machine, ["relay", ...fleet.hubFlags, ...own]);
  await relay.said(/connected to the hub/);
  return `${machine.address}:${relayPort}`;
}

function names(zone: string): readonly string[] {
  return Array.from({ length: dronesPerZone }, (_, index) => `${zone}${index + 1}`);
}
