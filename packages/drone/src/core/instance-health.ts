/** Health checks of an instance: when they are made, and what their verdict changes. */
import { readyMs } from "./instance-end.js";
import { same, withRun } from "./instance-moves.js";
import { advance, isAwaited, registerPorts } from "./instance-start.js";
import type {
  InstanceEffect,
  InstanceEvent,
  InstanceState,
  InstanceStep,
  Moment,
} from "./instance-state.js";
import { end } from "./instance-stop.js";
import { isCheckDue, judge } from "./health.js";

/** When the next check is due; undefined while none shall be made. */
export function checkAt(state: InstanceState): number | undefined {
  return isChecked(state) ? state.run?.health?.nextAt : undefined;
}

export function checkIfDue(state: InstanceState, moment: Moment): InstanceStep {
  const { run } = state;
  if (!run?.health || !isChecked(state) || !isCheckDue(run.health, moment.now)) return same(state);
  const check: InstanceEffect = { kind: "check", run: run.number };
  return {
    state: withRun(state, { health: { ...run.health, nextAt: undefined } }),
    effects: [check],
  };
}

export function checked(
  state: InstanceState,
  answer: Extract<InstanceEvent, { kind: "checked" }>,
  moment: Moment,
): InstanceStep {
  const { run, rules, life } = state;
  if (!run?.health || !rules.health || !isChecked(state)) return same(state);
  const health = judge(rules.health, run.health, answer, moment, run.startedAt);
  const judged = withRun(state, { health });
  if (health.verdict === "failing") return failing(judged, moment);
  if (life.kind === "ready")
    return health.verdict === "passing" ? registerPorts(judged) : same(judged);
  return advance(judged, moment);
}

/** It gets no visitors any more, and another process when the rules say so. */
function failing(state: InstanceState, moment: Moment): InstanceStep {
  const { run, rules } = state;
  if (!run) return same(state);
  if (rules.health?.restart) {
    const reason = `unhealthy: ${run.health?.reason ?? ""}`;
    return end(state, { kind: "unhealthy", reason, readyMs: readyMs(state, moment) }, moment);
  }
  // What the app registered itself only the app can take back.
  if (run.record === "none") return same(state);
  const freed = withRun(state, { record: "none" });
  return { state: freed, effects: [{ kind: "free", run: run.number }] };
}

function isChecked(state: InstanceState): boolean {
  return state.life.kind === "ready" || isAwaited(state);
}
