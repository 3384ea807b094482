/**
 * Delays between attempts: doubling, half of each by chance, so that a thousand peers that lost the same
 * hub do not come back at the same moment (the "equal jitter" of the AWS architecture blog, 2015; its
 * "full jitter" may give no delay at all, and then a refusing server is asked again at once).
 */
export interface Backoff {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** For connections: the first retry comes fast, as after a restart of the other side. */
export const reconnectBackoff: Backoff = { firstMs: 250, maxMs: 10_000 };

/**
 * Delay before attempt number `attempt` (from 1), in ms, between half of the ceiling and the ceiling.
 *
 * @param fraction a random number in [0, 1)
 */
export function backoffMs(backoff: Backoff, attempt: number, fraction: number): number {
  const ceiling = Math.min(backoff.maxMs, backoff.firstMs * 2 ** Math.min(attempt - 1, 30));
  return Math.round(ceiling * (0.5 + fraction / 2));
}
