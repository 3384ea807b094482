/** Releases on their way, in the order in which their turn comes. */
import { PropagitError } from "@propagit/protocol";
import { placeName, type NamedPlace } from "./place-name.js";
import { isOpen } from "./release-progress.js";
import type { RolloutRow } from "./rows.js";

/** Those that had begun are before those that waited. */
export function inTurn(rows: readonly RolloutRow[]): readonly RolloutRow[] {
  const waiting = rows.filter((row) => !isOpen(row));
  return [...rows.filter(isOpen), ...waiting.sort((left, right) => left.number - right.number)];
}

export function notUnderWay(place: NamedPlace, release: number | undefined): PropagitError {
  const what = release === undefined ? "no release" : `release ${release}`;
  const text = release === undefined ? "is on its way" : "is not on its way";
  return new PropagitError("NO_RELEASE", `${what} of ${placeName(place)} ${text}`);
}
