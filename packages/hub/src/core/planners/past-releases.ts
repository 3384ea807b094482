/** How long the parts of a release take, by what their tasks took in the last ones of its environment. */
import type { PastDuration } from "@propagit/plan";
import { releasesIn } from "../release-history.js";
import type { LedgerRows } from "../draft.js";

/** Those that only write are over at once, also where nobody has seen one. */
const writing = [
  "open-release",
  "start",
  "close-release",
  "undo-release",
  "shift-traffic",
] as const;

/** Runs of releases that came to their end, newest first. */
export function pastRuns(rows: LedgerRows, repo: string, environment: string): readonly string[] {
  return releasesIn(rows, repo, environment).flatMap(({ state, run }) =>
    state === "ready" && run !== undefined ? [run] : [],
  );
}

/** In ms, by command; empty when nothing was ever released there. */
export function releaseDurations(past: readonly PastDuration[]): ReadonlyMap<string, number> {
  if (past.length === 0) return new Map();
  return new Map([...writing.map((command): [string, number] => [command, 0]), ...byCommand(past)]);
}

/** In ms, wherever it was carried out. */
export function byCommand(past: readonly PastDuration[]): ReadonlyMap<string, number> {
  return new Map(
    past.flatMap(({ command, host, ms }): [string, number][] =>
      host === undefined ? [[command, ms]] : [],
    ),
  );
}
