/**
 * Changes in one step that somebody asks for directly: each is a plan of the same planner as its dry run, carried out
 * by the engine like any, while who asked looks on. He sees and hears what the desk that does it says.
 *
 *     hub.promote --> StepPlanner: refused | all is so already --> its desk at once, and no plan
 *                                  | a plan
 *                     PlanEngine <-'  --> ChangeTasks --> desk
 *                                            '--parts, answer, error--> who asked
 *
 * They take no locks: who sends visitors back must not wait for a release under way, nor behind a promote that waits
 * for a proxy; and who ends a drain must not wait for it. What may not happen at the same time is the ledger's to order.
 * A plan goes on when who asked is gone, and in the next life of the hub.
 */
import { PropagitError, type Part, type Result } from "@propagit/protocol";
import { freshRunId, readPlan, type RunSummary } from "@propagit/plan";
import { aborted, deferred, type Random } from "@propagit/runtime";
import type { ChangeTasks, Onlooker } from "./change-tasks.js";
import type { ChangeOf, PlannedStep } from "./core/planners/one-step.js";
import { hubCommands } from "./plan-commands/hub-commands.js";
import type { PlanDesk } from "./plan-desk.js";
import type { Secrets, StepCall, StepMethods } from "./step-doers.js";
import type { StepPlanner } from "./step-planner.js";

export interface DirectChangesParts {
  readonly random: Random;
  readonly planner: Pick<StepPlanner, "planned">;
  readonly tasks: Pick<ChangeTasks, "lookOn" | "now">;
  readonly plans: Pick<PlanDesk, "carryOut">;
}

type StepKind = keyof StepMethods;

export interface ChangeAsker<P> {
  readonly by: string | undefined;
  /** What no plan may hold: they go to the desk past the plan, and are gone with this life of the hub. */
  readonly secrets?: Secrets;
  readonly part?: (part: P) => void;
  readonly signal: AbortSignal;
}

const maker = "the planner";

export class DirectChanges {
  readonly #parts: DirectChangesParts;

  constructor(parts: DirectChangesParts) {
    this.#parts = parts;
  }

  /**
   * Resolves with what the method that asks for it answers, once its plan is over.
   *
   * @throws what the change itself throws; OVERLOADED; TASK_FAILED when its plan was ended before it did anything;
   *   LINK_LOST when nobody waits any more
   */
  async carryOut<K extends StepKind>(
    change: ChangeOf<K>,
    { by = "somebody", part, signal, secrets }: ChangeAsker<Part<StepMethods[K]>>,
  ): Promise<Result<StepMethods[K]>> {
    const planned = await this.#parts.planner.planned(change);
    const onPart = (told: unknown) => {
      if (!signal.aborted) part?.(told as Part<StepMethods[K]>);
    };
    const call = { by, signal, part: onPart, ...(secrets && { secrets }) };
    const answer =
      planned.plan.stages.length === 0
        ? await this.#parts.tasks.now(planned.step, call)
        : await this.#lookOn(planned, call);
    return answer as Result<StepMethods[K]>;
  }

  async #lookOn(
    { plan }: PlannedStep,
    { by, signal, ...told }: Omit<StepCall, "isAgain">,
  ): Promise<unknown> {
    const { random, tasks, plans } = this.#parts;
    const id = freshRunId(random);
    const answer = deferred<unknown>();
    const onlooker: Onlooker = { ...told, answered: answer.resolve, failed: answer.reject };
    const looking = tasks.lookOn(id, onlooker);
    try {
      const read = readPlan({ maker, value: plan }, hubCommands);
      const over = plans.carryOut(read, { by, id });
      const ended = await Promise.race([over, aborted(signal)]);
      if (signal.aborted) throw new PropagitError("LINK_LOST", `plan ${id} is no longer followed`);
      // Of no use when there was an answer, or an error.
      if (ended) answer.reject(endedBefore(ended));
      return await answer.promise;
    } finally {
      looking.stop();
    }
  }
}

function endedBefore({ run, name, outcome, reason }: RunSummary): PropagitError {
  const why = reason === undefined ? "" : `: ${reason}`;
  return new PropagitError(
    "TASK_FAILED",
    `plan ${run}, ${name}, ended ${outcome ?? "unreadable"}${why}`,
    {
      hint: `see where it stands: propagit plans status ${run}`,
    },
  );
}
