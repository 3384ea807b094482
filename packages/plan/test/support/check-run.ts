/** What must be true of every run, whatever died meanwhile. */
import assert from "node:assert/strict";
import { Run } from "../../src/core/run.js";
import { hostKeyOf, positionOf } from "../../src/core/task-place.js";
import type { Plan, TaskId } from "../../src/plan.js";
import type { RunEvent } from "../../src/run-event.js";
import type { SimDeed } from "../../src/simulated/sim-executor.js";

/** @param again deeds that had been done when a run that was over went on, from the first stage that lacks something */
export function checkRun(
  plan: Plan,
  events: readonly RunEvent[],
  deeds: readonly SimDeed[],
  again: readonly number[] = [],
): void {
  checkFollows(plan, events);
  checkLimits(new Run(plan, events), deeds);
  checkOrder(deeds, again);
  checkOnce(events, deeds);
  checkNothingLost(events, deeds);
}

/** What the machine decides is what it would decide again; only ends, answers and asks come from outside. */
function checkFollows(plan: Plan, events: readonly RunEvent[]): void {
  const outside = ["task-ended", "task-retries", "gate-open", "gate-refused", "asked", "run-begun"];
  const run = new Run(plan);
  for (const event of events) {
    if (!outside.includes(event.kind)) assert.deepEqual(run.next(event.at), event);
    run.apply(event);
  }
  assert.equal(run.state, "over");
  assert.equal(run.underWay.size, 0);
}

/** As the machines saw it: never more at the same time than may be. */
function checkLimits(run: Run, deeds: readonly SimDeed[]): void {
  const running = new Map<string, number>();
  const count = (key: string, change: number) => {
    const now = (running.get(key) ?? 0) + change;
    running.set(key, now);
    return now;
  };
  for (const { kind, order } of deeds) {
    const { stage } = positionOf(order.task.id);
    const limits = run.stages[stage - 1]?.run.stage;
    assert.ok(limits);
    const change = kind === "begun" ? 1 : -1;
    const all = count(`${stage}`, change);
    const onHost = count(`${stage} ${hostKeyOf(order.task.where)}`, change);
    assert.ok(all <= limits.concurrency, `${all} tasks at once in stage ${stage}`);
    assert.ok(onHost <= limits.concurrencyPerHost, `${onHost} tasks at once on a host`);
  }
}

/** A task begins when those before it in its line, and all of the stages before, have ended. */
function checkOrder(deeds: readonly SimDeed[], again: readonly number[]): void {
  const running = new Set<TaskId>();
  const last = new Map<string, number>();
  let newest = 0;
  for (const [index, { kind, order }] of deeds.entries()) {
    const { id } = order.task;
    if (again.includes(index)) newest = 0;
    if (kind === "ended") {
      running.delete(id);
      continue;
    }
    const { stage, line, step } = positionOf(id);
    assert.ok(stage >= newest, `stage ${stage} goes on after stage ${newest} has begun`);
    newest = stage;
    for (const other of running) {
      const place = positionOf(other);
      assert.equal(place.stage, stage, `${id} begins while ${other} runs`);
      assert.notEqual(place.line, line, `${id} begins while ${other} runs`);
    }
    const former = last.get(`${stage}.${line}`) ?? 0;
    assert.ok(step === former || step === former + 1, `${id} begins after step ${former}`);
    last.set(`${stage}.${line}`, step);
    running.add(id);
  }
}

/** What may run once began once, or once for each time that somebody asked. */
function checkOnce(events: readonly RunEvent[], deeds: readonly SimDeed[]): void {
  const isAskedAgain = events.some((one) => one.kind === "asked" && one.ask.kind === "retry");
  const begun = new Map<string, number>();
  for (const { kind, order } of deeds) {
    if (kind !== "begun") continue;
    const { once, id } = order.task;
    if (!once) continue;
    const key = isAskedAgain ? order.key : id;
    begun.set(key, (begun.get(key) ?? 0) + 1);
    assert.equal(begun.get(key), 1, `${id} may run once`);
  }
  // An end that is on disk is final: `checkNothingLost` looks at that.
}

/** Nothing is done before it is on disk, and every end is. */
function checkNothingLost(events: readonly RunEvent[], deeds: readonly SimDeed[]): void {
  const begun = new Set<string>();
  const attempts = new Map<TaskId, { attempt: number; at: number; endedAt?: number }>();
  const ended = new Map<string, number>();
  for (const event of events) {
    if (event.kind === "task-begun") {
      attempts.set(event.task, { attempt: event.attempt, at: event.at });
      begun.add(`run/${event.task}/${event.attempt}`);
    }
    if (event.kind === "task-ended" || event.kind === "task-retries") {
      const { attempt = 0 } = attempts.get(event.task) ?? {};
      ended.set(`run/${event.task}/${attempt}`, event.at);
    }
  }
  for (const { order, at, kind } of deeds) {
    assert.ok(begun.has(order.key), `${order.key} was done and is in no journal`);
    const endedAt = ended.get(order.key);
    assert.ok(endedAt !== undefined, `the end of ${order.key} is in no journal`);
    if (kind === "begun") assert.ok(at <= endedAt, `${order.key} was done again after its end`);
  }
}
