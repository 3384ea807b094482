/** The way of an instance up to `ready`, and what becomes of it when that fails. */
import { backoffMs } from "@propagit/runtime";
import { same, seconds, to, withRun } from "./instance-moves.js";
import {
  crashesMax,
  readOutputMsMax,
  restartBackoff,
  workerReadyMs,
  type Announced,
  type InstanceEvent,
  type InstanceState,
  type InstanceStep,
  type Moment,
} from "./instance-state.js";

export function fetch(state: InstanceState, moment: Moment): InstanceStep {
  return to(state, { kind: "fetching" }, moment, [{ kind: "fetch" }]);
}

/** Asks for a process; there must be none. */
export function launch(state: InstanceState, moment: Moment): InstanceStep {
  const number = state.runs + 1;
  const run = {
    number,
    pid: undefined,
    isOpen: false,
    record: "none",
    announced: [],
    announcesItself: false,
  } as const;
  const restarts = state.crashes > 0 ? state.restarts + 1 : state.restarts;
  const launching = { ...state, run, runs: number, restarts };
  return to(launching, { kind: "starting", deadline: undefined, isLate: false }, moment, [
    { kind: "launch", run: number },
  ]);
}

/** There is a process: from now on it must become ready in time. */
export function launched(
  state: InstanceState,
  { pid, port }: Extract<InstanceEvent, { kind: "launched" }>,
  moment: Moment,
): InstanceStep {
  const living = withRun({ ...state, port, failures: 0 }, { pid });
  const waiting = awaitReadiness(living, moment).state;
  if (waiting.run?.announcesItself) return { ...becomeReady(waiting, moment), done: "started" };
  const probe = { kind: "probe", run: state.runs } as const;
  return { state: waiting, effects: state.rules.worker ? [] : [probe], done: "started" };
}

/** Another span of time to become ready in. */
export function awaitReadiness(state: InstanceState, moment: Moment): InstanceStep {
  const { worker, readyTimeoutMs } = state.rules;
  const deadline = moment.now + (worker ? workerReadyMs : readyTimeoutMs);
  return to(state, { kind: "starting", deadline, isLate: false }, moment);
}

/** An app that listens and does not announce itself is announced by the drone. */
export function registerIfOpen(state: InstanceState): InstanceStep {
  const { run, rules } = state;
  if (!run?.isOpen || run.record !== "none" || run.announcesItself) return same(state);
  if (rules.worker || !isAwaited(state)) return same(state);
  return {
    state: withRun(state, { record: "wanted" }),
    effects: [{ kind: "register", run: run.number }],
  };
}

export function becomeReady(state: InstanceState, moment: Moment): InstanceStep {
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
    const isWithdrawn = run.announced.length > 0 && life.kind === "ready" && !rules.worker;
    return isWithdrawn ? awaitReadiness(without, moment) : same(without);
  }
  const own = withRun(state, { announced: records, announcesItself: true, record: "none" });
  const free = { kind: "free", run: run.number } as const;
  return {
    state: becomeReady(own, moment).state,
    effects: run.record === "none" ? [] : [free],
  };
}

/** The registry refused the record; the process lives on. */
export function notRegistered(state: InstanceState, reason: string, moment: Moment): InstanceStep {
  if (state.run?.record !== "wanted") return same(state);
  const without = withRun(state, { record: "none" });
  return isAwaited(without) ? giveUp(without, "readiness", reason, moment) : same(without);
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
  const retryAt = moment.now + backoffMs(restartBackoff, failures, moment.fraction);
  return to(
    { ...state, failures },
    { kind: "failed", reason, lastLines: [], next, retryAt },
    moment,
  );
}

/** The process ended by itself: again after a while, as `failed` when it never got anywhere. */
export function crashed(
  state: InstanceState,
  { how, lastLines }: Extract<InstanceEvent, { kind: "exited" }>,
  moment: Moment,
): InstanceStep {
  const { life } = state;
  const livedMs = life.kind === "ready" ? moment.now - life.readyAt : 0;
  const crashes = livedMs >= restartBackoff.maxMs ? 1 : state.crashes + 1;
  const retryAt = moment.now + backoffMs(restartBackoff, crashes, moment.fraction);
  const next = { ...state, run: undefined, crashes };
  if (state.wasReady || crashes < crashesMax) {
    return to(next, { kind: "restarting", retryAt, reason: how, lastLines }, moment);
  }
  const reason = `${how}, ${crashes} times in a row before it was ready`;
  return to(next, { kind: "failed", reason, lastLines, next: "start", retryAt }, moment);
}

/** Whether there is a process that may still become ready. */
function isAwaited({ life }: InstanceState): boolean {
  return life.kind === "starting" || (life.kind === "failed" && life.next === "readiness");
}

function lateReason({ run, port, rules }: InstanceState): string {
  const limit = seconds(rules.readyTimeoutMs);
  if (run?.announcesItself) {
    return `it withdrew its record from the registry and did not make a new one within ${limit}`;
  }
  if (run?.record === "wanted") {
    return `it listens on port ${port}, but the registry did not take its record within ${limit}`;
  }
  return `did not listen on port ${port} within ${limit}; is it a worker? start the drone with --worker`;
}
