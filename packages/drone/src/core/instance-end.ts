/** What becomes of an instance whose process ended by itself: another one after a while, or rest. */
import { backoffMs } from "@propagit/runtime";
import { to } from "./instance-moves.js";
import {
  calmMs,
  firstCrashesMax,
  type Exit,
  type InstanceState,
  type InstanceStep,
  type Moment,
} from "./instance-state.js";

/** The process ended by itself. */
export function ended(state: InstanceState, exit: Exit, moment: Moment): InstanceStep {
  const { policy } = state.rules.restart;
  const without = { ...state, run: undefined };
  if (policy !== "always" && exit.code === 0) {
    const reason = `${exit.how}: it is done, and its restart policy is ${policy}`;
    return to(without, { kind: "done", reason }, moment);
  }
  if (policy === "never") {
    return leaveStopped(without, `${exit.how}, and its restart policy is never`, exit, moment);
  }
  return crashed(state, { ...exit, readyMs: readyMs(state, moment) }, moment);
}

/** Again after a while; as `failed` when it never got anywhere, and not at all when that does not help. */
export function crashed(
  state: InstanceState,
  exit: Pick<Exit, "how" | "lastLines"> & { readonly readyMs: number },
  moment: Moment,
): InstanceStep {
  const { restart } = state.rules;
  const { how, lastLines } = exit;
  const crashes = exit.readyMs >= calmMs ? 1 : state.crashes + 1;
  const next = { ...state, run: undefined, crashes, ends: state.ends + 1 };
  if (crashes >= restart.crashesMax) {
    const reason = `${how}, ${times(crashes)} in a row: a crash loop, so it is left stopped until it is deployed again or restarted with \`propagit restart\``;
    return leaveStopped(next, reason, exit, moment);
  }
  const retryAt = moment.now + backoffMs(restart, crashes, moment.fraction);
  if (state.wasReady || crashes < firstCrashesMax) {
    return to(next, { kind: "restarting", retryAt, reason: how, lastLines }, moment);
  }
  const reason = `${how}, ${times(crashes)} in a row before it was ready`;
  return to(next, { kind: "failed", reason, lastLines, next: "start", retryAt }, moment);
}

function leaveStopped(
  state: InstanceState,
  reason: string,
  { lastLines }: Pick<Exit, "lastLines">,
  moment: Moment,
): InstanceStep {
  const life = { kind: "failed", reason, lastLines, next: "nothing", retryAt: undefined } as const;
  return to(state, life, moment);
}

/** How long it has been ready. */
export function readyMs({ life }: InstanceState, moment: Moment): number {
  return life.kind === "ready" ? moment.now - life.readyAt : 0;
}

function times(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}
