/**
 * The end of a process: its records first, so that nothing new comes; then what is under way ends, as far as the
 * stop deadline allows; then the signals.
 */
import { ended, crashed } from "./instance-end.js";
import { launch } from "./instance-start.js";
import { same, to, withRun } from "./instance-moves.js";
import {
  freeMsMax,
  type AfterEnd,
  type Exit,
  type InstanceState,
  type InstanceStep,
  type Moment,
  type StopStage,
} from "./instance-state.js";

/** Between one SIGKILL and the next, for a group that forks faster than it dies. A guess. */
const killAgainMs = 1_000;

/** For good. */
export function stop(state: InstanceState, moment: Moment): InstanceStep {
  const { life, run } = state;
  if (life.kind === "stopped") return same(state);
  if (life.kind === "stopping") return to(state, { ...life, after: { kind: "gone" } }, moment);
  if (run) return end(state, { kind: "gone" }, moment);
  const isBusy = life.kind === "fetching" || life.kind === "checking-out";
  return to(state, { kind: "stopped" }, moment, isBusy ? [{ kind: "abandon" }] : []);
}

/** Ends the process, if there is one, for what comes after. */
export function end(state: InstanceState, then: AfterEnd, moment: Moment): InstanceStep {
  const { run } = state;
  if (!run) return same(state);
  if (run.pid === undefined) return stage(state, "launching", undefined, then, moment);
  // What the app registered itself it also frees itself, when it gets its signal; proxies leave it alone before.
  if (run.record === "none") {
    return run.announced.length > 0 ? drain(state, then, moment) : terminate(state, then, moment);
  }
  const freeing = withRun(state, { record: "none" });
  const step = stage(freeing, "freeing", moment.now + freeMsMax, then, moment);
  return { ...step, effects: [{ kind: "free", run: run.number }] };
}

/** The time for a stage is over. */
export function stopFurther(state: InstanceState, moment: Moment): InstanceStep {
  const { life } = state;
  if (life.kind !== "stopping") return same(state);
  switch (life.stage) {
    case "launching":
      return same(state);
    case "freeing":
      return drain(state, life.after, moment);
    case "draining":
      return terminate(state, life.after, moment);
    case "terminating":
    case "killing": {
      const step = stage(state, "killing", moment.now + killAgainMs, life.after, moment);
      return { ...step, effects: [{ kind: "kill" }] };
    }
    default:
      return life.stage satisfies never;
  }
}

/** The registry has let go of the records, or did not answer in time. */
export function drain(state: InstanceState, then: AfterEnd, moment: Moment): InstanceStep {
  const { run, rules } = state;
  // What does not answer any more is not waited for: it would only be missing for longer.
  const isUseless = then.kind === "unhealthy";
  const waitMs = isUseless ? rules.drainMs : Math.max(rules.drainMs, rules.stop.deadlineMs);
  const step = stage(state, "draining", moment.now + waitMs, then, moment);
  if (!run || isUseless) return step;
  return { ...step, effects: [{ kind: "drain", run: run.number, waitMs }] };
}

export function terminate(state: InstanceState, then: AfterEnd, moment: Moment): InstanceStep {
  const until = moment.now + state.rules.stop.deadlineMs;
  return { ...stage(state, "terminating", until, then, moment), effects: [{ kind: "terminate" }] };
}

/** Nothing of the process is left. */
export function exited(state: InstanceState, exit: Exit, moment: Moment): InstanceStep {
  const { life, run } = state;
  const step =
    life.kind === "stopping" ? after(state, life.after, exit, moment) : ended(state, exit, moment);
  const holdsRecord = run !== undefined && run.record !== "none";
  return holdsRecord
    ? { ...step, effects: [{ kind: "free", run: run.number }, ...step.effects] }
    : step;
}

/** It was to be ended, and is. */
export function after(
  state: InstanceState,
  then: AfterEnd,
  { lastLines }: Pick<Exit, "lastLines">,
  moment: Moment,
): InstanceStep {
  const without = { ...state, run: undefined };
  switch (then.kind) {
    case "gone":
      return to(without, { kind: "stopped" }, moment);
    case "restart":
      return launch({ ...without, crashes: 0, failures: 0, ends: state.ends + 1 }, moment);
    case "unhealthy":
      return crashed(without, { how: then.reason, lastLines, readyMs: then.readyMs }, moment);
    default:
      return then satisfies never;
  }
}

function stage(
  state: InstanceState,
  name: StopStage,
  until: number | undefined,
  then: AfterEnd,
  moment: Moment,
): InstanceStep {
  return to(state, { kind: "stopping", stage: name, until, after: then }, moment);
}
