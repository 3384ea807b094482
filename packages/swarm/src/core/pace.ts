/**
 * How fast a line is, how many pieces to have asked for on it, and when it has been quiet for too long.
 *
 * A window that covers twice the time from question to answer keeps the line full; a longer one only makes
 * queues at the other side, where others wait in them, and pieces that could come from elsewhere are stuck.
 *
 *     asked for:   [piece][piece][piece]......
 *                  |<-- rate x horizon -->|
 */

/** Of what was measured, the last one to two seconds count. */
const spanMs = 1000;

/** Bytes a second, measured only while something was asked for. */
export class Rate {
  #at: number | undefined;
  #span = { bytes: 0, ms: 0 };
  #before = { bytes: 0, ms: 0 };

  /** From now on time counts. */
  start(now: number): void {
    this.#at ??= now;
  }

  /** Nothing is asked for any more: silence is not the line's fault. */
  stop(now: number): void {
    this.#pass(now);
    this.#at = undefined;
  }

  add(now: number, bytes: number): void {
    this.#pass(now);
    this.#span.bytes += bytes;
  }

  /** 0 while nothing is known. */
  perSecond(now: number): number {
    this.#pass(now);
    const ms = this.#span.ms + this.#before.ms;
    return ms < 1 ? 0 : ((this.#span.bytes + this.#before.bytes) * 1000) / ms;
  }

  #pass(now: number): void {
    if (this.#at === undefined) return;
    this.#span.ms += now - this.#at;
    this.#at = now;
    if (this.#span.ms < spanMs) return;
    this.#before = this.#span;
    this.#span = { bytes: 0, ms: 0 };
  }
}

/**
 * Pieces to ask for now, by rate and by the shortest time from question to answer that was seen: 0 while what is left
 * to come of those that were asked for covers the window. Beside what is under way there is a piece to send next, but
 * on a slow line only once most of the one before is here: two for each of ten lines would be seconds in a queue on the
 * other side.
 */
export function roomOf(options: {
  readonly bytesPerSecond: number;
  readonly tripMs: number;
  readonly pieceBytes: number;
  /** Asked for, and not yet here. */
  readonly leftBytes: number;
}): number {
  const { bytesPerSecond, leftBytes, tripMs, pieceBytes } = options;
  const horizonMs = 2 * tripMs + pace.marginMs;
  const nextBytesMax = Math.max(pieceBytes, pace.nextBytesMax);
  const nextBytes = Math.min(nextBytesMax, (bytesPerSecond * pace.nextMs) / 1000);
  const wantedBytes = (bytesPerSecond * horizonMs) / 1000 + nextBytes;
  const windowBytes = Math.min(wantedBytes, pace.windowMax * pieceBytes);
  if (leftBytes <= 0) return Math.max(1, Math.ceil(windowBytes / pieceBytes));
  return Math.max(0, Math.ceil((windowBytes - leftBytes) / pieceBytes));
}

export const pace = {
  /** In pieces. */
  windowMax: 64,
  /**
   * So long before what was asked for is here more is asked for, but no more than so much or a piece: a question waits
   * behind the pieces of other lines. Tried in simulations: with 200 short pieces leave gaps, with 500 queues are longer.
   */
  nextMs: 300,
  nextBytesMax: 32 * 1024,
  /** For turns of event loops on both sides; a guess. */
  marginMs: 50,
} as const;

/** How long a piece takes on lines of these rates: in the middle of those that bring something; 1 s while none does. */
export function pieceMsOf(pieceBytes: number, bytesPerSecond: readonly number[]): number {
  const rates = bytesPerSecond.filter((rate) => rate > 0).sort((left, right) => left - right);
  const median = rates[rates.length >> 1];
  return median === undefined ? 1000 : (pieceBytes * 1000) / median;
}

/**
 * For how long nothing may come of what was asked for before it is asked for elsewhere.
 *
 * @param pieceMs how long a piece takes on lines of this swarm
 */
export function stallMsOf(pieceMs: number, isFar = false): number {
  // On a long line stands what all of a zone have asked for.
  return Math.min(60_000, Math.max(isFar ? 20_000 : 3_000, 8 * pieceMs));
}

/** For how long a piece may be on its way, from its first byte, before it is asked for elsewhere too. */
export function lateMsOf(pieceMs: number): number {
  return Math.min(60_000, Math.max(3_000, 6 * pieceMs));
}
