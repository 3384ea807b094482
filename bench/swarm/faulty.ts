/**
 * Row of bad lines: packets between all machines come late and some never, and TCP finds out. The packets pass
 * through a program on the router; see fault-proxy.py. What the swarm takes for all drones stands beside what one
 * plain download by one drone alone takes over the same kind of line: with losses one connection does not fill it.
 */
import { fileURLToPath } from "node:url";
import { Fleet } from "@propagit/test-support";
import { execa, execaSync } from "execa";
import { median, report, rounded } from "../report.js";
import { randomTree } from "./packs.js";
import { httpByAll, startFileServer, wholeFileOf } from "./peers.js";
import { folderParent, labelOf, limitMsOf, wordsOf, type Setting, type Size } from "./setting.js";
import { spread, timeOf } from "./spread.js";

const bench = "swarm";
const drones = 8;
const zone = "a";
const device = "faults";
/** Of the internet, between two continents or over a radio; each way. */
const faults = { delayMs: 40, jitterMs: 10, lossPercent: 1, seed: 5 };
/** As on such lines: the fewer bytes a packet has, the more of them are lost for the same artifact. */
const packetBytesMax = 1_500;
/** It is in every kernel and allowed in every namespace; with losses CUBIC, the usual one, goes by the same rule. */
const congestion = "reno";
/** Compiled code is in bench/dist/swarm, this is not compiled. */
const program = fileURLToPath(new URL("../../swarm/fault-proxy.py", import.meta.url));
const python = "python3";

export async function faultyLines({ rounds, sizes }: Setting): Promise<void> {
  const problem = faultyProblem();
  if (problem !== undefined) {
    process.stderr.write(`bench:swarm faulty: ${problem}, so this row was not measured\n`);
    return;
  }
  const size = sizes.faulty;
  const { bytesPerSecond } = size;
  const fleet = await Fleet.create({ parent: folderParent, bytesPerSecond, packetBytesMax });
  try {
    await fleet.startHub();
    const proxy = await startFaults(fleet);
    const names = Array.from({ length: drones }, (_, index) => `d${index + 1}`);
    await fleet.startDrones(names, () => ({ flags: [`--label=${labelOf(drones)}=1`] }));
    for (const name of ["hub", ...names]) fleet.machines.congestion(name, congestion);
    const taken = await measure(fleet, names, size, rounds);
    tell(size, taken, await proxy.stop());
  } finally {
    await fleet.destroy();
  }
}

/** Why there can be no such lines here, if so. */
function faultyProblem(): string | undefined {
  const { exitCode } = execaSync(python, ["-c", "open('/dev/net/tun', 'r+b', 0)"], {
    reject: false,
  });
  if (exitCode === 0) return undefined;
  return exitCode === undefined ? `${python} is not here` : "/dev/net/tun cannot be opened";
}

interface Faults {
  /** Percent of the packets that it lost. */
  stop(): Promise<number>;
}

async function startFaults(fleet: Fleet): Promise<Faults> {
  const { delayMs, jitterMs, lossPercent, seed } = faults;
  const [first, ...words] = [...fleet.machines.atRouter(zone), python, program, device];
  const settings = [delayMs, jitterMs, lossPercent, seed].map(String);
  const child = execa(first, [...words, ...settings], { reject: false });
  await new Promise<void>((resolve, reject) => {
    child.stdout.once("data", () => resolve());
    void child.then(({ stderr }) => reject(new Error(`the fault proxy ended: ${stderr}`)));
  });
  fleet.machines.detour(zone, device);
  return {
    async stop() {
      child.kill("SIGTERM");
      const { stdout, stderr } = await child;
      const [, passed, lost] = /passed (\d+) lost (\d+)/.exec(stdout) ?? [];
      if (lost === undefined) throw new Error(`the fault proxy ended early: ${stderr}`);
      return (Number(lost) / (Number(passed) + Number(lost))) * 100;
    },
  };
}

interface Taken {
  readonly swarmMs: readonly number[];
  readonly httpMs: readonly number[];
  readonly isSwarm: boolean;
  readonly busyPercent: number;
}

async function measure(
  fleet: Fleet,
  names: readonly string[],
  size: Size,
  rounds: number,
): Promise<Taken> {
  const limitMs = limitMsOf(size, drones);
  const [swarmMs, httpMs, busy]: [number[], number[], number[]] = [[], [], []];
  let isSwarm = true;
  for (let round = 0; round < rounds; round++) {
    const repo = `faulty-${round}`;
    const tree = await randomTree(`${fleet.folder}/${repo}`, size.bytes, labelOf(drones));
    await fleet.push(tree, repo);
    const commit = await tree.git("rev-parse", "HEAD");
    const given = await spread({ fleet, names, repo, commit, limitMs });
    swarmMs.push(timeOf(given));
    busy.push(given.busyPercent);
    isSwarm &&= given.wholeMs !== undefined;
    const server = await startFileServer(fleet, tree.folder);
    try {
      const file = await wholeFileOf(tree.folder);
      httpMs.push(await httpByAll(fleet, names.slice(0, 1), `${server.url}/${file}`, limitMs));
    } finally {
      await server.stop();
    }
  }
  return { swarmMs, httpMs, isSwarm, busyPercent: Math.max(...busy) };
}

function tell(size: Size, { swarmMs, httpMs, isSwarm, busyPercent }: Taken, lost: number): void {
  const idealMs = (size.bytes / size.bytesPerSecond) * 1_000;
  const { delayMs, jitterMs, lossPercent } = faults;
  const line = `${delayMs} to ${delayMs + jitterMs} ms each way, ${lossPercent} % lost`;
  report({
    bench,
    metric: `${wordsOf(size)}, ${line}: until the last of ${drones} drones has every piece`,
    unit: "size / bandwidth",
    ours: median(swarmMs) / idealMs,
    theirs: median(httpMs) / idealMs,
    peer: "one plain download from nginx by one drone alone over the same kind of line",
    goal: Infinity,
    more: {
      way: isSwarm ? "by the swarm" : "not by the swarm",
      rounds: swarmMs.length,
      congestion,
      lostPercentSeen: rounded(lost),
      busyPercent: Math.round(busyPercent),
    },
  });
}
