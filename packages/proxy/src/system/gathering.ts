/** Things that are going on, and waiting until none is. */
import type { Clock } from "@propagit/runtime";

export class Gathering<T> {
  readonly #clock: Clock;
  readonly #members = new Set<T>();
  #emptied: () => void = () => undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(member: T): void {
    this.#members.add(member);
  }

  delete(member: T): void {
    this.#members.delete(member);
    if (this.#members.size === 0) this.#emptied();
  }

  /** Resolves when nothing goes on any more, or after `limitMs`. */
  empty(limitMs: number): Promise<void> {
    if (this.#members.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#clock.after(limitMs, resolve);
      this.#emptied = () => {
        timer.cancel();
        resolve();
      };
    });
  }
}
