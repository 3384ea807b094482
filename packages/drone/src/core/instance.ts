/**
 * The life of one instance: one slot of a service of a deployment, at most one process at a time.
 *
 *     waiting --start--> fetching --fetched--> checking-out --checked-out--> starting
 *        |                  | not-fetched         | not-fetched                 |
 *        |                  v                     v                             |
 *        |                failed (fetch again) <--+                             |
 *        +--adopted--> ready, or starting when it never was
 *        +--rest--> done, failed (given up)
 *
 *     starting --up > healthy > registered--> ready     (up: listens, announced, or lived 1 s)
 *        |  not-launched ------------------> failed (start again)
 *        |  deadline, not-registered ------> failed (process lives on) --up > healthy > registered--> ready
 *     ready --records withdrawn--> starting       ready --not-registered--> failed (process lives on)
 *     ready --checks fail--> ready without records --checks pass--> ready with records
 *
 *     starting, ready --exited--> restarting --back-off--> starting
 *        |  3rd time in a row, never ready --> failed (start again)
 *        |  crashesMax times in a row -------> failed (given up)
 *        |  policy never ---------------------> failed (given up)
 *        |  code 0, policy not always --------> done
 *
 *     failed, restarting --back-off or retry (after a crash: asked for)--> what it says it tries next
 *     failed (given up), done --retry that was asked for, restart--> fetching
 *     any with a process --restart, checks fail--> stopping --exited--> starting or restarting
 *     any --stop--> stopping: [launching >] [freeing > draining >] terminating > killing --exited--> stopped
 *
 * A process group counts until nothing of it is left, so `exited` is what makes room for the next one.
 * Pure: the daemon feeds what happens and performs what comes out.
 */
import { checkAt, checked, checkIfDue } from "./instance-health.js";
import {
  adopt,
  advance,
  aliveAt,
  announced,
  awaitReadiness,
  beginHealth,
  failLate,
  fetch,
  giveUp,
  late,
  launch,
  launched,
  notRegistered,
  registerPorts,
} from "./instance-start.js";
import { after, drain, end, exited, stop, stopFurther, terminate } from "./instance-stop.js";
import { andThen, same, to, withRun } from "./instance-moves.js";
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
    ports: {},
    restarts: 0,
    ends: 0,
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
  if ("run" in event && event.run !== state.run?.number) return same(state);
  switch (event.kind) {
    case "start":
    case "adopted":
    case "rest":
      return state.life.kind === "waiting" ? begin(state, event, moment) : same(state);
    case "retry":
      if (!event.isAsked && restsAfterCrash(state, moment)) return same(state);
      return retry(state, event.isAsked, moment);
    case "restart":
      return restart(state, moment);
    case "stop":
      return stop(state, moment);
    case "rules":
      return ruled(state, event.rules, moment);
    case "tick":
      return tick(state, moment);
    case "fetched":
    case "checked-out":
    case "not-fetched":
      return prepared(state, event, moment);
    case "launched":
    case "not-launched":
    case "opened":
    case "registered":
    case "not-registered":
    case "announced":
    case "freed":
    case "drained":
    case "checked":
    case "said":
    case "exited":
      return ofRun(state, event, moment);
    default:
      return event satisfies never;
  }
}

/** When the next `tick` is due, on the monotonic clock; undefined when time changes nothing. */
export function wakeAt(state: InstanceState): number | undefined {
  const due = [lifeDueAt(state), aliveAt(state), checkAt(state)].filter((at) => at !== undefined);
  return due.length === 0 ? undefined : Math.min(...due);
}

type Beginning = Extract<InstanceEvent, { kind: "start" | "adopted" | "rest" }>;
type Preparation = Extract<InstanceEvent, { kind: "fetched" | "checked-out" | "not-fetched" }>;

function begin(state: InstanceState, event: Beginning, moment: Moment): InstanceStep {
  switch (event.kind) {
    case "start":
      return fetch(state, moment);
    case "adopted":
      return adopt(state, event, moment);
    case "rest": {
      const { outcome: kind, reason, lastLines } = event;
      if (kind === "done") return to(state, { kind, reason }, moment);
      return to(state, { kind, reason, lastLines, next: "nothing", retryAt: undefined }, moment);
    }
    default:
      return event satisfies never;
  }
}

function prepared(state: InstanceState, event: Preparation, moment: Moment): InstanceStep {
  const { kind } = state.life;
  switch (event.kind) {
    case "fetched": {
      if (kind !== "fetching") return same(state);
      const step = to(state, { kind: "checking-out" }, moment, [{ kind: "check-out" }]);
      return { ...step, done: "fetched" };
    }
    case "checked-out":
      if (kind !== "checking-out") return same(state);
      return { ...launch(state, moment), done: "checked out" };
    case "not-fetched":
      if (kind !== "fetching" && kind !== "checking-out") return same(state);
      return giveUp(state, "fetch", event.reason, moment);
    default:
      return event satisfies never;
  }
}

/** What is heard of the process of now. */
function ofRun(
  state: InstanceState,
  event: Extract<InstanceEvent, { run: number }>,
  moment: Moment,
): InstanceStep {
  const { life } = state;
  switch (event.kind) {
    case "launched":
      if (state.run?.pid !== undefined) return same(state);
      return life.kind === "stopping"
        ? terminate(withRun({ ...state, ports: event.ports }, event), life.after, moment)
        : launched(state, event, moment);
    case "not-launched":
      return notLaunched(state, event.reason, moment);
    case "opened":
      if (state.rules.ready !== "listen") return same(state);
      return advance(withRun(state, { isUp: true }), moment);
    case "registered":
      if (state.run?.record !== "wanted") return same(state);
      return advance(withRun(state, { record: "held" }), moment);
    case "not-registered":
      return notRegistered(state, event.reason, moment);
    case "announced":
      return announced(state, event.records, moment);
    case "freed":
      if (life.kind !== "stopping" || life.stage !== "freeing") return same(state);
      return drain(state, life.after, moment);
    case "drained":
      if (life.kind !== "stopping" || life.stage !== "draining") return same(state);
      return terminate(state, life.after, moment);
    case "checked":
      return checked(state, event, moment);
    case "said":
      if (life.kind !== "starting" || !life.isLate) return same(state);
      return failLate(state, event.lastLines, moment);
    case "exited":
      return exited(state, event, moment);
    default:
      return event satisfies never;
  }
}

function lifeDueAt({ life }: InstanceState): number | undefined {
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
    case "done":
    case "stopped":
      return undefined;
    default:
      return life satisfies never;
  }
}

function tick(state: InstanceState, moment: Moment): InstanceStep {
  const alive = andThen(comeAlive(state, moment), (next) => checkIfDue(next, moment));
  return andThen(alive, (next) => lifeDue(next, moment));
}

/** It has lived long enough to count as up. */
function comeAlive(state: InstanceState, moment: Moment): InstanceStep {
  const at = aliveAt(state);
  return at === undefined || moment.now < at
    ? same(state)
    : advance(withRun(state, { isUp: true }), moment);
}

function lifeDue(state: InstanceState, moment: Moment): InstanceStep {
  const due = lifeDueAt(state);
  if (due === undefined || moment.now < due) return same(state);
  if (state.life.kind === "stopping") return stopFurther(state, moment);
  return state.life.kind === "starting" ? late(state, moment) : retry(state, false, moment);
}

/** Its back-off is not cut short by what the hub tells of others: their deploys would use up its tries. */
function restsAfterCrash({ life, crashes }: InstanceState, moment: Moment): boolean {
  const isResting =
    life.kind === "restarting" || (life.kind === "failed" && life.next === "start" && crashes > 0);
  return isResting && life.retryAt !== undefined && moment.now < life.retryAt;
}

/** What failed or waits for its restart goes on now. */
function retry(state: InstanceState, isAsked: boolean, moment: Moment): InstanceStep {
  const { life } = state;
  const isGivenUp = life.kind === "done" || (life.kind === "failed" && life.next === "nothing");
  if (isGivenUp) return isAsked ? again(state, moment) : same(state);
  if (life.kind === "restarting") return launch(state, moment);
  if (life.kind !== "failed") return same(state);
  switch (life.next) {
    case "fetch":
      return fetch(state, moment);
    case "start":
      return launch(state, moment);
    case "readiness":
      return andThen(awaitReadiness(state, moment), (next) => advance(next, moment));
    case "nothing":
      return same(state);
    default:
      return life.next satisfies never;
  }
}

/** Other rules than those it was adopted with: checks and records begin as they say. */
function ruled(state: InstanceState, rules: InstanceRules, moment: Moment): InstanceStep {
  const next = withRun({ ...state, rules }, { health: undefined });
  if (next.life.kind !== "ready") return advance(next, moment);
  return registerPorts(beginHealth(next, moment));
}

function restart(state: InstanceState, moment: Moment): InstanceStep {
  const { life, run } = state;
  const then = { kind: "restart" } as const;
  if (life.kind === "stopping") {
    return life.after.kind === "gone" ? same(state) : to(state, { ...life, after: then }, moment);
  }
  return run ? end(state, then, moment) : retry({ ...state, crashes: 0 }, true, moment);
}

/** From the beginning, as its files may be gone. */
function again(state: InstanceState, moment: Moment): InstanceStep {
  return fetch({ ...state, crashes: 0, failures: 0 }, moment);
}

/** Such an error (no such command, not executable) does not go away by itself: no second try first. */
function notLaunched(state: InstanceState, reason: string, moment: Moment): InstanceStep {
  const { run, life } = state;
  if (run?.pid !== undefined) return same(state);
  if (life.kind === "stopping") return after(state, life.after, { lastLines: [] }, moment);
  return giveUp({ ...state, run: undefined }, "start", reason, moment);
}
