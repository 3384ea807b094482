/**
 * Passive health of one endpoint, as a circuit breaker:
 *
 *            failures in a row, or nobody there
 *     closed ----------------------------------> open (1 s, 2 s, 4 s … 10 s; for the slow a minute)
 *       ^ ^                                       |  ^
 *       | '---- answered by a late request -------'  |
 *       |                                       time |  failed
 *       |                                     passes v  |
 *       '-------------- answered --------------- half-open: one request at a time tries it
 *
 * Who refuses is tried at no cost. Who says nothing, such as a stopped process, costs its visitor the whole
 * timeout: a copy of a harmless request tries him first, whose visitor is answered by somebody else.
 *
 * Never a reason to answer nobody: when all endpoints of a variant are out, they are tried anyway.
 */
export interface Breaker {
  /** In a row, while closed. */
  failures: number;
  /** How often it opened without an answer in between. */
  opened: number;
  /** Monotonic, in ms: open until then; 0 while closed. */
  untilMs: number;
  /** While half-open: somebody tries, and is given up on at this time. */
  probeUntilMs: number;
  /** It is open because no answer came in time. */
  isSlow: boolean;
}

/** `gone`: nobody took the connection; `silent`: nobody in time; `late`: taken, and no answer in time. */
export type BreakerFailure = "gone" | "silent" | "late" | "broken";

/** Failures in a row of an endpoint that takes connections: Envoy's and nginx' usual number lie around it. */
const failuresMax = 5;
/** Two answers that did not come in time are enough: each costs a visitor the whole timeout. nginx takes one. */
const lateWeight = failuresMax / 2;
/** About as long as a restart takes; guesses. */
const outMsFirst = 1_000;
const outMsMax = 10_000;
const slowOutMsMax = 60_000;
/** For so long a slow one waits for a request that may be copied; then any request tries it. A guess. */
const copyMs = 10_000;
/** A probe whose end nobody tells holds up the next one for no longer. */
const probeMs = 10_000;

export function closedBreaker(): Breaker {
  return { failures: 0, opened: 0, untilMs: 0, probeUntilMs: 0, isSlow: false };
}

/** Whether it should get no request now; half-open and untried it may get one. */
export function isOut(breaker: Breaker, now: number): boolean {
  return breaker.untilMs !== 0 && (now < breaker.untilMs || now < breaker.probeUntilMs);
}

/** A request goes there: if it is half-open, that one is the probe. */
export function probeIfHalfOpen(breaker: Breaker, now: number): void {
  if (breaker.untilMs !== 0 && now >= breaker.untilMs) breaker.probeUntilMs = now + probeMs;
}

/** Half-open, and a visitor is better not made to wait for it: it is for a copy to try. */
export function awaitsCopy(breaker: Breaker, now: number): boolean {
  return breaker.isSlow && breaker.untilMs !== 0 && now < breaker.untilMs + copyMs;
}

/** A copy goes there, which is given `limitMs`. */
export function probeByCopy(breaker: Breaker, now: number, limitMs: number): void {
  breaker.probeUntilMs = now + limitMs + copyMs;
}

/** @returns whether it opened just now */
export function breakerFailed(breaker: Breaker, now: number, how: BreakerFailure): boolean {
  // Requests that failed together are one failure.
  if (breaker.untilMs !== 0 && now < breaker.untilMs) return false;
  breaker.failures += how === "late" ? lateWeight : 1;
  const isHalfOpen = breaker.untilMs !== 0;
  // Who does not even take connections leaves no doubt.
  const isNobodyThere = how === "gone" || how === "silent";
  if (!isNobodyThere && !isHalfOpen && breaker.failures < failuresMax) return false;
  breaker.isSlow = how === "late" || how === "silent";
  const longestMs = breaker.isSlow ? slowOutMsMax : outMsMax;
  breaker.untilMs = now + Math.min(longestMs, outMsFirst * 2 ** Math.min(breaker.opened, 10));
  breaker.opened += 1;
  breaker.failures = 0;
  breaker.probeUntilMs = 0;
  return true;
}

export function breakerAnswered(breaker: Breaker): void {
  if (breaker.failures === 0 && breaker.untilMs === 0) return;
  breaker.failures = 0;
  breaker.opened = 0;
  breaker.untilMs = 0;
  breaker.probeUntilMs = 0;
  breaker.isSlow = false;
}
