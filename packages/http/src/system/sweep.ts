/**
 * Time for everything that waits: one coarse tick for all, instead of a timer for each request. Who has a
 * deadline keeps it as a number and compares; being late by a tick is part of the bargain.
 */

/** Deadlines are met within this. */
const tickMs = 200;

export interface Ticking {
  tick(nowMs: number): void;
}

export class Sweep {
  readonly #members = new Set<Ticking>();
  #timer: NodeJS.Timeout | undefined;
  #nowMs = performance.now();

  /** Of the last tick: good enough for a deadline. */
  get nowMs(): number {
    return this.#nowMs;
  }

  add(member: Ticking): void {
    this.#members.add(member);
    if (this.#timer) return;
    this.#nowMs = performance.now();
    this.#timer = setInterval(() => this.#tick(), tickMs).unref();
  }

  delete(member: Ticking): void {
    this.#members.delete(member);
    if (this.#members.size === 0) this.stop();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tick(): void {
    this.#nowMs = performance.now();
    for (const member of this.#members) member.tick(this.#nowMs);
  }
}
