/** Whether a rollout by steps may be changed by hand now. */
import { PropagitError, type CanaryChange } from "@propagit/protocol";
import type { CanaryRow } from "./canary-row.js";
import { nameOfCanary, whyNotChange } from "./canary.js";
import { placeName, type NamedPlace } from "./place-name.js";

export interface WantedCanaryChange {
  readonly change: CanaryChange;
  /** Whose rollout is meant; absent: whichever is under way. */
  readonly release?: number | undefined;
}

/** @throws NO_ROLLOUT when another one is under way, or it cannot be changed like that now */
export function checkCanaryChange(row: CanaryRow, { change, release }: WantedCanaryChange): void {
  const what = `the rollout of ${nameOfCanary(row)} in ${placeName(row)}`;
  if (release !== undefined && row.release !== release) {
    throw noRollout(`${what} is under way, and not that of release ${release}`);
  }
  const why = whyNotChange(row, change);
  if (why !== undefined) throw noRollout(`${what} cannot ${change}: ${why}`);
}

/** Whether it was made: then there is nothing left that it could change. */
export function isCanaryChanged(row: CanaryRow, { change, release }: WantedCanaryChange): boolean {
  const isReplaced = release !== undefined && row.release !== release;
  return isReplaced || whyNotChange(row, change) !== undefined;
}

export function noneUnderWay(place: NamedPlace): PropagitError {
  return noRollout(`${placeName(place)} has no rollout by steps under way`);
}

function noRollout(message: string): PropagitError {
  return new PropagitError("NO_ROLLOUT", message);
}
