/** Virtual time: nothing happens until the test lets time pass, then everything in order of its time. */
import type { Clock, Timer } from "../clock.js";

interface Pending {
  readonly at: number;
  readonly order: number;
  readonly action: () => void;
}

export class SimClock implements Clock {
  #now: number;
  /** Added to `now` only: what somebody did to the machine's clock. */
  #jumpMs = 0;
  #order = 0;
  readonly #pending = new Set<Pending>();

  constructor(startMs = 1_700_000_000_000) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now + this.#jumpMs;
  }

  monotonic(): number {
    return this.#now;
  }

  after(delayMs: number, action: () => void): Timer {
    const pending = { at: this.#now + Math.max(0, delayMs), order: this.#order++, action };
    this.#pending.add(pending);
    return { cancel: () => this.#pending.delete(pending) };
  }

  /** Sets the machine's clock forward or back, as an operator or a time server does. */
  jump(ms: number): void {
    this.#jumpMs += ms;
  }

  /** Lets `ms` pass; promises settle between the moments. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (let next = this.#next(end); next; next = this.#next(end)) {
      this.#pending.delete(next);
      this.#now = next.at;
      next.action();
      await settle();
    }
    this.#now = end;
  }

  /**
   * Lets time pass until a condition holds.
   *
   * @throws when it does not hold within `limitMs` of virtual time
   */
  async until(what: string, condition: () => boolean, limitMs = 120_000): Promise<void> {
    const end = this.#now + limitMs;
    await settle();
    while (!condition()) {
      const next = this.#next(end);
      if (!next) throw new Error(`${what} did not come true within ${limitMs / 1000} virtual s`);
      this.#pending.delete(next);
      this.#now = next.at;
      next.action();
      await settle();
    }
  }

  #next(end: number): Pending | undefined {
    let first: Pending | undefined;
    for (const pending of this.#pending) {
      if (pending.at > end) continue;
      if (
        !first ||
        pending.at < first.at ||
        (pending.at === first.at && pending.order < first.order)
      )
        first = pending;
    }
    return first;
  }
}

/** Lets every promise that can settle do so: a turn of the event loop comes after all of them. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
