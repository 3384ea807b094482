/**
 * How many requests may be sent twice: without a bound, an app that fails under load gets twice the load.
 * A percentage of the requests of the last ten seconds, and some for quiet routes, whose percentage is nothing.
 */
export class RetryBudget {
  readonly #percent: number;
  /** By slot; made when the first request comes: most routes of a large book have none for long. */
  #requests: Float64Array | undefined;
  #retries: Float64Array | undefined;
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
    const retries = (this.#retries ??= new Float64Array(slots));
    retries[at] = (retries[at] ?? 0) + 1;
    this.#retriesSum += 1;
    return true;
  }

  /** Forgets what is older than the window. */
  #turn(now: number): void {
    const slot = Math.floor(now / slotMs);
    if (slot <= this.#slot) return;
    const requests = (this.#requests ??= new Float64Array(slots));
    const retries = (this.#retries ??= new Float64Array(slots));
    requests[this.#slot % slots] = this.#current;
    this.#requestsSum += this.#current;
    this.#current = 0;
    for (let next = Math.max(this.#slot + 1, slot - slots + 1); next <= slot; next++) {
      const at = next % slots;
      this.#requestsSum -= requests[at] ?? 0;
      this.#retriesSum -= retries[at] ?? 0;
      requests[at] = 0;
      retries[at] = 0;
    }
    this.#slot = slot;
  }
}

const slots = 10;
const slotMs = 1_000;
/** In ten seconds, whatever the percentage: linkerd's usual ten a second. */
const retriesFree = 100;
