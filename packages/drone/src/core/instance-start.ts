/** The way of an instance up to `ready`. */
import { backoffMs } from "@propagit/runtime";
import { andThen, same, seconds, to, withRun } from "./instance-moves.js";
import {
  aliveMs,
  readOutputMsMax,
  retryBackoff,
  type Announced,
  type InstanceEffect,
  type InstanceEvent,
  type InstanceState,
  type InstanceStep,
  type Moment,
  type Run,
} from "./instance-state.js";
import { beginChecks } from "./health.js";

export function fetch(state: InstanceState, moment: Moment): InstanceStep {
  return to(state, { kind: "fetching" }, moment, [{ kind: "fetch" }]);
}

/** Asks for a process; there must be none. */
export function launch(state: InstanceState, moment: Moment): InstanceStep {
  const run = newRun(state.runs + 1, moment);
  const restarts = state.ends > 0 ? state.restarts + 1 : state.restarts;
  const launching = { ...state, run, runs: run.number, restarts };
  return to(launching, { kind: "starting", deadline: undefined, isLate: false }, moment, [
    { kind: "launch", run: run.number },
  ]);
}

/** There is a process: from now on it must become ready in time. */
export function launched(
  state: InstanceState,
  { pid, ports }: Extract<InstanceEvent, { kind: "launched" }>,
  moment: Moment,
): InstanceStep {
  const living = withRun({ ...state, ports, failures: 0 }, { pid, startedAt: moment.now });
  const waiting = awaitReadiness(living, moment);
  const looked: InstanceStep = { ...waiting, effects: lookFor(living), done: "started" };
  return andThen(looked, (next) => advance(next, moment));
}

/** A process of an earlier life goes on as what it was. */
export function adopt(
  state: InstanceState,
  event: Extract<InstanceEvent, { kind: "adopted" }>,
  moment: Moment,
): InstanceStep {
  const { pid, ports, restarts, wasReady, hasRecords, isOver } = event;
  const run: Run = {
    ...newRun(1, moment),
    pid,
    isUp: wasReady && (hasRecords || !state.rules.registers),
    announcesItself: wasReady && !hasRecords && state.rules.registers,
  };
  const adopted = { ...state, run, runs: 1, ports, restarts, wasReady };
  const starting = awaitReadiness(adopted, moment).state;
  if (isOver) return wasReady ? becomeReady(starting, moment) : same(starting);
  if (!wasReady) return { state: starting, effects: lookFor(starting) };
  const held = withRun(starting, { record: hasRecords ? "wanted" : "none" });
  const register: InstanceEffect = { kind: "register", run: run.number };
  return {
    state: becomeReady(beginHealth(held, moment), moment).state,
    effects: hasRecords ? [register] : [],
  };
}

/** Another span of time to become ready in. */
export function awaitReadiness(state: InstanceState, moment: Moment): InstanceStep {
  const deadline = moment.now + Math.max(state.rules.readyTimeoutMs, aliveMs);
  return to(state, { kind: "starting", deadline, isLate: false }, moment);
}

/** It may be ready now, or one step nearer: up, healthy, registered, in this order. */
export function advance(state: InstanceState, moment: Moment): InstanceStep {
  const { run, rules } = state;
  if (run?.pid === undefined || !isAwaited(state) || !isUp(run)) return same(state);
  if (rules.health && run.health === undefined) return same(beginHealth(state, moment));
  if (run.health && run.health.verdict !== "passing") return same(state);
  if (!rules.registers || run.announcesItself || run.record === "held") {
    return becomeReady(state, moment);
  }
  return registerPorts(state);
}

/** Asks for the records, unless there are any or shall be none. */
export function registerPorts(state: InstanceState): InstanceStep {
  const { run, rules } = state;
  if (!run || !rules.registers || run.announcesItself || run.record !== "none") return same(state);
  return {
    state: withRun(state, { record: "wanted" }),
    effects: [{ kind: "register", run: run.number }],
  };
}

function becomeReady(state: InstanceState, moment: Moment): InstanceStep {
  if (state.run?.pid === undefined || !isAwaited(state)) return same(state);
  const ready = { ...state, wasReady: true, failures: 0 };
  return to(ready, { kind: "ready", readyAt: moment.now }, moment);
}

/** The records of the app itself changed. */
export function announced(
  state: InstanceState,
  records: readonly Announced[],
  moment: Moment,
): InstanceStep {
  const { run, life, rules } = state;
  if (!run || life.kind === "stopping") return same(state);
  if (records.length === 0) {
    const without = withRun(state, { announced: [] });
    const isWithdrawn =
      run.announced.length > 0 && life.kind === "ready" && rules.ready !== "alive";
    return isWithdrawn ? awaitReadiness(without, moment) : same(without);
  }
  const own = withRun(state, { announced: records, announcesItself: true, record: "none" });
  const free: InstanceEffect = { kind: "free", run: run.number };
  const freed: InstanceStep = { state: own, effects: run.record === "none" ? [] : [free] };
  return andThen(freed, (next) => advance(next, moment));
}

/** The registry refused the records; the process lives on. */
export function notRegistered(state: InstanceState, reason: string, moment: Moment): InstanceStep {
  if (state.run?.record !== "wanted") return same(state);
  const without = withRun(state, { record: "none" });
  const isLiving = isAwaited(without) || without.life.kind === "ready";
  return isLiving ? giveUp(without, "readiness", reason, moment) : same(without);
}

/** The time to become ready is over: `failed`, with the last lines if they can be read soon. */
export function late(state: InstanceState, moment: Moment): InstanceStep {
  const { life, run } = state;
  if (!run || (life.kind === "starting" && life.isLate)) return failLate(state, [], moment);
  const reading = {
    kind: "starting",
    deadline: moment.now + readOutputMsMax,
    isLate: true,
  } as const;
  return to(state, reading, moment, [{ kind: "read-output", run: run.number }]);
}

/** The process lives on and may still become ready. */
export function failLate(
  state: InstanceState,
  lastLines: readonly string[],
  moment: Moment,
): InstanceStep {
  const reason = lateReason(state);
  const life = {
    kind: "failed",
    reason,
    lastLines,
    next: "readiness",
    retryAt: undefined,
  } as const;
  return to(state, life, moment);
}

/** Something before or beside the process did not work: `failed` now, tried again after a while. */
export function giveUp(
  state: InstanceState,
  next: "fetch" | "start" | "readiness",
  reason: string,
  moment: Moment,
): InstanceStep {
  const failures = state.failures + 1;
  const retryAt = moment.now + backoffMs(retryBackoff, failures, moment.fraction);
  return to(
    { ...state, failures },
    { kind: "failed", reason, lastLines: [], next, retryAt },
    moment,
  );
}

/** When something that only has to live has lived long enough; undefined for everything else. */
export function aliveAt({ run, rules }: InstanceState): number | undefined {
  const isCounting = run?.pid !== undefined && !run.isUp && rules.ready === "alive";
  return isCounting ? run.startedAt + aliveMs : undefined;
}

/** Whether there is a process that may still become ready. */
export function isAwaited({ life }: InstanceState): boolean {
  return life.kind === "starting" || (life.kind === "failed" && life.next === "readiness");
}

function newRun(number: number, moment: Moment): Run {
  return {
    number,
    pid: undefined,
    startedAt: moment.now,
    isUp: false,
    record: "none",
    announced: [],
    announcesItself: false,
    health: undefined,
  };
}

/** An app that announces itself is up as long as it does. */
function isUp(run: Run): boolean {
  return run.announcesItself ? run.announced.length > 0 : run.isUp;
}

function lookFor({ rules, run }: InstanceState): readonly InstanceEffect[] {
  return run && rules.ready === "listen" ? [{ kind: "probe", run: run.number }] : [];
}

export function beginHealth(state: InstanceState, moment: Moment): InstanceState {
  return state.rules.health ? withRun(state, { health: beginChecks(moment.now) }) : state;
}

function lateReason({ run, ports, rules }: InstanceState): string {
  const limit = seconds(rules.readyTimeoutMs);
  const numbers = Object.values(ports);
  const where = `port${numbers.length > 1 ? "s" : ""} ${numbers.join(", ")}`;
  if (run?.announcesItself && run.announced.length === 0) {
    return `it withdrew its record from the registry and did not make a new one within ${limit}`;
  }
  if (run?.health) {
    const { reason } = run.health;
    return `did not become healthy within ${limit}${reason && `: ${reason}`}`;
  }
  if (run?.record === "wanted") {
    return `it listens on ${where}, but the registry did not take its record within ${limit}`;
  }
  if (rules.ready === "registry") return `did not announce itself in the registry within ${limit}`;
  return `did not listen on ${where} within ${limit}; is it a worker? start the drone with --worker, or give its service "port: none"`;
}
