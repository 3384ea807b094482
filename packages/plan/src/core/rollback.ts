/**
 * What puts a plan back: its own `rollback`, or made from what its tasks did.
 *
 *     plan:      stage 1 [a b]   stage 2 [c] [d]      what ended, in time: a  b  d  c
 *     rollback:  stage 3 "undo 2" [c'] [d']   stage 4 "undo 1" [b' a']
 *
 * Only what changed something, or may have by half, is taken back: tasks that are done, failed, stopped or
 * unknown, and whose command says how. Every line is tried, whatever becomes of the others: each puts back
 * another piece.
 */
import type { Plan, Stage, Task, UndoTask } from "../plan.js";
import type { StageRun, TaskRun } from "./stage-run.js";
import { taskIdOf } from "./task-place.js";

/** Stages of the rollback, numbered on from the plan's own; none when there is nothing to put back. */
export function rollbackStages(plan: Plan, ran: readonly StageRun[]): readonly Stage[] {
  const own = plan.rollback ?? [...ran].reverse().flatMap(undoOf);
  return own.map((stage, index) => numbered(stage, plan.stages.length + index + 1));
}

/** Whether anything has begun that a rollback would put back. */
export function hasUndo({ plan, stages }: Ran): boolean {
  const ran = stages.map(({ run }) => run);
  const hasBegun = ran.some(({ counts }) => counts.neverRun < counts.tasks);
  return hasBegun && rollbackStages(plan, ran).length > 0;
}

/** A run as far as this looks at it. */
interface Ran {
  readonly plan: Plan;
  readonly stages: readonly { readonly run: StageRun }[];
}

interface UndoLine {
  readonly endedAt: number;
  readonly tasks: readonly UndoTask[];
}

function undoOf(run: StageRun): readonly Stage[] {
  const lines = run.lines
    .map((_, line) => undoLine(run, line))
    .filter(({ tasks }) => tasks.length > 0)
    .sort((left, right) => right.endedAt - left.endedAt);
  if (lines.length === 0) return [];
  const { name, concurrency, concurrencyPerHost } = run.stage;
  return [
    {
      name: `undo ${name}`,
      concurrency,
      concurrencyPerHost,
      gates: [],
      maxFailures: lines.length,
      onFailure: "continue",
      lines: lines.map(({ tasks }) => tasks.map((task) => ({ ...task, id: "" }))),
    },
  ];
}

/** What the line's last task did is taken back first. */
function undoLine(run: StageRun, line: number): UndoLine {
  const tasks = run.stage.lines[line] ?? [];
  const ended = tasks
    .map((task, step) => ({ task, ran: run.taskRun(line, step) }))
    .filter(({ ran }) => ran !== undefined && hasActed(ran))
    .reverse();
  return {
    endedAt: Math.max(0, ...ended.map(({ ran }) => ran?.endedAt ?? 0)),
    tasks: ended.flatMap(({ task }) => task.undo ?? []),
  };
}

function hasActed({ state }: TaskRun): boolean {
  return state !== "unchanged";
}

function numbered(stage: Stage, number: number): Stage {
  const lines = stage.lines.map((line, index) => {
    return line.map((task, step): Task => ({ ...task, id: taskIdOf(number, index + 1, step + 1) }));
  });
  return { ...stage, lines };
}
