/**
 * The life of one instance: one commit of one repo, at most one process at a time.
 *
 *     waiting --start--> fetching --fetched--> checking-out --checked-out--> starting
 *                           | not-fetched         | not-fetched                 |
 *                           v                     v                             |
 *                         failed (fetch again) <--+                             |
 *                                                                               |
 *     starting --registered / announced / a worker lived 1 s--> ready           |
 *        |  not-launched ------------------> failed (start again)               |
 *        |  deadline, not-registered ------> failed (process lives on) --opened, registered--> ready
 *        |  exited: 1st, 2nd time ---------> restarting --back-off--> starting
 *        |  exited: 3rd time in a row -----> failed (start again)
 *     ready --exited--> restarting            ready --records withdrawn--> starting
 *
 *     failed --back-off or retry--> what it says it tries next
 *     any --stop--> stopping: [launching >] [freeing > draining >] terminating > killing --exited--> stopped
 *
 * A process group counts until nothing of it is left, so `exited` is what makes room for the next one.
 * Pure: the daemon feeds what happens and performs what comes out.
 */
import {
  announced,
  awaitReadiness,
  becomeReady,
  crashed,
  fetch,
  giveUp,
  launch,
  launched,
  failLate,
  late,
  notRegistered,
  registerIfOpen,
} from "./instance-start.js";
import { drain, stop, stopFurther, terminate } from "./instance-stop.js";
import { same, to, withRun } from "./instance-moves.js";
import type {
  InstanceEvent,
  InstanceIdentity,
  InstanceRules,
  InstanceState,
  InstanceStep,
  Moment,
} from "./instance-state.js";

export function newInstance(
  identity: InstanceIdentity,
  rules: InstanceRules,
  date: number,
): InstanceState {
  return {
    identity,
    rules,
    life: { kind: "waiting" },
    since: date,
    run: undefined,
    runs: 0,
    port: undefined,
    restarts: 0,
    crashes: 0,
    failures: 0,
    wasReady: false,
  };
}

export function stepInstance(
  state: InstanceState,
  event: InstanceEvent,
  moment: Moment,
): InstanceStep {
  const { life } = state;
  if ("run" in event && event.run !== state.run?.number) return same(state);
  switch (event.kind) {
    case "start":
      return life.kind === "waiting" ? fetch(state, moment) : same(state);
    case "retry":
      return retry(state, moment);
    case "stop":
      return stop(state, moment);
    case "tick":
      return tick(state, moment);
    case "fetched":
      if (life.kind !== "fetching") return same(state);
      return {
        ...to(state, { kind: "checking-out" }, moment, [{ kind: "check-out" }]),
        done: "fetched",
      };
    case "checked-out":
      if (life.kind !== "checking-out") return same(state);
      return { ...launch(state, moment), done: "checked out" };
    case "not-fetched":
      if (life.kind !== "fetching" && life.kind !== "checking-out") return same(state);
      return giveUp(state, "fetch", event.reason, moment);
    case "launched":
      if (state.run?.pid !== undefined) return same(state);
      return life.kind === "stopping"
        ? terminate(withRun({ ...state, port: event.port }, { pid: event.pid }), moment)
        : launched(state, event, moment);
    case "not-launched":
      return notLaunched(state, event.reason, moment);
    case "opened":
      return registerIfOpen(withRun(state, { isOpen: true }));
    case "registered":
      if (state.run?.record !== "wanted") return same(state);
      return becomeReady(withRun(state, { record: "held" }), moment);
    case "not-registered":
      return notRegistered(state, event.reason, moment);
    case "announced":
      return announced(state, event.records, moment);
    case "freed":
      if (life.kind !== "stopping" || life.stage !== "freeing") return same(state);
      return drain(state, moment);
    case "said":
      if (life.kind !== "starting" || !life.isLate) return same(state);
      return failLate(state, event.lastLines, moment);
    case "exited":
      return exited(state, event, moment);
    default:
      return event satisfies never;
  }
}

/** When the next `tick` is due, on the monotonic clock; undefined when time changes nothing. */
export function wakeAt({ life }: InstanceState): number | undefined {
  switch (life.kind) {
    case "starting":
      return life.deadline;
    case "restarting":
    case "failed":
      return life.retryAt;
    case "stopping":
      return life.until;
    case "waiting":
    case "fetching":
    case "checking-out":
    case "ready":
    case "stopped":
      return undefined;
    default:
      return life satisfies never;
  }
}

function tick(state: InstanceState, moment: Moment): InstanceStep {
  const due = wakeAt(state);
  if (due === undefined || moment.now < due) return same(state);
  const { life } = state;
  if (life.kind === "stopping") return stopFurther(state, life.stage, moment);
  if (life.kind !== "starting") return retry(state, moment);
  return state.rules.worker ? becomeReady(state, moment) : late(state, moment);
}

/** What failed or waits for its restart goes on now. */
function retry(state: InstanceState, moment: Moment): InstanceStep {
  const { life } = state;
  if (life.kind === "restarting") return launch(state, moment);
  if (life.kind !== "failed") return same(state);
  switch (life.next) {
    case "fetch":
      return fetch(state, moment);
    case "start":
      return launch(state, moment);
    case "readiness":
      return registerIfOpen(awaitReadiness(state, moment).state);
    default:
      return life.next satisfies never;
  }
}

/** Such an error (no such command, not executable) does not go away by itself: no second try first. */
function notLaunched(state: InstanceState, reason: string, moment: Moment): InstanceStep {
  if (state.run?.pid !== undefined) return same(state);
  const without = { ...state, run: undefined };
  if (state.life.kind === "stopping") return to(without, { kind: "stopped" }, moment);
  return giveUp(without, "start", reason, moment);
}

function exited(
  state: InstanceState,
  event: Extract<InstanceEvent, { kind: "exited" }>,
  moment: Moment,
): InstanceStep {
  const step =
    state.life.kind === "stopping"
      ? to({ ...state, run: undefined }, { kind: "stopped" }, moment)
      : crashed(state, event, moment);
  const holdsRecord = state.run !== undefined && state.run.record !== "none";
  return holdsRecord ? { ...step, effects: [{ kind: "free", run: event.run }] } : step;
}
