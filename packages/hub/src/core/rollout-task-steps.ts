/** The build, the test and the release command of a release: given to a drone, waited for, given anew. */
import { isThere } from "./readiness.js";
import { hasDone } from "./release-progress.js";
import { fail, failed } from "./rollout-end.js";
import {
  answered,
  nothing,
  type OutwardEffect,
  type RolloutStep,
  type TaskResult,
} from "./rollout-step.js";
import {
  attemptsMax,
  chooseDrone,
  commandOfTask,
  kindOfTask,
  lateTaskReason,
  nameOfTask,
  phaseOfTask,
  taskDeadline,
  taskOf,
  whyNoTask,
  type TaskCommand,
  type TaskKind,
} from "./rollout-tasks.js";
import { atLeast, type RolloutView } from "./rollout-view.js";
import type { RolloutRow, TaskRow } from "./rows.js";

/** Begins it, unless it has begun, is done, or was done before this release. */
export function beginTask(row: RolloutRow, command: TaskCommand, view: RolloutView): RolloutStep {
  const kind = kindOfTask(command);
  if (row.task?.kind === kind) {
    return { ...nothing(row), outward: [{ kind: "run-task", task: row.task }] };
  }
  const why = hasDone(row, command) ? "" : whyNoTask(kind, view.release, row.former);
  if (why !== undefined) {
    return answered(row, { command, outcome: "unchanged", ...(why !== "" && { reason: why }) });
  }
  return assign({ ...row, phase: phaseOfTask(kind), phaseAt: view.now }, kind, 1, view);
}

/** Gives a task to a drone, or to the next one that fits and comes. */
function assign(row: RolloutRow, kind: TaskKind, attempt: number, view: RolloutView): RolloutStep {
  const task = taskOf(view.release.specification, kind);
  const drone = task && chooseDrone(task, view.drones, view.builtOn);
  const next: TaskRow = {
    id: view.freshId(),
    kind,
    startedAt: view.now,
    attempt,
    ...(drone && { identity: drone.identity }),
  };
  const outward: OutwardEffect[] = drone
    ? [{ kind: "run-task", task: next }]
    : [{ kind: "note", text: `${nameOfTask(kind)} waits for a drone that fits` }];
  return { row: { ...row, task: next }, durable: [], outward };
}

export function lookAtTask(row: RolloutRow, task: TaskRow, view: RolloutView): RolloutStep {
  const specified = taskOf(view.release.specification, task.kind);
  if (!specified) return nothing(row);
  const drone = view.drones.find(({ identity }) => identity === task.identity);
  if (view.now >= atLeast(taskDeadline(task, specified), view)) {
    return fail(row, view, failed(lateTaskReason(row, specified, drone)));
  }
  if (task.identity === undefined) {
    const isAnyThere = chooseDrone(specified, view.drones, view.builtOn) !== undefined;
    return isAnyThere ? assign(row, task.kind, task.attempt, view) : nothing(row);
  }
  // What a release command did cannot be known, so it is waited for; others are begun elsewhere.
  if (task.kind === "release" || (drone && isThere(drone))) return nothing(row);
  return again(row, task, `${drone?.drone ?? "its drone"} is away`, view);
}

export function takeResult(
  row: RolloutRow,
  task: TaskRow,
  result: TaskResult,
  view: RolloutView,
): RolloutStep {
  const where = view.drones.find(({ identity }) => identity === task.identity)?.drone ?? "a drone";
  const { reason, lastLines } = result;
  switch (result.outcome) {
    case "done": {
      const { task: _, ...rest } = row;
      const command = commandOfTask(task.kind);
      const next = answered({ ...rest, done: command }, { command, outcome: "done" });
      if (task.kind !== "build") return next;
      const artifact = result.artifact ?? view.release.commit;
      return { ...next, durable: [{ kind: "built", artifact, identity: task.identity }] };
    }
    case "failed": {
      const why = `${nameOfTask(task.kind)} failed on ${where}: ${reason ?? "no reason given"}`;
      return fail(row, view, { ...failed(why), lastLines });
    }
    case "interrupted":
      if (task.kind !== "release") {
        return again(row, task, reason ?? `${where} did not survive it`, view);
      }
      return fail(row, view, {
        ...failed(
          `the release command was interrupted on ${where}, and is never run again by itself: ${reason ?? "the drone did not survive it"}`,
        ),
        lastLines,
      });
    default:
      return result.outcome satisfies never;
  }
}

function again(row: RolloutRow, task: TaskRow, why: string, view: RolloutView): RolloutStep {
  const what = nameOfTask(task.kind);
  if (task.attempt >= attemptsMax) {
    const reason = `${what} was begun ${attemptsMax} times and never came to an end: ${why}`;
    return fail(row, view, failed(reason));
  }
  const next = assign(row, task.kind, task.attempt + 1, view);
  const note = { kind: "note", text: `${what} begins again: ${why}` } as const;
  return { ...next, outward: [note, ...next.outward] };
}
