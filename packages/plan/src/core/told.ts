/** Runs and ends of tasks as they are told between machines, and back. */
import type { DroneCommandEnd, PlanSummary } from "@propagit/protocol";
import type { TaskEnd } from "../world.js";
import type { RunSummary } from "./run-status.js";

/** With lists that may be changed, as what is told is typed. */
export function toldSummary<T extends Pick<RunSummary, "locks">>(
  summary: T,
): Omit<T, "locks"> & Pick<PlanSummary, "locks"> {
  return { ...summary, locks: [...summary.locks] };
}

/** Of a task, out of what a drone said of its command. */
export function endOfCommand({ outcome, reason, lastLines, refused }: DroneCommandEnd): TaskEnd {
  const more = { ...(reason !== undefined && { reason }), ...(refused && { refused }) };
  return { outcome, lastLines, ...more };
}

/** Of a task that handed a part on, out of what became of that. */
export function endOfPart({
  outcome,
  reason,
  counts,
}: Pick<RunSummary, "outcome" | "reason" | "counts">): DroneCommandEnd {
  const { done, unchanged, failed, tasks } = counts;
  const all = `${done + unchanged} of ${tasks} tasks are done`;
  if (outcome === "done" && failed === 0) return { outcome: "done", reason: all, lastLines: [] };
  const why = failed > 0 ? `${all}, ${failed} failed` : (reason ?? all);
  return { outcome: "failed", reason: why.slice(0, 1_000), lastLines: [] };
}
