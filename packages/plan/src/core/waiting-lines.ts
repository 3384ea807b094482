/** Lines of a stage that wait for a time, in the order in which it comes. */
import { Heap } from "./heap.js";

interface Waiting {
  readonly line: number;
  readonly nextAt: number;
}

export class WaitingLines {
  /** Those that went on, or ended, in another way go when they come first. */
  readonly #heap = new Heap<Waiting>((left, right) =>
    left.nextAt === right.nextAt ? left.line < right.line : left.nextAt < right.nextAt,
  );
  readonly #isWaiting: (line: number, nextAt: number) => boolean;

  /** @param isWaiting whether the line still waits for that very time */
  constructor(isWaiting: (line: number, nextAt: number) => boolean) {
    this.#isWaiting = isWaiting;
  }

  add(line: number, nextAt: number): void {
    this.#heap.add({ line, nextAt });
  }

  /** When the next of them goes on. */
  get nextAt(): number | undefined {
    return this.#first?.nextAt;
  }

  /** The next line whose time has come; it waits no longer. */
  take(now: number): number | undefined {
    const first = this.#first;
    if (!first || first.nextAt > now) return undefined;
    this.#heap.take();
    return first.line;
  }

  get #first(): Waiting | undefined {
    for (;;) {
      const { first } = this.#heap;
      if (!first || this.#isWaiting(first.line, first.nextAt)) return first;
      this.#heap.take();
    }
  }
}
