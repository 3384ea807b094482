/**
 * What one life of a simulated process may do: once it is over nothing that it asks for comes to pass, and nothing is
 * answered. It can end at a write, right before or right after that is on disk.
 */
import type { Clock } from "@propagit/runtime";

export class Life {
  #isOver = false;
  #fatal: { writesLeft: number; when: "before" | "after"; act: () => void } | undefined;

  get isOver(): boolean {
    return this.#isOver;
  }

  end(): void {
    this.#isOver = true;
  }

  /** @param act what else happens when it dies */
  endAtWrite(writesLeft: number, when: "before" | "after", act: () => void): void {
    this.#fatal = { writesLeft, when, act };
  }

  clock(clock: Clock): Clock {
    return {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      after: (delayMs, action) =>
        clock.after(delayMs, () => {
          if (!this.#isOver) action();
        }),
    };
  }

  /** All methods of a store, a journal …; those that are named write. */
  guard<T extends object>(target: T, writes: readonly (keyof T)[]): T {
    return new Proxy(target, {
      get: (_, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== "function") return value;
        const call = (...given: unknown[]) => Reflect.apply(value, target, given) as unknown;
        if (writes.includes(name as keyof T)) {
          return (...given: unknown[]) => this.#write(async () => call(...given));
        }
        return (...given: unknown[]) => {
          const result = call(...given);
          return result instanceof Promise ? this.#answer(result) : result;
        };
      },
    });
  }

  async #write<R>(work: () => Promise<R>): Promise<R> {
    if (this.#isOver) return never();
    const fatal = this.#fatal && --this.#fatal.writesLeft === 0 ? this.#fatal : undefined;
    if (fatal?.when === "before") this.#die(fatal.act);
    if (this.#isOver) return never();
    const result = await work();
    if (fatal) this.#die(fatal.act);
    return this.#isOver ? never() : result;
  }

  async #answer<R>(work: Promise<R>): Promise<R> {
    const result = await work;
    return this.#isOver ? never() : result;
  }

  #die(act: () => void): void {
    this.#isOver = true;
    act();
  }
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}
