/**
 * What a target means, as a plan: a line for each drone, which waits for its own time; a drone that hands on gets
 * the files first, and then its part of the plan.
 *
 *     dc1-head  now                   now        [put-files dc1-head]
 *     dc2-head  after 60 min,   ->    after 1h   [put-files dc2-head, delegate dc2-head: { at once: … }]
 *       forwards to web-1, web-2
 *
 * All in one stage: a drone that is away, and tried again for hours, keeps none of the others waiting. Who cannot be
 * reached is no reason to leave out the others either, so each line may fail, and is counted.
 */
import { formatDuration } from "@propagit/shapes";
import type { TaskDraft } from "../command.js";
import type { Plan, Task } from "../plan.js";
import type { Aim } from "./targets.js";
import type { WrittenPlan, WrittenStage } from "./write-plan.js";

/** The command whose task is carried out elsewhere, as a plan of its own: `commands/delegate.ts`. */
export const handOnCommand = "delegate";

/** What is to be done on every drone that is aimed at. */
export interface TargetWork {
  /** Shown wherever the plan is. */
  readonly name: string;
  readonly command: TaskDraft;
  /** Before everything. */
  readonly afterMs: number;
  /** Of each task, as a plan says them. */
  readonly retries: number | readonly string[];
  readonly concurrency: number | string;
}

/** As `readPlan` takes it. */
export function planOfAims(aims: readonly Aim[], work: TargetWork): WrittenPlan {
  const sorted = aims.toSorted((left, right) => left.afterMs - right.afterMs);
  return { name: work.name, stages: sorted.length === 0 ? [] : [stageOf(sorted, work)] };
}

/** All tasks of a plan's stages, in order; not those of its rollback. */
export function tasksOfPlan({ stages }: Pick<Plan, "stages">): readonly Task[] {
  return stages.flatMap(({ lines }) => lines.flat());
}

/** Drones that get something, each once, also of those parts that are handed on. */
export function dronesOf(aims: readonly Aim[]): readonly string[] {
  const all = aims.flatMap(({ drone, forward }) => [drone, ...dronesOf(forward?.aims ?? [])]);
  return [...new Set(all)];
}

/** Its time is that of the first; those of the others count from there. */
function stageOf(aims: readonly Aim[], work: TargetWork): WrittenStage {
  const firstMs = aims[0]?.afterMs ?? 0;
  const startMs = firstMs + work.afterMs;
  const time = formatDuration(startMs);
  const isTogether = aims.every(({ afterMs }) => afterMs === firstMs);
  return {
    name: isTogether ? (startMs === 0 ? "at once" : `after ${time}`) : "each at its time",
    ...(startMs > 0 && { after: { plan: time } }),
    concurrency: work.concurrency,
    maxFailures: aims.length,
    onFailure: "continue",
    tasks: aims.map((aim) => lineOf(aim, aim.afterMs - firstMs, work)),
  };
}

function lineOf(
  { drone, forward }: Aim,
  afterMs: number,
  work: TargetWork,
): TaskDraft | readonly TaskDraft[] {
  const { retries, command } = work;
  const after = afterMs > 0 ? { after: formatDuration(afterMs) } : {};
  const first: TaskDraft = { ...command, drone, ...after, retries };
  if (!forward) return first;
  const { target, aims } = forward;
  // What waits before everything has been waited for.
  const plan = planOfAims(aims, { ...work, name: `${target} of ${drone}`, afterMs: 0 });
  return [first, { command: handOnCommand, drone, plan }];
}
