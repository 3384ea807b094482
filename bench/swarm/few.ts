/** Row of one, two, three drones, beside as many that have no part in swarms: each fetches with git. */
import { median, report } from "../report.js";
import { distribute } from "./distribute.js";
import { wordsOf, type Kind, type Ring, type Setting, type Size } from "./setting.js";

const goal = 1.03;

export async function few(ring: Ring, { rounds, sizes }: Setting): Promise<void> {
  for (const drones of [1, 2, 3]) await measure(ring, drones, sizes.few, rounds);
}

async function measure(ring: Ring, drones: number, size: Size, rounds: number): Promise<void> {
  const times: Readonly<Record<Kind, number[]>> = { "taking part": [], aloof: [] };
  const ways = new Set<string>();
  const take = async (kind: Kind) => {
    const { preparedMs, takenMs, wholeMs } = await distribute(ring, drones, size, kind);
    times[kind].push(preparedMs + takenMs);
    if (kind === "taking part") ways.add(wholeMs === undefined ? "git" : "by the swarm");
  };
  const everybody = [...(await ring.first(drones)), ...(await ring.first(drones, "aloof"))];
  ring.shape(everybody, size.bytesPerSecond);
  for (let round = 0; round < rounds; round++) {
    const kinds: Kind[] = ["taking part", "aloof"];
    for (const kind of round % 2 === 0 ? kinds : kinds.toReversed()) await take(kind);
  }
  ring.restore(everybody);
  report({
    bench: "swarm",
    metric: `${wordsOf(size)} to ${drones} drones: from deploy until git has taken it on the last`,
    unit: "ms",
    ours: median(times["taking part"]),
    theirs: median(times.aloof),
    peer: "as many drones without a swarm: each fetches from the hub with git",
    goal,
    more: { way: [...ways].join(", "), rounds },
  });
}
