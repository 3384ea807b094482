/** What an attempt's end makes of its task, and how much of its output is kept. */
import type { Task } from "../plan.js";
import type { RunEvent, TaskOutcome } from "../run-event.js";
import { cutText } from "./cut-text.js";
import type { DronesSeen } from "./drones-seen.js";
import type { TaskRun } from "./stage-run.js";

/** As a failure is read: the end of the output, in the width of a screen and more. Others keep less. */
export const keptOutput = {
  lines: 20,
  linesOfDone: 5,
  lineChars: 500,
  reasonChars: 1_000,
} as const;

interface End {
  readonly outcome: TaskOutcome;
  readonly refused?: boolean;
  readonly reason?: string;
  readonly lastLines?: readonly string[];
  readonly drones?: DronesSeen;
}

/** The event of an end: it failed and is tried again, or it is over. */
export function eventOfEnd(task: Task, run: TaskRun, end: End, now: number): RunEvent {
  const said = saidOf(end);
  // What may be done twice is known to be done once it has been done again.
  const outcome = end.outcome === "unknown" && !task.once ? "failed" : end.outcome;
  const mayRetry = outcome === "failed" && !task.once;
  const nextMs = mayRetry ? task.retryDelaysMs[run.tries - 1] : undefined;
  const isGivenUp = nextMs !== undefined && end.refused === true;
  const delayMs = isGivenUp ? undefined : nextMs;
  if (delayMs !== undefined) {
    const { reason = "it failed" } = said;
    return { at: now, kind: "task-retries", task: task.id, ...said, reason, nextAt: now + delayMs };
  }
  const reason = isGivenUp ? { reason: `${said.reason ?? "it failed"}; ${notAgain}` } : {};
  const drones = end.drones ? { drones: end.drones } : {};
  return { at: now, kind: "task-ended", task: task.id, outcome, ...said, ...reason, ...drones };
}

const notAgain = "it is not tried again, as that would be refused again";

function saidOf({ outcome, reason, lastLines = [] }: End): Pick<End, "reason" | "lastLines"> {
  const isGood = outcome === "done" || outcome === "unchanged";
  const count = isGood ? keptOutput.linesOfDone : keptOutput.lines;
  const lines = lastLines.slice(-count).map((line) => cutText(line, keptOutput.lineChars));
  return {
    ...(reason === undefined ? {} : { reason: cutText(reason, keptOutput.reasonChars) }),
    ...(lines.length === 0 ? {} : { lastLines: lines }),
  };
}
