/** How many events are written together: as many as wait, within what a journal takes at once. */
import type { RunEvent } from "../run-event.js";
import { keptDrones } from "./drones-seen.js";

/**
 * `chars` is a sixteenth of what a store takes in one transaction: a character may be six bytes once it is
 * written as JSON.
 */
export const batchMax = { events: 2_000, chars: 1024 * 1024 } as const;

/** Besides texts: names of fields, times, ids. */
const eventChars = 150;
/** What is kept of drones at most: names, times and reasons of all, lines of some. */
const dronesChars =
  keptDrones.drones * (150 + keptDrones.reasonChars) +
  keptDrones.dronesWithLines * keptDrones.lines * (4 + keptDrones.lineChars);

/** How many of the events, from the first on, go into one batch. At least one. */
export function batchLength(
  events: readonly RunEvent[],
  eventsMax: number = batchMax.events,
): number {
  let chars = 0;
  let count = 0;
  for (const event of events) {
    chars += charsOf(event);
    if (count > 0 && (count >= eventsMax || chars > batchMax.chars)) break;
    count += 1;
  }
  return count;
}

function charsOf(event: RunEvent): number {
  const said = event.kind === "task-ended" || event.kind === "task-retries" ? event : undefined;
  const lines = said?.lastLines ?? [];
  const linesChars = lines.reduce((sum, line) => sum + line.length + 4, 0);
  const drones = event.kind === "task-ended" && event.drones ? dronesChars : 0;
  return eventChars + linesChars + drones + (said?.reason?.length ?? 0);
}
