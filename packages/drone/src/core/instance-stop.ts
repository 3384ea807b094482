/** The end of an instance: records first, then a moment for those who just read them, then the process. */
import { same, to, withRun } from "./instance-moves.js";
import {
  freeMsMax,
  type InstanceState,
  type InstanceStep,
  type Moment,
  type StopStage,
} from "./instance-state.js";

/** Between one SIGKILL and the next, for a group that forks faster than it dies. A guess. */
const killAgainMs = 1_000;

export function stop(state: InstanceState, moment: Moment): InstanceStep {
  const { life, run } = state;
  if (life.kind === "stopping" || life.kind === "stopped") return same(state);
  if (!run) {
    const isBusy = life.kind === "fetching" || life.kind === "checking-out";
    return to(state, { kind: "stopped" }, moment, isBusy ? [{ kind: "abandon" }] : []);
  }
  if (run.pid === undefined) return stage(state, "launching", undefined, moment);
  // What the app registered itself it also frees itself, when it gets SIGTERM.
  if (run.record === "none") return terminate(state, moment);
  const freeing = withRun(state, { record: "none" });
  const step = stage(freeing, "freeing", moment.now + freeMsMax, moment);
  return { ...step, effects: [{ kind: "free", run: run.number }] };
}

/** The time for a stage is over. */
export function stopFurther(
  state: InstanceState,
  current: StopStage,
  moment: Moment,
): InstanceStep {
  switch (current) {
    case "launching":
      return same(state);
    case "freeing":
      return drain(state, moment);
    case "draining":
      return terminate(state, moment);
    case "terminating":
    case "killing": {
      const step = stage(state, "killing", moment.now + killAgainMs, moment);
      return { ...step, effects: [{ kind: "kill" }] };
    }
    default:
      return current satisfies never;
  }
}

/** The registry has let go of the records, or did not answer in time. */
export function drain(state: InstanceState, moment: Moment): InstanceStep {
  return stage(state, "draining", moment.now + state.rules.drainMs, moment);
}

export function terminate(state: InstanceState, moment: Moment): InstanceStep {
  const until = moment.now + state.rules.stopTimeoutMs;
  return { ...stage(state, "terminating", until, moment), effects: [{ kind: "terminate" }] };
}

function stage(
  state: InstanceState,
  name: StopStage,
  until: number | undefined,
  moment: Moment,
): InstanceStep {
  return to(state, { kind: "stopping", stage: name, until }, moment);
}
