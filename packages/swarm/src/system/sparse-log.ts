/** What strangers can cause as often as they like, and is still to be known: told at most once a minute. */
import type { Clock, Log } from "@propagit/runtime";

/** A guess: often enough to see an attack as it goes on, rarely enough to keep the rest readable. */
const intervalMs = 60_000;

export class SparseLog {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #log: Log;
  #toldAt = -Infinity;
  #untold = 0;

  constructor(clock: Pick<Clock, "monotonic">, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  warn(message: string): void {
    const now = this.#clock.monotonic();
    if (now - this.#toldAt < intervalMs) {
      this.#untold++;
      return;
    }
    const more = this.#untold === 0 ? "" : ` (and ${this.#untold} more like it before)`;
    this.#toldAt = now;
    this.#untold = 0;
    this.#log.warn(`${message}${more}`);
  }
}
