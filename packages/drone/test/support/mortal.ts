/** A program in the simulation that can be killed: then nothing reaches it any more, and it reaches nothing. */
import type { World } from "@propagit/runtime";

export class Life {
  isOver = false;

  /** As kill -9 does. */
  end(): void {
    this.isOver = true;
  }

  /** What is called on the outside while it lives; whatever comes back after its end never arrives. */
  guard<T extends object>(outside: T): T {
    return new Proxy(outside, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== "function") return value;
        return (...args: unknown[]) =>
          this.#call(() => Reflect.apply(value, target, args) as unknown);
      },
    });
  }

  world<W extends World>({
    clock,
    network,
    disk,
    ...rest
  }: W): Omit<W, "clock" | "network" | "disk"> & World {
    return {
      ...rest,
      disk: this.guard(disk),
      network: this.guard(network),
      clock: {
        now: () => clock.now(),
        monotonic: () => clock.monotonic(),
        after: (delayMs, action) =>
          clock.after(delayMs, () => {
            if (!this.isOver) action();
          }),
      },
    };
  }

  #call(action: () => unknown): unknown {
    if (this.isOver) return new Promise(() => undefined);
    const result = action();
    return result instanceof Promise ? this.#delivered(result) : result;
  }

  async #delivered<T>(result: Promise<T>): Promise<T> {
    try {
      return await result;
    } finally {
      // Of those that are dead nobody hears again.
      if (this.isOver) await new Promise(() => undefined);
    }
  }
}
