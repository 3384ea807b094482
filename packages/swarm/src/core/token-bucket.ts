/**
 * A cap on bytes a second. What is taken may be more than there is; then nothing more may be taken until the
 * debt is paid, so a cap holds on average whatever the size of a block.
 */
export class TokenBucket {
  readonly #perSecond: number;
  readonly #most: number;
  #tokens: number;
  #at: number;

  /** Holds what comes together within `burstMs`. */
  constructor(perSecond: number, now: number, burstMs = 100) {
    this.#perSecond = perSecond;
    this.#most = (perSecond * burstMs) / 1000;
    this.#tokens = this.#most;
    this.#at = now;
  }

  take(now: number, bytes: number): void {
    this.#fill(now);
    this.#tokens -= bytes;
  }

  /** How long until something may be taken, 0 for now. */
  waitMs(now: number): number {
    this.#fill(now);
    return this.#tokens > 0 ? 0 : (1 - this.#tokens) * (1000 / this.#perSecond);
  }

  #fill(now: number): void {
    const filled = this.#tokens + ((now - this.#at) * this.#perSecond) / 1000;
    this.#tokens = Math.min(this.#most, filled);
    this.#at = now;
  }
}
