/** What a run did that was not taken back: what can be, and what nothing takes back. */
import type { Plan, Task } from "../plan.js";
import { hasUndo } from "./rollback.js";
import type { RunFold } from "./run-fold.js";
import type { TaskState } from "./stage-run.js";
import { hostOf } from "./task-place.js";

/** Of more the number is told. */
const namedMax = 5;

/** In words, for a run that is over; undefined when nothing stays that can be taken back. */
export function staysText(run: RunFold): string | undefined {
  const isWhole = run.outcome === "done" || run.outcome === "undone";
  if (run.state !== "over" || isWhole || run.rollback !== undefined || !hasUndo(run)) {
    return undefined;
  }
  const stays = actedOf(run).filter(({ task }) => run.plan.rollback || task.undo);
  return named(stays.map(({ task, state }) => withState(task, state)));
}

/** Tasks that nothing takes back, and that would have to be: of a plan. */
export function lastingTasks(
  { stages, rollback }: Plan,
  needsNoUndo: (task: Task) => boolean,
): readonly Task[] {
  if (rollback) return [];
  const tasks = stages.flatMap(({ lines }) => lines.flat());
  return tasks.filter((task) => task.undo === undefined && !needsNoUndo(task));
}

/** Tasks of a plan that acted, or may have by half. */
export function hasActed(run: RunFold, { id }: Task): boolean {
  const state = run.taskRun(id)?.state;
  return state !== undefined && state !== "unchanged";
}

/** `execute on web-1 (1.1.1), … and 7 more`; undefined of none. */
export function tasksText(tasks: readonly Task[]): string | undefined {
  return named(tasks.map((task) => withState(task, "done")));
}

function actedOf(run: RunFold): readonly { readonly task: Task; readonly state: TaskState }[] {
  const tasks = run.plan.stages.flatMap(({ lines }) => lines.flat());
  return tasks.flatMap((task) => {
    const state = run.taskRun(task.id)?.state;
    return state === undefined || state === "unchanged" ? [] : [{ task, state }];
  });
}

function withState({ command, where, id }: Task, state: TaskState): string {
  const place = where.kind === "engine" ? command : `${command} on ${hostOf(where)}`;
  return `${place} (${state === "done" ? id : `${id}, ${state}`})`;
}

function named(all: readonly string[]): string | undefined {
  if (all.length === 0) return undefined;
  const more = all.length > namedMax ? ` and ${all.length - namedMax} more` : "";
  return `${all.slice(0, namedMax).join(", ")}${more}`;
}
