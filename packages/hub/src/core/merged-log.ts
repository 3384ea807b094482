/**
 * Events of a plan and of the parts of it that relays carry out, as one log by time. Clocks of machines differ, and
 * each is set now and then; the events of one run stay in their order all the same.
 *
 *     hub     0 1     2       3          by time, each run's own order kept
 *     relay       0 1   2 3       ->     0 1 0 1 2 2 3 3
 */
import { hostOf, type Run, type RunEvent } from "@propagit/plan";
import type { PlanEvent, PlanLogged } from "@propagit/protocol";

/** One run, as far as it is known. */
export interface RunLog {
  readonly id: string;
  readonly relay?: string;
  /** With all of `events`. */
  readonly run: Run;
  readonly events: readonly RunEvent[];
}

export interface LogWish {
  /** By run: so many of its first events are known. */
  readonly seen: ReadonlyMap<string, number>;
  /** The newest are told. */
  readonly eventsMax: number;
}

export interface MergedLog {
  readonly events: PlanLogged[];
  readonly leftOut: number;
}

export function mergedLog(logs: readonly RunLog[], { seen, eventsMax }: LogWish): MergedLog {
  const news = logs.flatMap((log) => newsOf(log, seen.get(log.id) ?? 0));
  const sorted = news.toSorted((left, right) => left.at - right.at);
  const told = sorted.slice(Math.max(0, sorted.length - eventsMax));
  return {
    events: told.map(({ log, index, event }) => logged(log, index, event)),
    leftOut: sorted.length - told.length,
  };
}

interface News {
  /** Never before the event that it follows. */
  readonly at: number;
  readonly log: RunLog;
  readonly index: number;
  readonly event: RunEvent;
}

function newsOf(log: RunLog, from: number): readonly News[] {
  let at = 0;
  return log.events.flatMap((event, index) => {
    at = Math.max(at, event.at);
    return index < from ? [] : [{ at, log, index, event }];
  });
}

function logged({ id, relay, run }: RunLog, index: number, event: RunEvent): PlanLogged {
  const stage = "stage" in event ? run.stages[event.stage - 1]?.run.stage.name : undefined;
  const task = "task" in event ? run.task(event.task) : undefined;
  return {
    run: id,
    ...(relay !== undefined && { relay }),
    index,
    event: event as PlanEvent,
    plan: run.plan.name,
    ...(stage !== undefined && { stage }),
    ...(task && { command: task.command, host: hostOf(task.where) }),
  };
}
