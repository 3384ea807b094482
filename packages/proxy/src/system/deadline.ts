/** A limit on standing still: reached when nothing went on for so long. */
import type { Timer, World } from "@propagit/runtime";

export class Deadline {
  readonly #world: World;
  readonly #limitMs: number;
  readonly #reached: () => void;
  #progressAt = 0;
  #timer: Timer | undefined;

  constructor(world: World, limitMs: number, reached: () => void) {
    this.#world = world;
    this.#limitMs = limitMs;
    this.#reached = reached;
  }

  start(): void {
    this.progress();
    this.#timer?.cancel();
    this.#wait(this.#limitMs);
  }

  /** Something went on. Only notes the time: a timer moved at every piece of a body would cost too much. */
  progress(): void {
    this.#progressAt = this.#world.clock.monotonic();
  }

  cancel(): void {
    this.#timer?.cancel();
  }

  #wait(delayMs: number): void {
    this.#timer = this.#world.clock.after(delayMs, () => {
      const quietMs = this.#world.clock.monotonic() - this.#progressAt;
      // A timer may fire a fraction of a millisecond early.
      if (quietMs + 1 >= this.#limitMs) this.#reached();
      else this.#wait(this.#limitMs - quietMs);
    });
  }
}
