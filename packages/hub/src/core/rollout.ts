/**
 * A release on its way: what each task of its plan does, as a machine. What the engine asks for next, what is
 * seen of the drones and what people do go in; the next state, effects and the task's answer come out. The
 * state is a row of the ledger; the effects in `durable` are written together with it, the others happen
 * afterwards. So a hub that dies anywhere goes on from the last state that was written.
 *
 *     asked by the engine   phase           until
 *
 *     (in the queue)        queued
 *     open-release          queued          it is written, or nothing can be run: end
 *     build                 building        the drone's end: done, or it fails
 *     test                  testing           "
 *     release-step          releasing         "
 *     start                 starting        it is written
 *     wait-healthy          starting        all is ready, or something fails for good, or is late
 *     shift-traffic         promoting       every proxy sees it, it is still ready: end, in one write with its
 *                                           visitors; no longer ready: starting, and asked again
 *     close-release         starting        it is still ready: end
 *     undo-release          undoing         its instances are gone, or that takes too long: end
 *
 *     a task:  (no drone) --one fits--> given --done | failed-->
 *                  \<--its drone is away, or did not survive it: a build or test is given anew--/
 *
 * What fails is remembered with its first reason, and fails the task that is asked for, or the next one; the
 * engine then asks for `undo-release`. Cancelled, stopped and held are the same, and its run is broken off.
 * An event that comes twice, late or about something else changes nothing.
 */
import { isOpen, type ReleaseCommand } from "./release-progress.js";
import {
  breakOff,
  end,
  fail,
  failed,
  lookAtUndoing,
  undo,
  undoDeadline,
  whyFailed,
} from "./rollout-end.js";
import { startDeadline } from "./rollout-start.js";
import { lookAtStart, seen, start, startingAgain } from "./rollout-start-steps.js";
import { answered, nothing, type RolloutEvent, type RolloutStep } from "./rollout-step.js";
import { beginTask, lookAtTask, takeResult } from "./rollout-task-steps.js";
import { taskDeadline, taskOf } from "./rollout-tasks.js";
import { atLeast, type RolloutTimes, type RolloutView } from "./rollout-view.js";
import { lostService } from "./rollout-waits.js";
import type { RolloutRow } from "./rows.js";

export function stepRollout(row: RolloutRow, event: RolloutEvent, view: RolloutView): RolloutStep {
  switch (event.kind) {
    case "asked":
      return event.command === "undo-release"
        ? undo(row, event.why, view)
        : ask(row, event.command, view, event.drones);
    case "looked":
      return look(row, view);
    case "task-ended":
      if (row.task?.id !== event.id || row.phase === "undoing") return nothing(row);
      return takeResult(row, row.task, event.result, view);
    case "seen":
      return row.phase === "promoting" && !row.failure ? seen(row, view) : nothing(row);
    case "unseen":
      if (row.phase !== "promoting") return nothing(row);
      return fail(row, view, failed(`no proxy sees it: ${event.reason}`));
    case "cancelled": {
      const reason = `${event.by} cancelled it`;
      return breakOff(row, view, {
        by: event.by,
        failure: { ...failed(reason), state: "cancelled" },
      });
    }
    case "stranded":
      return fail(row, view, event.why);
    case "stopped": {
      const { former: _, ...rest } = row;
      const failure = failed(`${event.by} stopped it meanwhile`);
      return breakOff(rest, view, { by: event.by, failure });
    }
    case "held": {
      const lost = isOpen(row) ? lostService(event.services, view) : undefined;
      if (lost === undefined) return nothing(row);
      const failure = failed(`${event.by} stopped ${lost} meanwhile`);
      return breakOff(row, view, { by: event.by, failure });
    }
    default:
      return event satisfies never;
  }
}

/** When the machine must look again although nothing happened, in ms since 1970. */
export function deadlineOf(row: RolloutRow, view: RolloutTimes): number | undefined {
  if (row.failure && row.phase !== "undoing") return undefined;
  switch (row.phase) {
    case "queued":
    case "promoting":
      return undefined;
    case "building":
    case "testing":
    case "releasing": {
      const task = row.task && taskOf(view.release.specification, row.task.kind);
      return task && row.task && atLeast(taskDeadline(row.task, task), view);
    }
    case "starting":
      // Nothing is judged while nobody waits for it.
      return view.asked === undefined ? undefined : startDeadline(row, view);
    case "undoing":
      return undoDeadline(row, view);
    default:
      return row.phase satisfies never;
  }
}

function ask(
  row: RolloutRow,
  command: Exclude<ReleaseCommand, "undo-release">,
  view: RolloutView,
  drones: readonly string[] | undefined,
): RolloutStep {
  if (row.failure) return answered(row, { command, outcome: "failed", ...whyFailed(row.failure) });
  if (command === "open-release") return open(row, view);
  if (!isOpen(row)) {
    const reason = "it has not begun: open-release comes first";
    return answered(row, { command, outcome: "failed", reason });
  }
  switch (command) {
    case "build":
    case "test":
    case "release-step":
      return beginTask(row, command, view);
    case "start":
      return start(row, view, drones);
    case "shift-traffic":
      return look(row, view);
    case "wait-healthy":
    case "close-release":
      return lookAtStart(startingAgain(row, view), view, false);
    default:
      return command satisfies never;
  }
}

function open(row: RolloutRow, view: RolloutView): RolloutStep {
  const command = "open-release";
  if (isOpen(row)) return answered(row, { command, outcome: "unchanged" });
  const { deployment, whyNot } = view;
  if (whyNot !== undefined) return end(row, failed(whyNot), view);
  const former = deployment?.started ? deployment : undefined;
  const opened: RolloutRow = { ...row, done: command, ...(former && { former }) };
  return {
    row: opened,
    durable: [{ kind: "prepare" }],
    outward: [],
    answer: { command, outcome: "done" },
  };
}

function look(row: RolloutRow, view: RolloutView): RolloutStep {
  if (row.failure && row.phase !== "undoing") return nothing(row);
  switch (row.phase) {
    case "queued":
      return nothing(row);
    case "promoting":
      if (view.asked !== "shift-traffic") return nothing(row);
      return { ...nothing(row), outward: [{ kind: "ask-proxies" }] };
    case "building":
    case "testing":
    case "releasing":
      return row.task ? lookAtTask(row, row.task, view) : nothing(row);
    case "starting":
      return lookAtStart(row, view, false);
    case "undoing":
      return lookAtUndoing(row, view);
    default:
      return row.phase satisfies never;
  }
}
