/**
 * The world as one life of an engine sees it: once it is dead, nothing that it asked for comes to pass, nothing
 * is answered, and what it waits for never comes. The journal and the machines live on.
 */
import type { Clock } from "@propagit/runtime";
import type { Journal, PlanWorld } from "../world.js";

export interface MortalOptions {
  /** Writes of this life after which it dies: before they are on disk, or after. */
  readonly writes?: number;
  readonly dies?: "before" | "after";
}

export class MortalWorld {
  readonly world: PlanWorld;
  #isDead = false;
  #writes = 0;
  readonly #options: MortalOptions;

  constructor(world: PlanWorld, options: MortalOptions = {}) {
    this.#options = options;
    this.world = {
      ...world,
      clock: this.#mortalClock(world.clock),
      journal: this.#mortalJournal(world.journal),
      executor: {
        run: (order, call) => this.#alive(() => world.executor.run(order, call)),
        recall: (order) => this.#alive(() => world.executor.recall(order)),
        outlives: (task) => world.executor.outlives?.(task) ?? false,
      },
      prober: { look: (gate, signal) => this.#alive(() => world.prober.look(gate, signal)) },
    };
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  die(): void {
    this.#isDead = true;
  }

  #mortalClock(clock: Clock): Clock {
    return {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      after: (delayMs, action) => {
        return clock.after(delayMs, () => {
          if (!this.#isDead) action();
        });
      },
    };
  }

  #mortalJournal(journal: Journal): Journal {
    return {
      create: (run, plan) => this.#write(() => journal.create(run, plan)),
      append: (run, events) => this.#write(() => journal.append(run, events)),
      conclude: (run, summary) => this.#write(() => journal.conclude(run, summary)),
      remove: (run) => this.#write(() => journal.remove(run)),
      read: (run) => this.#alive(() => journal.read(run)),
      list: () => this.#alive(() => journal.list()),
      take: (run) => this.#alive(() => journal.take(run)),
      release: (run) => this.#alive(() => journal.release(run)),
      close: () => this.#alive(() => journal.close()),
    };
  }

  async #write<T>(work: () => Promise<T>): Promise<T> {
    const { writes = Infinity, dies = "after" } = this.#options;
    if (this.#isDead) return never();
    this.#writes += 1;
    const isLast = this.#writes >= writes;
    if (isLast && dies === "before") this.#isDead = true;
    if (this.#isDead) return never();
    if (isLast) this.#isDead = true;
    const result = await work();
    return this.#isDead ? never() : result;
  }

  async #alive<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isDead) return never();
    const result = await work();
    return this.#isDead ? never() : result;
  }
}

function never<T>(): Promise<T> {
  return new Promise(() => undefined);
}
