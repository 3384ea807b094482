/**
 * Passive health of one endpoint, as a circuit breaker:
 *
 *            failures in a row, or nobody there
 *     closed ----------------------------------> open (1 s, 2 s, 4 s … 10 s)
 *       ^ ^                                       |  ^
 *       | '---- answered by a late request -------'  |
 *       |                                       time |  failed
 *       |                                     passes v  |
 *       '-------------- answered --------------- half-open: one request at a time tries it
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
}

/** Failures in a row of an endpoint that takes connections: Envoy's and nginx' usual number lie around it. */
const failuresMax = 5;
/** About as long as a restart takes; guesses. */
const outMsFirst = 1_000;
const outMsMax = 10_000;
/** A probe whose end nobody tells holds up the next one for no longer. */
const probeMs = 10_000;

export function closedBreaker(): Breaker {
  return { failures: 0, opened: 0, untilMs: 0, probeUntilMs: 0 };
}

/** Whether it should get no request now; half-open and untried it may get one. */
export function isOut(breaker: Breaker, now: number): boolean {
  return breaker.untilMs !== 0 && (now < breaker.untilMs || now < breaker.probeUntilMs);
}

/** A request goes there: if it is half-open, that one is the probe. */
export function probeIfHalfOpen(breaker: Breaker, now: number): void {
  if (breaker.untilMs !== 0 && now >= breaker.untilMs) breaker.probeUntilMs = now + probeMs;
}

/**
 * @param isGone nobody took the connection, which leaves no doubt
 * @returns whether it opened just now
 */
export function breakerFailed(breaker: Breaker, now: number, isGone: boolean): boolean {
  // Requests that failed together are one failure.
  if (breaker.untilMs !== 0 && now < breaker.untilMs) return false;
  breaker.failures += 1;
  const isHalfOpen = breaker.untilMs !== 0;
  if (!isGone && !isHalfOpen && breaker.failures < failuresMax) return false;
  breaker.untilMs = now + Math.min(outMsMax, outMsFirst * 2 ** Math.min(breaker.opened, 10));
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
}
