/** One commit on its way to drones: how long it takes, what it costs, what the hub sends of it. */
import { hubMachine, type Fleet } from "@propagit/test-support";
import { busyUs, cores, forgetPeak, memoryOf, workOf, type Work } from "./cores.js";
import { viewOf } from "./views.js";

export interface Spread {
  /** Until the last one has all pieces, checked; undefined when some drone got it another way. */
  readonly wholeMs: number | undefined;
  /** Until git has taken it on the last one. */
  readonly takenMs: number;
  /** From `propagit deploy` to the first drone's beginning: release, placing, the pack's making. */
  readonly preparedMs: number;
  /** Pieces that the hub sent, by its own count; undefined when the commit took another way. */
  readonly hubPieceBytes: number | undefined;
  /** On the hub's line, all headers and whatever else the hub said included. */
  readonly hubLineBytes: number;
  /** Received by each drone on its line. */
  readonly droneLineBytes: readonly number[];
  /** Of all cores of this machine together. */
  readonly busyPercent: number;
  readonly hubCpuUs: number;
  /** Of all drones together. */
  readonly dronesCpuUs: number;
  /** Of what they had git do, and of the start of what was deployed. */
  readonly gitCpuUs: number;
  /** Largest growth of a drone's resident memory above what it had before. */
  readonly droneGrowthMbMax: number;
}

export interface SpreadOptions {
  readonly fleet: Fleet;
  readonly names: readonly string[];
  readonly repo: string;
  readonly commit: string;
  readonly limitMs: number;
  readonly deployFlags?: readonly string[];
}

/**
 * A drone says this when it has all pieces; the time is since it was told which artifact.
 * `webapp 1234567: 512 pieces, 16.8 MB, whole after 8.31 s (…)`
 */
const wholePattern = (commit: string) =>
  new RegExp(`${commit.slice(0, 7)}.* whole after ([\\d.]+) s`);

export async function spread(options: SpreadOptions): Promise<Spread> {
  const { fleet, names, repo, commit, limitMs, deployFlags = [] } = options;
  await Promise.all(names.map(async (name) => forgetPeak(fleet.drone(name).pid)));
  const before = await observe(fleet, names);
  const wholes = watchWholes(fleet, names, commit);
  const startMs = performance.now();
  const deployed = await fleet.propagit("deploy", "--detach", ...deployFlags, repo, commit);
  if (deployed.exitCode !== 0) throw new Error(deployed.stdout + deployed.stderr);
  await fleet.untilTaken(names, repo, commit, limitMs);
  const endMs = performance.now();
  const after = await observe(fleet, names);
  wholes.stop();
  const view = await viewOf(fleet, repo, commit);
  return {
    hubPieceBytes: view?.hubSentBytes,
    ...times({ startMs, endMs, wholes: wholes.seen(), names }),
    ...costs(before, after, names),
  };
}

/** Until the last one has all of it: its pieces, or what git fetched. */
export function timeOf({ wholeMs, takenMs }: Spread): number {
  return wholeMs ?? takenMs;
}

interface Whole {
  readonly atMs: number;
  readonly tookMs: number;
}

function watchWholes(fleet: Fleet, names: readonly string[], commit: string) {
  const wholes = new Map<string, Whole>();
  const pattern = wholePattern(commit);
  const ends = names.map((name) =>
    fleet.drone(name).listen((said) => {
      const [, seconds] = pattern.exec(said) ?? [];
      if (seconds === undefined) return;
      wholes.set(name, { atMs: performance.now(), tookMs: Number(seconds) * 1_000 });
    }),
  );
  return {
    seen: (): readonly Whole[] => [...wholes.values()],
    stop() {
      for (const end of ends) end();
    },
  };
}

interface Times {
  readonly startMs: number;
  readonly endMs: number;
  readonly wholes: readonly Whole[];
  readonly names: readonly string[];
}

function times({ startMs, endMs, wholes, names }: Times) {
  const isSwarm = wholes.length === names.length;
  // Another way tells no beginning: then it is from the command on.
  const beganMs = isSwarm ? Math.min(...wholes.map(({ atMs, tookMs }) => atMs - tookMs)) : startMs;
  return {
    wholeMs: isSwarm ? Math.max(...wholes.map(({ atMs }) => atMs)) - beganMs : undefined,
    takenMs: endMs - beganMs,
    preparedMs: beganMs - startMs,
  };
}

interface Observed {
  readonly atMs: number;
  readonly busyUs: number;
  readonly hubSentBytes: number;
  readonly hubCpuUs: number;
  readonly drones: ReadonlyMap<string, DroneObserved>;
}

interface DroneObserved {
  readonly receivedBytes: number;
  readonly work: Work;
  readonly residentMb: number;
  readonly peakMb: number;
}

async function observe(fleet: Fleet, names: readonly string[]): Promise<Observed> {
  const carried = fleet.machines.carried();
  const drones = await Promise.all(
    names.map(async (name) => {
      const { pid } = fleet.drone(name);
      const [work, memory] = [await workOf(pid), await memoryOf(pid)];
      const { receivedBytes = 0 } = carried.get(name) ?? {};
      return [name, { receivedBytes, work, ...memory }] as const;
    }),
  );
  return {
    atMs: performance.now(),
    busyUs: await busyUs(),
    hubSentBytes: carried.get(hubMachine)?.sentBytes ?? 0,
    hubCpuUs: (await workOf(fleet.hub.pid)).ownUs,
    drones: new Map(drones),
  };
}

function costs(before: Observed, after: Observed, names: readonly string[]) {
  const of = (observed: Observed, name: string) => {
    const drone = observed.drones.get(name);
    if (!drone) throw new Error(`${name} was not observed`);
    return drone;
  };
  const each = names.map((name) => ({ was: of(before, name), is: of(after, name) }));
  const elapsedUs = (after.atMs - before.atMs) * 1_000;
  return {
    hubLineBytes: after.hubSentBytes - before.hubSentBytes,
    droneLineBytes: each.map(({ was, is }) => is.receivedBytes - was.receivedBytes),
    busyPercent: ((after.busyUs - before.busyUs) / (elapsedUs * cores)) * 100,
    hubCpuUs: after.hubCpuUs - before.hubCpuUs,
    dronesCpuUs: each.reduce((sum, { was, is }) => sum + is.work.ownUs - was.work.ownUs, 0),
    gitCpuUs: each.reduce((sum, { was, is }) => sum + is.work.childrenUs - was.work.childrenUs, 0),
    droneGrowthMbMax: Math.max(...each.map(({ was, is }) => is.peakMb - was.residentMb)),
  };
}
