/** How long a drone took for a push, by the journal of its plan. */
import type { RunEvent } from "@propagit/plan";

/** On average, in ms, of those that got something; undefined when there are none. */
export function pushMs(events: readonly RunEvent[]): number | undefined {
  const began = new Map<string, number>();
  const took: number[] = [];
  for (const event of events) {
    if (event.kind === "task-begun") began.set(event.task, event.at);
    if (event.kind !== "task-ended" || event.outcome !== "done") continue;
    took.push(event.at - (began.get(event.task) ?? event.at));
  }
  if (took.length === 0) return undefined;
  return Math.round(took.reduce((sum, ms) => sum + ms, 0) / took.length);
}
