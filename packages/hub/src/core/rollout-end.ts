/** How a release ends: by itself, or because something failed, and is put back then. */
import { isOpen } from "./release-progress.js";
import { outcomeOf, verdicts } from "./rollout-start.js";
import { nothing, type RolloutEnd, type RolloutFailure, type RolloutStep } from "./rollout-step.js";
import { atLeast, type RolloutTimes, type RolloutView } from "./rollout-view.js";
import type { RolloutRow } from "./rows.js";

/** For instances to go away again; a guess. */
const undoMs = 2 * 60_000;

export function undoDeadline({ phaseAt }: RolloutRow, view: RolloutTimes): number {
  return atLeast(phaseAt + undoMs, view);
}

export function lookAtUndoing(row: RolloutRow, view: RolloutView): RolloutStep {
  const { failure, former } = row;
  const isGone = view.drones.every(
    ({ contact, reports }) =>
      contact !== "connected" || reports.every(({ phase }) => phase === "stopped"),
  );
  const isOver = former !== undefined || isGone || view.now >= undoDeadline(row, view);
  if (!failure || !isOver) return nothing(row);
  return end(row, failure, view);
}

/** What was begun is put back. */
export function undo(
  before: RolloutRow,
  why: RolloutFailure | undefined,
  view: RolloutView,
): RolloutStep {
  if (before.phase === "undoing") return lookAtUndoing(before, view);
  const given = fail(before, view, why ?? failed("its plan ended"));
  const { failure } = given.row;
  if (!failure) return given;
  return {
    row: { ...given.row, phase: "undoing", phaseAt: view.now },
    durable: [{ kind: "undo" }],
    outward: given.outward,
  };
}

/** It comes to nothing: the first reason stays. What has not begun has nothing to put back. */
export function fail(row: RolloutRow, view: RolloutView, failure: RolloutFailure): RolloutStep {
  if (!isOpen(row)) return end(row, failure, view);
  if (row.failure) return nothing(row);
  const { task, failingSince: _, ...rest } = row;
  // A cancelled start tells how far its drones were.
  const drones =
    failure.drones.length > 0 || (row.phase !== "starting" && row.phase !== "promoting")
      ? failure.drones
      : verdicts(row, view).map(outcomeOf);
  const { asked: command } = view;
  return {
    row: { ...rest, failure: { ...failure, drones } },
    durable: [],
    outward: task?.identity === undefined ? [] : [{ kind: "cancel-task", task }],
    ...(command &&
      command !== "undo-release" && {
        answer: { command, outcome: "failed", ...whyFailed(failure) },
      }),
  };
}

/** The task that is asked for hears of it from its run. */
export function breakOff(
  row: RolloutRow,
  view: RolloutView,
  { by, failure }: { readonly by: string; readonly failure: RolloutFailure },
): RolloutStep {
  if (row.failure) return nothing(row);
  const { answer: _, outward, ...step } = fail(row, view, failure);
  return { ...step, outward: [...outward, { kind: "break-off", by }] };
}

export function end(
  row: RolloutRow,
  result: RolloutEnd,
  { asked: command }: RolloutView,
): RolloutStep {
  const isWanted = result.state === "ready" || command === "undo-release";
  const outcome = isWanted
    ? { outcome: "done" as const }
    : { outcome: "failed" as const, ...whyFailed(result) };
  return {
    row,
    durable: [{ kind: "end", end: result }],
    outward: [],
    ...(command && { answer: { command, ...outcome } }),
  };
}

export function failed(reason: string): RolloutFailure {
  return { state: "failed", reason, drones: [] };
}

export function whyFailed({ reason, lastLines }: Pick<RolloutEnd, "reason" | "lastLines">) {
  return { ...(reason !== undefined && { reason }), ...(lastLines && { lastLines }) };
}
