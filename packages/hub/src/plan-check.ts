/**
 * `hub.plan-check`: whether a plan would be begun, and what it would do. It is looked at as `hub.plan-start` looks at it,
 * in the same order, and nothing that it is given can write.
 *
 *     plan-start --read--> --PlanBegin--> --OwnTasks.accept--> PlanEngine.start
 *     plan-check --read--> --would be?--> --OwnTasks.check---> PlanEngine.checkRoom --> what is told of it
 */
import {
  PropagitError,
  toPropagitError,
  type Params,
  type PlannedChange,
  type Result,
} from "@propagit/protocol";
import { planHash, type Plan, type PlanEngine } from "@propagit/plan";
import type { OwnTasks } from "./own-tasks.js";
import { changeToBegin, refuseJoined, refuseMoved, releaseToBegin } from "./plan-begin.js";
import { readPlanWithCode } from "./plan-code.js";
import { isRelease, nothingTold, type PlanMaker } from "./plan-maker.js";
import { problemsHere, type PlanProblemsParts } from "./plan-problems.js";
import { refuseMissingSettings } from "./plan-secrets.js";
import type { Rollouts } from "./rollouts.js";
import type { Repositories } from "./world.js";

export interface PlanCheckParts extends PlanProblemsParts {
  readonly world: { readonly repositories: Pick<Repositories, "resolve" | "read"> };
  readonly maker: Pick<PlanMaker, "asked" | "releaseNow" | "told">;
  readonly rollouts: Pick<Rollouts, "check">;
  readonly own: Pick<OwnTasks, "check">;
  /** @throws UNREACHABLE while they are read */
  readonly runs: () => Pick<PlanEngine, "checkRoom">;
}

export class PlanCheck {
  readonly #parts: PlanCheckParts;

  constructor(parts: PlanCheckParts) {
    this.#parts = parts;
  }

  /** @throws what `hub.plan-start` would throw */
  async check(params: Params<"hub.plan-check">): Promise<Result<"hub.plan-check">> {
    const plan = await this.read(params);
    const change = changeToBegin(plan, params.file);
    await this.#refuse(plan, change, params.file);
    return { hash: planHash(plan), told: await this.#told(change) };
  }

  /**
   * A plan that somebody gave.
   *
   * @param params with the hash of the one that was looked at
   * @throws BAD_PLAN with all that cannot be carried out from here; CHANGED_MEANWHILE when it is another one
   */
  async read({ plan: text, file, hash }: Params<"hub.plan-check">): Promise<Plan> {
    const { means, world, ledger } = this.#parts;
    const plan = await readPlanWithCode({ file, text }, means.commands, world.repositories);
    if (hash !== undefined && hash !== planHash(plan)) {
      throw new PropagitError("CHANGED_MEANWHILE", `${file} is another plan than was looked at`, {
        hint: "look at it again: propagit plan FILE",
      });
    }
    refuseMissingSettings(ledger, plan);
    const problems = await problemsHere(plan, this.#parts);
    if (problems.length === 0) return plan;
    throw new PropagitError(
      "BAD_PLAN",
      problems.map((problem) => `${file}: ${problem}`).join("\n"),
    );
  }

  async #refuse(plan: Plan, change: PlannedChange | undefined, file: string): Promise<void> {
    const { ledger, maker, rollouts, own, runs } = this.#parts;
    if (change && isRelease(change)) {
      const given = { plan, change, file, by: "somebody" };
      const joined = await rollouts.check(await releaseToBegin({ ledger, maker }, given));
      if (joined !== undefined) refuseJoined(plan, joined);
      return;
    }
    refuseMoved(ledger, plan);
    await own.check(plan);
    runs().checkRoom();
  }

  /** A plan is begun also when what it was made of could not be planned any more; then it is going to say so itself. */
  async #told(change: PlannedChange | undefined): Promise<Result<"hub.plan-check">["told"]> {
    if (!change) return nothingTold;
    return this.#parts.maker.told(change).catch((thrown: unknown) => {
      const { message } = toPropagitError(thrown);
      return { ...nothingTold, warnings: [message.slice(0, 2_000)] };
    });
  }
}
