/** The start of a release: which services may run by now, and how each drone stands. */
import type { DroneOutcome, Service } from "@propagit/protocol";
import {
  isAlive,
  isReadySomewhere,
  isThere,
  judge,
  ownService,
  rememberFailures,
  startable,
  type Lateness,
  type SeenDrone,
  type Verdict,
} from "./readiness.js";
import { atLeast, type RolloutTimes, type RolloutView } from "./rollout-view.js";
import { waitingInWave } from "./rollout-wave.js";
import type { RolloutRow } from "./rows.js";

/** Time for every drone to get it ready beside what its services may take: a big fetch. A guess. */
const startMs = 10 * 60_000;
/** For a drone that failed to heal itself while others are on their way; a guess. */
const healMs = 10_000;

/** How a drone stands that is to run some of it. */
export interface Standing {
  readonly drone: string;
  readonly verdict: Verdict;
  /** When its newest phase began, in ms since 1970. */
  readonly since?: number;
}

/** How each drone stands that is to run some of it. */
export function verdicts(row: RolloutRow, view: RolloutView): readonly Standing[] {
  const late = latenessOf(row, view);
  const before = new Map(row.drones.map((drone) => [drone.identity, drone]));
  return view.drones.flatMap((seen) => {
    const verdict = judge(seen, before.get(seen.identity), late);
    if (!verdict) return [];
    const { drone, reports } = seen;
    const since = Math.max(0, ...reports.filter(isAlive).map((report) => report.since));
    return [{ drone, verdict, ...(since > 0 && { since }) }];
  });
}

/** What is known of the drones before they are told to run it. */
export function rememberDrones(
  row: RolloutRow,
  drones: readonly SeenDrone[],
): RolloutRow["drones"] {
  const wasStarted = row.former?.started ?? false;
  const known = new Map(row.drones.map((drone) => [drone.identity, drone]));
  return drones
    .filter(({ contact, identity }) => contact !== "left" || known.has(identity))
    .map(({ identity, contact, reports, wanted }) => {
      // In a later wave: it is told already.
      const told = wanted.size > 0 ? known.get(identity) : undefined;
      if (told) return told;
      return {
        identity,
        wasThere: isThere({ contact }),
        // What is restarted is ready once more, and not as it was.
        ranBefore: wasStarted && !row.redeploy && reports.some(({ phase }) => phase === "ready"),
        staleFailures: [...rememberFailures(reports)],
      };
    });
}

/** Those that ran before go on; others come when what they come after is ready. */
export function servicesNow(
  row: RolloutRow,
  view: RolloutView,
  started: readonly string[],
): readonly string[] {
  const { services } = view.release.specification;
  const running = new Set([...started, ...(row.former?.services ?? [])]);
  const may = new Set(startable(services, view.drones));
  return services.map(({ name }) => name).filter((name) => may.has(name) || running.has(name));
}

/** What runs nowhere although it should; undefined when nothing lacks. */
export function whatLacks(started: readonly string[], view: RolloutView): string | undefined {
  const { services } = view.release.specification;
  // A drone's own command stands for everything that a repository may say.
  const own = view.drones.filter(({ ownCommand }) => ownCommand);
  if (isReadySomewhere(ownService, own)) return undefined;
  if (services.length === 0) return "no drone is left that runs it";
  const late = waitingInWave(started, view);
  if (late) return neverStarted(late);
  // Of a wave only what has its place there: the others may come with the next one, but for the last.
  const isLimited = view.deployment?.only !== undefined && view.asked === "wait-healthy";
  const isPlaced = (name: string) => view.drones.some((drone) => drone.wanted.has(name));
  const wanted = services.filter(
    ({ name, instances }) => instances.count > 0 && (!isLimited || isPlaced(name)),
  );
  const waiting = wanted.find(({ name }) => !started.includes(name));
  if (waiting) return neverStarted(waiting);
  const missing = wanted.find(({ name }) => !isReadySomewhere(name, view.drones));
  return missing && `service ${missing.name} is ready on no drone`;
}

function neverStarted({ name, after }: Service): string {
  return `service ${name} never started: ${after.join(", ")} must be ready before it`;
}

/** Since when some drone failed without a break; undefined again when none does. */
export function rememberFailing(
  row: RolloutRow,
  seen: readonly Standing[],
  now: number,
): RolloutRow {
  const isFailing = seen.some(({ verdict }) => verdict.kind === "failed");
  if (isFailing === (row.failingSince !== undefined)) return row;
  const { failingSince: _, ...rest } = row;
  return isFailing ? { ...rest, failingSince: now } : rest;
}

/** Whether a drone has failed for so long that the others can no longer make it a success. */
export function isGivenUp({ failingSince }: RolloutRow, view: RolloutView): boolean {
  return failingSince !== undefined && view.now >= atLeast(failingSince + healMs, view);
}

/** When a start comes to nothing if all stays as it is. */
export function startDeadline({ phaseAt, failingSince }: RolloutRow, view: RolloutTimes): number {
  const healed = failingSince === undefined ? Number.POSITIVE_INFINITY : failingSince + healMs;
  return atLeast(Math.min(phaseAt + startLimitMs(view), healed), view);
}

export function outcomeOf({ drone, verdict }: Standing): DroneOutcome {
  switch (verdict.kind) {
    case "pending":
      return { drone, outcome: "stopped", reason: "it was not ready yet" };
    case "ready":
    case "unchanged": {
      const { kind, port } = verdict;
      return { drone, outcome: kind, ...(port !== undefined && { port }) };
    }
    case "failed":
    case "away": {
      const { kind, ...why } = verdict;
      return { drone, outcome: kind, ...why };
    }
    default:
      return verdict satisfies never;
  }
}

export function latenessOf(row: RolloutRow, view: RolloutView): Lateness {
  if (row.phase !== "starting") return undefined;
  const limit = startLimitMs(view);
  if (view.now < atLeast(row.phaseAt + limit, view)) return undefined;
  return `it was not ready within ${Math.round(limit / 6_000) / 10} min`;
}

function startLimitMs({ release }: RolloutTimes): number {
  const { services } = release.specification;
  return services.reduce((sum, { readyTimeoutMs }) => sum + readyTimeoutMs, startMs);
}
