/**
 * A token bucket for each key, kept as the one number that says all of it: when the bucket would be full
 * again (the generic cell rate algorithm, ITU-T I.371).
 *
 *     now ...... full again            a token costs 1/rate; the bucket holds `burst` of them
 *      |<-- debt -->|                  debt of one more token > burst / rate: too many, wait for the difference
 *
 * Keys are bounded. A key whose bucket is full is forgotten without a difference. When there are more busy
 * ones than may be, newcomers share buckets by hash, and nobody who is counted is forgotten: whoever makes up
 * keys wins nothing for himself and takes nothing from those who were there.
 */
import { uniformAfter, type Seed } from "./hash.js";

export interface RateLimits {
  readonly perSecond: number;
  readonly burst: number;
}

/** About 100 bytes each. */
const keysMax = 20_000;
const sharedBuckets = 1_024;
/** Looks for a key to forget, for each newcomer; what is busy is put behind the others. */
const looksMax = 4;

export class RateLimiter {
  readonly #tokenMs: number;
  readonly #debtMsMax: number;
  readonly #fullAt = new Map<string, number>();
  /** Made when somebody shares: thousands of routes may have a rate, and hardly one has that many visitors. */
  #shared: Float64Array | undefined;
  readonly #seed: Seed;
  readonly #keysMax: number;

  /** @param seed unknown to visitors, so that nobody can choose with whom he shares */
  constructor(limits: RateLimits, seed: Seed, keys = keysMax) {
    this.#tokenMs = 1_000 / limits.perSecond;
    this.#debtMsMax = limits.burst * this.#tokenMs;
    this.#seed = seed;
    this.#keysMax = keys;
  }

  /** Keys that are counted one by one. */
  get size(): number {
    return this.#fullAt.size;
  }

  /** Takes a token. @returns 0, or after how many ms there is one */
  take(key: string, now: number): number {
    const known = this.#fullAt.get(key);
    if (known === undefined && !this.#hasRoom(now)) return this.#takeShared(key, now);
    const next = Math.max(known ?? now, now) + this.#tokenMs;
    const waitMs = this.#waitMs(next, now);
    if (waitMs === 0) this.#fullAt.set(key, next);
    return waitMs;
  }

  /** A token that was taken, and not needed after all. Of a shared bucket none is given back. */
  giveBack(key: string): void {
    const fullAt = this.#fullAt.get(key);
    if (fullAt !== undefined) this.#fullAt.set(key, fullAt - this.#tokenMs);
  }

  #takeShared(key: string, now: number): number {
    const at = Math.floor(uniformAfter(this.#seed, key) * sharedBuckets);
    const shared = (this.#shared ??= new Float64Array(sharedBuckets));
    const next = Math.max(shared[at] ?? now, now) + this.#tokenMs;
    const waitMs = this.#waitMs(next, now);
    if (waitMs === 0) shared[at] = next;
    return waitMs;
  }

  /** Sums of fractions are not exact: a millionth of a ms is not worth a refusal. */
  #waitMs(next: number, now: number): number {
    const waitMs = next - this.#debtMsMax - now;
    return waitMs > 1e-6 ? waitMs : 0;
  }

  /** Forgets some full buckets, the longest unseen first. */
  #hasRoom(now: number): boolean {
    if (this.#fullAt.size < this.#keysMax) return true;
    let looks = looksMax;
    for (const [key, fullAt] of this.#fullAt) {
      this.#fullAt.delete(key);
      if (fullAt <= now) return true;
      this.#fullAt.set(key, fullAt);
      looks -= 1;
      if (looks === 0) return false;
    }
    return false;
  }
}
