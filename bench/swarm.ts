/**
 * `npm run bench:swarm`: how fast and how cheaply a commit reaches many machines, beside everybody's own
 * `git fetch` from the hub and a plain download by all, in the same run.
 *
 * Machines are network namespaces with bounded lines (`tc tbf`), so all rows but `simulated` need root; the hub
 * and the drones are the built command lines, the packs real ones. All of them share the cores of this machine:
 * lines are so narrow that these are not what is measured, and each row says how busy they were.
 *
 *     npm run bench:swarm [ROW…]
 *     BENCH_DRONES=4,16,64 BENCH_ROUNDS=3
 *     BENCH_MB=16 BENCH_MB_PER_SECOND=0.5, and as BENCH_ALL_MB, BENCH_FEW_…, BENCH_ZONES_…, BENCH_FAULTY_… of one row
 */
import { Machines } from "@propagit/test-support";
import { againstAll } from "./swarm/against-all.js";
import { evenLines } from "./swarm/even.js";
import { faultyLines } from "./swarm/faulty.js";
import { few } from "./swarm/few.js";
import { nextCommits } from "./swarm/next-commit.js";
import { passingOn } from "./swarm/passing-on.js";
import { Ring, settingOf, type Setting } from "./swarm/setting.js";
import { thousands } from "./swarm/simulated.js";
import { twoZones } from "./swarm/zones.js";

type Row = (setting: Setting, ring: () => Promise<Ring>) => Promise<void>;

const rows: Readonly<Record<string, Row>> = {
  even: async (setting, ring) => evenLines(await ring(), setting),
  all: async (setting, ring) => againstAll(await ring(), setting),
  few: async (setting, ring) => few(await ring(), setting),
  next: async (_, ring) => nextCommits(await ring()),
  "passing-on": passingOn,
  zones: twoZones,
  faulty: faultyLines,
  simulated: thousands,
};

const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(rows);
const unknown = wanted.filter((name) => !(name in rows));
const problem = wanted.every((name) => name === "simulated") ? undefined : Machines.problem;
if (unknown.length > 0) {
  const names = Object.keys(rows).join(", ");
  process.stderr.write(`no such row: ${unknown.join(", ")}; there are ${names}\n`);
  process.exitCode = 2;
} else if (problem !== undefined) {
  process.stderr.write(`bench:swarm: ${problem}, so nothing was measured\n`);
  process.exitCode = 2;
} else {
  await main(settingOf(process.env));
}

async function main(setting: Setting): Promise<void> {
  let shared: Promise<Ring> | undefined;
  const ring = () => (shared ??= Ring.start(setting));
  const end = async () => {
    const started = await shared?.catch(() => undefined);
    shared = undefined;
    await started?.fleet.destroy();
  };
  try {
    for (const name of wanted) {
      await rows[name]?.(setting, ring).catch(async (thrown: unknown) => {
        // The other rows are worth having all the same, but not with what this one left behind.
        process.exitCode = 1;
        const reason = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
        process.stderr.write(`bench:swarm ${name} failed: ${reason}\n`);
        await end();
      });
    }
  } finally {
    await end();
  }
}
