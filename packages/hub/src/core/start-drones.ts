/** The drones of a release that starts, as the task of its plan tells them that waits for them. */
import type { DroneSeen } from "@propagit/plan";
import type { Standing } from "./rollout-start.js";

export interface StartDrones {
  readonly standings: readonly Standing[];
  /** Names of those whose turn it is; undefined: all. */
  readonly wave: readonly string[] | undefined;
  /** When their turn came. */
  readonly from: number;
}

/** Of drones whose turn was before only those that fail it now. */
export function startDrones({ standings, wave, from }: StartDrones): readonly DroneSeen[] {
  const names = wave && new Set(wave);
  return standings
    .filter(({ drone, verdict }) => verdict.kind === "failed" || (names?.has(drone) ?? true))
    .map((standing) => seen(standing, from));
}

function seen({ drone, verdict, since }: Standing, from: number): DroneSeen {
  // Clocks of machines differ.
  const took = since === undefined ? {} : { tookMs: Math.max(0, since - from) };
  switch (verdict.kind) {
    case "pending": {
      const { ready, wanted } = verdict;
      const some = ready > 0 && { reason: `${ready} of ${wanted} instances are ready` };
      return { drone, state: "starting", ...some };
    }
    case "ready":
      return { drone, state: "healthy", ...took };
    case "unchanged":
      return { drone, state: "unchanged" };
    case "failed": {
      const { reason, lastLines } = verdict;
      return { drone, state: "failed", ...took, reason, ...(lastLines && { lastLines }) };
    }
    case "away":
      return { drone, state: "away", reason: verdict.reason };
    default:
      return verdict satisfies never;
  }
}
