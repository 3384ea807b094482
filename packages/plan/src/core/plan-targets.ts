/**
 * What a target means, as a plan: a stage for each moment, a line for each drone; a drone that hands on gets the
 * files first, and then its part of the plan.
 *
 *     dc1-head  now                   at once:       [put-files dc1-head]
 *     dc2-head  after 60 min,   ->    after 1h:      [put-files dc2-head, delegate dc2-head: { at once: … }]
 *       forwards to web-1, web-2
 *
 * Who cannot be reached is no reason to leave out the others, so each line may fail, and is counted.
 */
import { formatDuration } from "@propagit/shapes";
import type { TaskDraft } from "../command.js";
import type { Plan, Task } from "../plan.js";
import type { Aim } from "./targets.js";
import type { WrittenPlan, WrittenStage } from "./write-plan.js";

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
  const moments = new Map<number, Aim[]>();
  for (const aim of aims) {
    const at = aim.afterMs + work.afterMs;
    const together = moments.get(at);
    if (together) together.push(aim);
    else moments.set(at, [aim]);
  }
  const sorted = [...moments].toSorted(([left], [right]) => left - right);
  return {
    name: work.name,
    stages: sorted.map(([afterMs, together]) => stageOf(afterMs, together, work)),
  };
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

function stageOf(afterMs: number, aims: readonly Aim[], work: TargetWork): WrittenStage {
  const time = formatDuration(afterMs);
  return {
    name: afterMs === 0 ? "at once" : `after ${time}`,
    ...(afterMs > 0 && { after: { plan: time } }),
    concurrency: work.concurrency,
    maxFailures: aims.length,
    onFailure: "continue",
    tasks: aims.map((aim) => lineOf(aim, work)),
  };
}

function lineOf({ drone, forward }: Aim, work: TargetWork): TaskDraft | readonly TaskDraft[] {
  const { retries, command } = work;
  const first: TaskDraft = { ...command, drone, retries };
  if (!forward) return first;
  const { target, aims } = forward;
  // What waits before everything has been waited for.
  const plan = planOfAims(aims, { ...work, name: `${target} of ${drone}`, afterMs: 0 });
  return [first, { command: "delegate", drone, plan }];
}
