/**
 * Machines in memory that carry tasks out on the virtual clock: they outlive the engines that give them tasks,
 * know an order again by its key, and remember all that they did, so that a test can say whether it was right.
 */
import type { Clock } from "@propagit/runtime";
import type { Task } from "../plan.js";
import type { Executor, TaskCall, TaskEnd, TaskOrder } from "../world.js";

/** How a machine takes one attempt. */
export interface SimTask {
  readonly ms: number;
  readonly end: TaskEnd;
  /** It goes on when it is told to end. */
  readonly isDeaf?: boolean;
  /** When the engine dies meanwhile the machine forgets that it ever had it. */
  readonly isForgotten?: boolean;
}

/** Something that a machine did, in order. */
export interface SimDeed {
  readonly at: number;
  readonly kind: "begun" | "ended";
  readonly order: TaskOrder;
}

interface Work {
  readonly plan: SimTask;
  readonly promise: Promise<TaskEnd>;
  readonly settle: (end: TaskEnd) => void;
  end?: TaskEnd;
}

export class SimExecutor implements Executor {
  readonly deeds: SimDeed[] = [];
  readonly #clock: Clock;
  readonly #taskOf: (task: Task, attempt: number) => SimTask;
  readonly #works = new Map<string, Work>();
  readonly #forgotten = new Set<string>();

  constructor(clock: Clock, taskOf: (task: Task, attempt: number) => SimTask) {
    this.#clock = clock;
    this.#taskOf = taskOf;
  }

  async run(order: TaskOrder, { signal }: TaskCall): Promise<TaskEnd> {
    const work = this.#works.get(order.key) ?? this.#begin(order);
    const onAbort = () => {
      if (!work.plan.isDeaf) this.#end(order, work, { outcome: "failed", reason: "it was ended" });
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    return work.promise;
  }

  async recall(order: TaskOrder): Promise<TaskEnd | "begun" | "not-begun" | "unknown"> {
    const work = this.#works.get(order.key);
    if (!work) return this.#forgotten.has(order.key) ? "unknown" : "not-begun";
    if (work.plan.isForgotten) {
      this.#works.delete(order.key);
      this.#forgotten.add(order.key);
      this.#end(order, work, { outcome: "failed", reason: "its machine forgot it" });
      return "unknown";
    }
    return work.end ?? "begun";
  }

  #begin(order: TaskOrder): Work {
    const plan = this.#taskOf(order.task, order.attempt);
    let settle: (end: TaskEnd) => void = () => undefined;
    const promise = new Promise<TaskEnd>((resolve) => {
      settle = resolve;
    });
    const work: Work = { plan, promise, settle };
    this.#works.set(order.key, work);
    this.deeds.push({ at: this.#clock.now(), kind: "begun", order });
    this.#clock.after(plan.ms, () => this.#end(order, work, plan.end));
    return work;
  }

  #end(order: TaskOrder, work: Work, end: TaskEnd): void {
    if (work.end) return;
    work.end = end;
    this.deeds.push({ at: this.#clock.now(), kind: "ended", order });
    work.settle(end);
  }
}
