/** What others can cause as often as they like, and is still to be known: told at most once a minute. */
import type { Clock, Log } from "@propagit/runtime";

/** A guess: often enough to see an attack as it goes on, rarely enough to keep the rest readable. */
const intervalMs = 60_000;

export class SparseLog {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #log: Log;
  readonly #toleratedMax: number;
  #minute = { since: -Infinity, seen: 0 };
  #toldAt = -Infinity;
  #untold = 0;

  /** @param toleratedMax so many within a minute are nothing to be told; default 0 */
  constructor(clock: Pick<Clock, "monotonic">, log: Log, toleratedMax = 0) {
    this.#clock = clock;
    this.#log = log;
    this.#toleratedMax = toleratedMax;
  }

  warn(message: string): void {
    const now = this.#clock.monotonic();
    if (now - this.#minute.since >= intervalMs) this.#minute = { since: now, seen: 0 };
    if (++this.#minute.seen <= this.#toleratedMax) return;
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
