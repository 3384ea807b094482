/**
 * Work that looks at every drone, asked for by each of them: done at once when it was idle, then with a rest.
 *
 *     asked:   x x  x    x xx x                x
 *     done:    x         x         x           x        (each of them sees all that was asked for before)
 *              |  rest   |  rest   |  rest
 *
 * Without it a thousand drones that report one after the other cost a thousand looks at a thousand drones.
 */
import type { Clock, Timer } from "@propagit/runtime";

export class Paced {
  readonly #clock: Clock;
  readonly #restMs: () => number;
  readonly #work: () => void;
  #timer: Timer | undefined;
  #restsUntil = 0;

  /** @param restMs after each time that it was done; asked then */
  constructor(clock: Clock, restMs: () => number, work: () => void) {
    this.#clock = clock;
    this.#restMs = restMs;
    this.#work = work;
  }

  /** Some time soon, never at once: whoever asks is done first. */
  ask(): void {
    const inMs = Math.max(0, this.#restsUntil - this.#clock.now());
    this.#timer ??= this.#clock.after(inMs, () => {
      this.#timer = undefined;
      this.#restsUntil = this.#clock.now() + Math.floor(this.#restMs());
      this.#work();
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }
}
