/**
 * How many requests may be sent twice: without a bound, an app that fails under load gets twice the load.
 * A percentage of the requests of the last ten seconds, and some for quiet routes, whose percentage is nothing.
 */
export class RetryBudget {
  readonly #percent: number;
  readonly #requests = new Float64Array(slots);
  readonly #retries = new Float64Array(slots);
  #slot = 0;
  /** Of this slot: kept here, so that a request touches little memory. */
  #current = 0;
  #requestsSum = 0;
  #retriesSum = 0;

  constructor(percent: number) {
    this.#percent = percent;
  }

  /** Counts a request that came. */
  count(now: number): void {
    this.#turn(now);
    this.#current += 1;
  }

  /** Whether one may be sent again; counts it if so. */
  take(now: number): boolean {
    this.#turn(now);
    const allowed = Math.max(
      retriesFree,
      ((this.#requestsSum + this.#current) * this.#percent) / 100,
    );
    if (this.#percent === 0 || this.#retriesSum + 1 > allowed) return false;
    const at = this.#slot % slots;
    this.#retries[at] = (this.#retries[at] ?? 0) + 1;
    this.#retriesSum += 1;
    return true;
  }

  /** Forgets what is older than the window. */
  #turn(now: number): void {
    const slot = Math.floor(now / slotMs);
    if (slot <= this.#slot) return;
    this.#requests[this.#slot % slots] = this.#current;
    this.#requestsSum += this.#current;
    this.#current = 0;
    for (let next = Math.max(this.#slot + 1, slot - slots + 1); next <= slot; next++) {
      const at = next % slots;
      this.#requestsSum -= this.#requests[at] ?? 0;
      this.#retriesSum -= this.#retries[at] ?? 0;
      this.#requests[at] = 0;
      this.#retries[at] = 0;
    }
    this.#slot = slot;
  }
}

const slots = 10;
const slotMs = 1_000;
/** In ten seconds, whatever the percentage: linkerd's usual ten a second. */
const retriesFree = 100;
