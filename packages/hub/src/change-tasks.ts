/**
 * Carries out tasks that are a change of the cluster in one step, by whoever does it (`step-doers.ts`), and lets who
 * waits for a run see and hear of it what he would of the desk.
 *
 *     engine --run--> ChangeTasks --> StepDoer --> desk
 *                          '--parts, answer, error--> onlooker of that run
 *
 * That a desk has written its change is a row of the ledger, by the key of the task: the next life of the hub tells the
 * desk so, which then only looks on. What somebody changed after it was written stays.
 */
import { PropagitError } from "@propagit/protocol";
import type { Executor, TaskCall, TaskDraft, TaskEnd, TaskOrder } from "@propagit/plan";
import type { Clock } from "@propagit/runtime";
import { markStep, type StepMark } from "./core/step-edits.js";
import type { Ledger } from "./ledger.js";
import type { Secrets, StepCall, StepDoer, StepDone } from "./step-doers.js";

/** Who waits for a run. */
export interface Onlooker {
  /** What the plan does not hold and its task needs. */
  readonly secrets?: Secrets;
  part(part: unknown): void;
  answered(answer: unknown): void;
  /** As it was thrown, with its own code. */
  failed(thrown: unknown): void;
}

export interface ChangeTasksParts {
  readonly doers: readonly StepDoer[];
  readonly clock: Clock;
  readonly ledger: Pick<Ledger, "rows">;
  readonly authorOf: (run: string) => string | undefined;
}

export class ChangeTasks implements Executor {
  readonly #doers: ReadonlyMap<string, StepDoer>;
  readonly #parts: Omit<ChangeTasksParts, "doers">;
  readonly #onlookers = new Map<string, Onlooker>();
  /** Keys of tasks that a former life of the hub began. */
  readonly #again = new Set<string>();

  constructor({ doers, ...parts }: ChangeTasksParts) {
    this.#doers = new Map(doers.map((doer) => [doer.command, doer]));
    this.#parts = parts;
  }

  /** Before it is begun, so that nothing of it is missed. */
  lookOn(run: string, onlooker: Onlooker): { stop(): void } {
    this.#onlookers.set(run, onlooker);
    return { stop: () => void this.#onlookers.delete(run) };
  }

  /** A step that is no part of any plan: everything is so already. @throws as the change itself */
  async now({ command, ...args }: TaskDraft, call: Omit<StepCall, "isAgain">): Promise<unknown> {
    const { answer } = await this.#doerOf(command).do(args, { ...call, isAgain: false });
    return answer;
  }

  /** @throws as the change itself */
  async run(order: TaskOrder, call: TaskCall): Promise<TaskEnd> {
    const onlooker = this.#onlookers.get(order.run);
    try {
      const { answer, failure } = await this.#do(order, call, onlooker);
      onlooker?.answered(answer);
      return failure === undefined ? { outcome: "done" } : { outcome: "failed", reason: failure };
    } catch (thrown) {
      onlooker?.failed(thrown);
      throw thrown;
    }
  }

  /** It can be taken up again, and has to be: nobody saw its end. */
  recall({ key }: TaskOrder): Promise<"unknown"> {
    this.#again.add(key);
    return Promise.resolve("unknown");
  }

  #do(
    order: TaskOrder,
    { signal, onOutput }: TaskCall,
    onlooker: Onlooker | undefined,
  ): Promise<StepDone> {
    const { run, task, key } = order;
    const doer = this.#doerOf(task.command);
    const part = (told: unknown) => {
      onOutput(doer.lineOf(told));
      onlooker?.part(told);
    };
    const by = this.#parts.authorOf(run) ?? "somebody";
    const isAgain = this.#again.delete(key);
    const secrets = onlooker?.secrets;
    const call = { by, signal, part, isAgain, ...this.#markOf(order) };
    return doer.do(task.args, { ...call, ...(secrets && { secrets }) });
  }

  #markOf({ run, key }: TaskOrder): StepMark {
    const { clock, ledger } = this.#parts;
    return {
      written: ledger.rows("steps").get(key),
      mark: (draft, choice) => markStep(draft, { run, key, now: clock.now(), ...choice }),
    };
  }

  #doerOf(command: string): StepDoer {
    const doer = this.#doers.get(command);
    if (doer) return doer;
    throw new PropagitError("INTERNAL", `${command} is no change in one step`);
  }
}
