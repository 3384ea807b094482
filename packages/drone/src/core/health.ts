/**
 * Whether an instance answers as it should: successes and failures in a row decide, so that one slow answer
 * changes nothing.
 *
 *     unknown --healthyAfter successes--> passing <--healthyAfter / unhealthyAfter in a row--> failing
 *        \--unhealthyAfter failures, after the grace time--> failing
 *
 * One check at a time: the next one is due an interval after the answer to the last.
 */
import type { Health } from "@propagit/protocol";
import type { Moment } from "./instance-state.js";

export interface HealthState {
  readonly verdict: "unknown" | "passing" | "failing";
  /** In a row; the other one is 0. */
  readonly successes: number;
  readonly failures: number;
  /** It passed since the process started. */
  readonly hasPassed: boolean;
  /** Failures before that. */
  readonly firstFailures: number;
  /** Why the last failed check failed. */
  readonly reason: string;
  /** When the next check is due, on the monotonic clock; undefined while one is on its way. */
  readonly nextAt: number | undefined;
}

export interface CheckAnswer {
  readonly ok: boolean;
  readonly reason: string;
}

/** Until it passed once it is asked more often, at first: somebody waits for its deploy. */
const firstIntervalMs = 500;

export function beginChecks(now: number): HealthState {
  return {
    verdict: "unknown",
    successes: 0,
    failures: 0,
    hasPassed: false,
    firstFailures: 0,
    reason: "",
    nextAt: now,
  };
}

export function isCheckDue(health: HealthState | undefined, now: number): boolean {
  return health?.nextAt !== undefined && health.nextAt <= now;
}

/** @param startedAt when the process started: failures within its grace time do not count */
export function judge(
  rules: Health,
  health: HealthState,
  { ok, reason }: CheckAnswer,
  { now, fraction }: Moment,
  startedAt: number,
): HealthState {
  const counts = ok || now - startedAt >= rules.graceMs;
  const successes = ok ? Math.min(health.successes + 1, rules.healthyAfter) : 0;
  const failures = ok ? 0 : Math.min(health.failures + (counts ? 1 : 0), rules.unhealthyAfter);
  const verdict = verdictOf(rules, health.verdict, successes, failures);
  const hasPassed = health.hasPassed || verdict === "passing";
  const firstFailures = health.firstFailures + (ok || hasPassed ? 0 : 1);
  const soonMs = firstIntervalMs * 2 ** Math.min(firstFailures, 20);
  const everyMs = hasPassed ? rules.intervalMs : Math.min(rules.intervalMs, soonMs);
  return {
    verdict,
    successes,
    failures,
    hasPassed,
    firstFailures,
    reason: ok ? health.reason : reason,
    nextAt: now + jittered(everyMs, fraction),
  };
}

/** Whether an answer's status is one of those that are fine. */
export function isFine(
  status: number,
  ranges: readonly { readonly low: number; readonly high: number }[],
): boolean {
  return ranges.some(({ low, high }) => status >= low && status <= high);
}

function verdictOf(
  rules: Health,
  before: HealthState["verdict"],
  successes: number,
  failures: number,
): HealthState["verdict"] {
  if (successes >= rules.healthyAfter) return "passing";
  if (failures >= rules.unhealthyAfter) return "failing";
  return before;
}

/** A tenth up or down, so that a thousand instances that began together do not stay in step. */
function jittered(ms: number, fraction: number): number {
  return Math.max(1, Math.round(ms * (0.9 + fraction * 0.2)));
}
