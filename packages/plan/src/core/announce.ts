/**
 * What a plan will do, by the same machine that carries it out, in expected time: every task takes as long as it
 * is expected to and does what it should, whoever is asked approves at once, and gates that are looked at are
 * open. So what is announced is what a run without surprises does, event by event.
 */
import { assert } from "@propagit/protocol";
import type { Plan, Task, TaskId } from "../plan.js";
import type { RunEvent } from "../run-event.js";
import { Heap } from "./heap.js";
import { gateWaitedFor } from "./opening.js";
import { Run } from "./run.js";
import { eventOfEnd } from "./task-end.js";
import { timelineOf, type AnnouncedStage } from "./timeline.js";

export interface AnnounceOptions {
  /** When it would begin, in ms since 1970. */
  readonly at: number;
  readonly by?: string;
  readonly expect: (task: Task) => Expectation;
}

export interface Expectation {
  readonly ms: number;
  /** Default: done. */
  readonly outcome?: "done" | "unchanged";
}

export interface Announcement {
  readonly events: readonly RunEvent[];
  readonly from: number;
  readonly until: number;
  readonly stages: readonly AnnouncedStage[];
}

interface UnderWay {
  readonly task: TaskId;
  readonly endsAt: number;
  readonly order: number;
  readonly outcome: "done" | "unchanged";
}

/** The reason of a gate that is taken to be open. */
export const expectedOpen = "expected to be open";

export function announce(plan: Plan, { at, by = "you", expect }: AnnounceOptions): Announcement {
  const run = new Run(plan);
  const events: RunEvent[] = [];
  const take = (event: RunEvent) => {
    run.apply(event);
    events.push(event);
  };
  const underWay = new Heap<UnderWay>((left, right) =>
    left.endsAt === right.endsAt ? left.order < right.order : left.endsAt < right.endsAt,
  );
  let order = 0;
  let now = at;
  take({ at, kind: "run-begun", by, locks: [] });
  while (run.state === "going") {
    for (const event of run.advance(now)) {
      events.push(event);
      if (event.kind !== "task-begun") continue;
      const { ms, outcome = "done" } = expect(run.task(event.task));
      underWay.add({ task: event.task, endsAt: now + ms, order: order++, outcome });
    }
    if (run.state !== "going") break;
    const opened = gateOpened(run, now);
    if (opened) {
      take(opened);
      continue;
    }
    const nextAt = Math.min(underWay.first?.endsAt ?? Infinity, run.wakeAt ?? Infinity);
    assert(nextAt < Infinity, "a plan that is announced waits for something");
    now = Math.max(now, nextAt);
    if (underWay.first?.endsAt === now) take(endOf(run, underWay.take(), now));
  }
  return { events, from: at, until: now, stages: timelineOf(run, events) };
}

/** Nothing can be known about it; it is taken to be open. */
function gateOpened(run: Run, now: number): RunEvent | undefined {
  const { current, openingView: view } = run;
  if (!view || current?.state !== "waiting") return undefined;
  const gate = gateWaitedFor(run.opening, view);
  if (!gate || gate.kind === "window") return undefined;
  const number = run.opening.gatesOpen + 1;
  return { at: now, kind: "gate-open", stage: view.number, gate: number, why: expectedOpen };
}

function endOf(run: Run, ended: UnderWay | undefined, now: number): RunEvent {
  const ran = ended && run.taskRun(ended.task);
  assert(ran, "only what has begun ends");
  return eventOfEnd(run.task(ended.task), ran, { outcome: ended.outcome }, now);
}
