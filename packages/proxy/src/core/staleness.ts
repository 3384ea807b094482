/**
 * Whether a proxy may still serve by what it knows. Silence is not emptiness, so by default it may for ever,
 * and says that it is stale; who rather refuses visitors than sends them by old rules sets a bound.
 *
 *     word   word   (hub gone)
 *     --|------|- - - - - staleMax - - - -|====== refuses ======|-- word: serves again
 */
export interface Silence {
  /** How long it may go without a word from its hub, in ms; undefined: for ever. */
  readonly staleMaxMs: number | undefined;
  /** When it last heard of its hub, monotonic; undefined: not in this life, so nobody knows how old its rules are. */
  readonly lastWordAt: number | undefined;
  readonly now: number;
}

export function isTooStale({ staleMaxMs, lastWordAt, now }: Silence): boolean {
  if (staleMaxMs === undefined) return false;
  return lastWordAt === undefined || now - lastWordAt > staleMaxMs;
}
