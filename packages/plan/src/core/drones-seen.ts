/**
 * How the drones stand that have a part in one task, as in the start of a release. However many they are, what is kept
 * is bounded: the counts of all, and those that somebody wants to look at, which are the failed and the slow ones.
 */
import { cutText } from "./cut-text.js";

/** In the order in which they need a look. */
const droneStates = ["failed", "away", "starting", "healthy", "unchanged"] as const;
export type DroneState = (typeof droneStates)[number];

export interface DroneSeen {
  readonly drone: string;
  readonly state: DroneState;
  /** From its turn until it was healthy, or failed. */
  readonly tookMs?: number;
  readonly reason?: string;
  readonly lastLines?: readonly string[];
}

export interface DronesSeen {
  /** Of all of them; `drones` may be some. */
  readonly counts: Readonly<Record<DroneState, number>>;
  readonly drones: readonly DroneSeen[];
}

/** What people look through one by one; guesses. */
export const keptDrones = {
  drones: 40,
  /** With what they said last. */
  dronesWithLines: 10,
  lines: 10,
  lineChars: 300,
  reasonChars: 500,
} as const;

export function dronesSeen(all: readonly DroneSeen[]): DronesSeen {
  const counts = { failed: 0, away: 0, starting: 0, healthy: 0, unchanged: 0 };
  for (const { state } of all) counts[state] += 1;
  const first = all.toSorted(byNeed).slice(0, keptDrones.drones);
  return { counts, drones: first.map((one, index) => kept(one, index)) };
}

/** The slowest before the others of their state. */
function byNeed(left: DroneSeen, right: DroneSeen): number {
  const need = droneStates.indexOf(left.state) - droneStates.indexOf(right.state);
  return need || (right.tookMs ?? 0) - (left.tookMs ?? 0);
}

function kept({ reason, lastLines = [], ...one }: DroneSeen, index: number): DroneSeen {
  const isTold = index < keptDrones.dronesWithLines && lastLines.length > 0;
  return {
    ...one,
    ...(reason !== undefined && { reason: cutText(reason, keptDrones.reasonChars) }),
    ...(isTold && {
      lastLines: lastLines
        .slice(-keptDrones.lines)
        .map((line) => cutText(line, keptDrones.lineChars)),
    }),
  };
}
