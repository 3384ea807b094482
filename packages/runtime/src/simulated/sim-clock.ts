/** Virtual time: nothing happens until the test lets time pass, then everything in order of its time. */
import type { Clock, Timer } from "../clock.js";

interface Pending {
  readonly at: number;
  readonly order: number;
  action: (() => void) | undefined;
}

export interface SimClockOptions {
  /**
   * Resolves once every promise that can settle has done so; called between any two moments. Default: a turn of
   * the event loop, in which real I/O goes on too. Where there is none, `process.nextTick` does the same for a
   * tenth of the processor time.
   */
  readonly settle?: () => Promise<void>;
}

export class SimClock implements Clock {
  readonly #settle: () => Promise<void>;
  #now: number;
  /** Added to `now` only: what somebody did to the machine's clock. */
  #jumpMs = 0;
  #order = 0;
  /** A heap, the next one first: whole clusters have a million timers. A cancelled one stays until its time. */
  readonly #pending: Pending[] = [];

  constructor(startMs = 1_700_000_000_000, { settle = turn }: SimClockOptions = {}) {
    this.#now = startMs;
    this.#settle = settle;
  }

  now(): number {
    return this.#now + this.#jumpMs;
  }

  monotonic(): number {
    return this.#now;
  }

  after(delayMs: number, action: () => void): Timer {
    const at = this.#now + Math.max(0, delayMs);
    const pending: Pending = { at, order: this.#order++, action };
    push(this.#pending, pending);
    return {
      cancel: () => {
        pending.action = undefined;
      },
    };
  }

  /** Sets the machine's clock forward or back, as an operator or a time server does. */
  jump(ms: number): void {
    this.#jumpMs += ms;
  }

  /** Lets `ms` pass; promises settle between the moments. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await this.#settle();
    while (this.#runNext(end)) await this.#settle();
    this.#now = end;
  }

  /**
   * Lets time pass until a condition holds.
   *
   * @throws when it does not hold within `limitMs` of virtual time
   */
  async until(what: string, condition: () => boolean, limitMs = 120_000): Promise<void> {
    const end = this.#now + limitMs;
    await this.#settle();
    while (!condition()) {
      if (!this.#runNext(end))
        throw new Error(`${what} did not come true within ${limitMs / 1000} virtual s`);
      await this.#settle();
    }
  }

  /** Whether there was something to do until then. */
  #runNext(end: number): boolean {
    for (let first = this.#pending[0]; first && first.at <= end; first = this.#pending[0]) {
      pop(this.#pending);
      const { action } = first;
      if (!action) continue;
      first.action = undefined;
      this.#now = first.at;
      action();
      return true;
    }
    return false;
  }
}

function isBefore(left: Pending, right: Pending): boolean {
  return left.at < right.at || (left.at === right.at && left.order < right.order);
}

/** Adds to a heap: it goes up while it is before what stands above it. */
function push(heap: Pending[], added: Pending): void {
  let place = heap.length;
  heap.push(added);
  while (place > 0) {
    const above = (place - 1) >> 1;
    const other = heap[above];
    if (!other || !isBefore(added, other)) break;
    heap[place] = other;
    place = above;
  }
  heap[place] = added;
}

/** Takes the first away: the last comes into its place and goes down while something below is before it. */
function pop(heap: Pending[]): void {
  const last = heap.pop();
  if (!last || heap.length === 0) return;
  let place = 0;
  for (;;) {
    let below = place * 2 + 1;
    const [left, right] = [heap[below], heap[below + 1]];
    if (!left) break;
    let lower = left;
    if (right && isBefore(right, left)) {
      below++;
      lower = right;
    }
    if (!isBefore(lower, last)) break;
    heap[place] = lower;
    place = below;
  }
  heap[place] = last;
}

/** A turn of the event loop comes after all promises that can settle. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
