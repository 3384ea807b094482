/** What follows from where a run stands, by the time alone: the edges of the machine that is drawn in `run.ts`. */
import type { RunEvent, StageOutcome } from "../run-event.js";
import { nextOfOpening, openingWakeAt } from "./opening.js";
import { hasUndo } from "./rollback.js";
import type { Ending, RunFold, StageProgress } from "./run-fold.js";
import { brokenReason, rollbackFailedReason } from "./run-reasons.js";
import { taskIdOf } from "./task-place.js";

/** The one event that follows now; undefined while nothing does but by an end, an answer or the time. */
export function nextEvent(run: RunFold, now: number): RunEvent | undefined {
  if (run.state !== "going") return undefined;
  const { current } = run;
  if (current?.state === "running") return nextOfStage(run, current, now);
  const ending = run.ending ?? stopEnding(run);
  if (ending) return endEvent(run, ending, now);
  if (!current) return finishEvent(run, now);
  const { refused } = run.opening;
  if (refused !== undefined) return stageEnded(current, now, "failed", refused);
  return run.isPaused ? undefined : nextBeforeStage(run, current, now);
}

/** When something follows by the time alone; undefined when that is not known. */
export function wakeTime(run: RunFold): number | undefined {
  const { current, openingView: view } = run;
  if (run.state !== "going" || run.isPaused || !current || !view) return undefined;
  if (current.state !== "running") return openingWakeAt(run.opening, view);
  return mayBegin(run, current) ? current.run.wakeAt : undefined;
}

function nextOfStage(run: RunFold, current: StageProgress, now: number): RunEvent | undefined {
  const stage = current.run;
  const isDone = stage.isThrough && stage.linesStopped === 0;
  if (isDone && !stage.isBroken) return throughEvent(current, now);
  if (mayBegin(run, current)) return run.isPaused ? undefined : taskBegun(current, now);
  if (stage.isRunning) return undefined;
  const given = retryGivenUp(run, current, now);
  if (given) return given;
  if (!stage.isBroken) return stageEnded(current, now, "stopped", stopReason(run));
  return stageEnded(current, now, "failed", brokenReason(stage));
}

/** What may fail of it has not been done for all that: so says its end, and the plan goes on. */
function throughEvent(current: StageProgress, now: number): RunEvent {
  const { run } = current;
  return run.linesFailed === 0
    ? stageEnded(current, now, "done")
    : stageEnded(current, now, "failed", brokenReason(run));
}

function mayBegin({ stopping }: RunFold, { run }: StageProgress): boolean {
  return !run.isBroken && !stopping;
}

function taskBegun({ run }: StageProgress, now: number): RunEvent | undefined {
  const place = run.next(now);
  if (!place) return undefined;
  const task = taskIdOf(run.number, place[0] + 1, place[1] + 1);
  return { at: now, kind: "task-begun", task, attempt: run.attemptsOf(...place) + 1 };
}

/** What failed and would have been tried again has failed for good, or was stopped by whoever asked for that. */
function retryGivenUp(
  { stopping }: RunFold,
  { run }: StageProgress,
  now: number,
): RunEvent | undefined {
  const place = run.firstRetrying();
  if (!place) return undefined;
  const task = taskIdOf(run.number, place[0] + 1, place[1] + 1);
  const { reason = "it failed", lastLines } = run.taskRun(...place) ?? {};
  const lines = lastLines === undefined ? {} : { lastLines };
  const notAgain = `${reason}; it is not tried again, as nothing new begins`;
  const outcome = stopping && !run.isBroken ? "stopped" : "failed";
  return { at: now, kind: "task-ended", task, outcome, reason: notAgain, ...lines };
}

function nextBeforeStage(run: RunFold, current: StageProgress, now: number): RunEvent | undefined {
  // What is tried again has waited already.
  if (current.beganAt !== undefined) {
    return { at: now, kind: "stage-begun", stage: current.run.number };
  }
  const { openingView: view } = run;
  return view && nextOfOpening(run.opening, view, now);
}

/** Stop was asked while no stage runs; a plan that is through has nothing left to stop. */
function stopEnding(run: RunFold): Ending | undefined {
  const { stopping, current, rollback } = run;
  if (!stopping) return undefined;
  const { undo } = stopping;
  if (!current && !(undo && rollback === undefined)) return undefined;
  return { outcome: "stopped", undo, reason: stopReason(run) };
}

function endEvent(run: RunFold, { outcome, undo, reason }: Ending, at: number): RunEvent {
  return undo && run.rollback === undefined && hasUndo(run)
    ? { at, kind: "rollback-begun", reason }
    : { at, kind: "run-ended", outcome, reason };
}

/** All stages are through. */
function finishEvent(run: RunFold, at: number): RunEvent {
  if (run.rollback !== undefined) {
    const why = rollbackFailure(run);
    if (why === undefined)
      return { at, kind: "run-ended", outcome: "undone", reason: run.rollback };
    const reason = `${run.rollback}; its rollback failed: ${why}`;
    return { at, kind: "run-ended", outcome: "failed", reason };
  }
  const failed = run.stages.find(({ state }) => state === "failed");
  if (!failed) return { at, kind: "run-ended", outcome: "done" };
  const { name } = failed.run.stage;
  const reason = `stage ${name} failed, and the plan went on: ${failed.reason}`;
  if (!run.stopping) return { at, kind: "run-ended", outcome: "failed", reason };
  return { at, kind: "run-ended", outcome: "stopped", reason: `${stopReason(run)}; ${reason}` };
}

/** A rollback of the plan's own says itself what may fail of it; of one that was made, nothing may. */
function rollbackFailure({ plan, part }: RunFold): string | undefined {
  const counted = plan.rollback ? part.filter((stage) => stage.run.isBroken) : part;
  return rollbackFailedReason(counted.map(({ run }) => run));
}

function stopReason({ stopping }: RunFold): string {
  return `stopped by ${stopping?.by}`;
}

function stageEnded(
  { run }: StageProgress,
  at: number,
  outcome: StageOutcome,
  reason?: string,
): RunEvent {
  const why = reason === undefined ? {} : { reason };
  return { at, kind: "stage-ended", stage: run.number, outcome, ...why };
}
