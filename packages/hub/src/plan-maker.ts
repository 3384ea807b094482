/**
 * `hub.plan-make`: what a change would do, as a plan. What it is about is found out as for the change itself; then a
 * planner, which cannot write, makes the plan (`core/planners/`).
 */
import {
  PropagitError,
  type Params,
  type PlannedChange,
  type Result,
  type ToldOfPlan,
} from "@propagit/protocol";
import { planHash, readPlan } from "@propagit/plan";
import type { Handlers, IncomingCall } from "@propagit/runtime";
import type { Planned } from "./core/planners/planned.js";
import { planRelease } from "./core/planners/release.js";
import { sendText } from "./core/text-pieces.js";
import { hubCommands } from "./plan-commands/hub-commands.js";
import { plannerView, type PlannerSightParts } from "./planner-sight.js";
import type { AskedRelease, ReleaseDesk } from "./release-desk.js";
import type { ScaleDesk } from "./scale-desk.js";
import { deploymentIdFor } from "./specifications.js";
import type { HubWorld } from "./world.js";

export interface PlanMakerParts extends PlannerSightParts {
  readonly world: HubWorld;
  readonly releases: Pick<ReleaseDesk, "deployAsked" | "rollbackAsked">;
  readonly scales: Pick<ScaleDesk, "scaleAsked">;
}

/** More that are skipped are counted. */
const skippedMax = 100;
const maker = "the planner";

export class PlanMaker {
  readonly #parts: PlanMakerParts;

  constructor(parts: PlanMakerParts) {
    this.#parts = parts;
  }

  readonly handlers: Handlers = {
    "hub.plan-make": (params, call) => this.#make(params, call),
  };

  /** @throws what the change itself would throw */
  async planned(change: PlannedChange): Promise<Planned> {
    switch (change.kind) {
      case "deploy":
      case "rollback":
      case "scale":
        return this.#release(await this.asked(change), change);
      default:
        throw new PropagitError("INTERNAL", `nothing plans ${change.kind} yet`);
    }
  }

  /** The release that such a change makes. */
  async asked(
    change: Extract<PlannedChange, { kind: "deploy" | "rollback" | "scale" }>,
  ): Promise<AskedRelease> {
    const { releases, scales } = this.#parts;
    switch (change.kind) {
      case "deploy": {
        const { kind: _, ...params } = change;
        return releases.deployAsked(params);
      }
      case "rollback": {
        const { kind: _, ...params } = change;
        return releases.rollbackAsked(params);
      }
      case "scale": {
        const { kind: _, ...params } = change;
        return { request: await scales.scaleAsked(params), notes: [] };
      }
      default:
        return change satisfies never;
    }
  }

  async #release({ request, notes }: AskedRelease, change: PlannedChange): Promise<Planned> {
    const { world } = this.#parts;
    const { repo, commit } = request;
    const bytes = await world.repositories.sizeOf(repo, commit);
    const deployment = deploymentIdFor(world, request);
    const view = plannerView(this.#parts, world.clock.now());
    return planRelease(view, { ...request, deployment, bytes, notes }, change);
  }

  async #make(
    { change }: Params<"hub.plan-make">,
    { part }: IncomingCall<"hub.plan-make">,
  ): Promise<Result<"hub.plan-make">> {
    const planned = await this.planned(change);
    const hash = planHash(readPlan({ maker, value: planned.plan }, hubCommands));
    const text = sendText(JSON.stringify(planned.plan), part);
    return { hash, text, told: toldOf(planned) };
  }
}

function toldOf({ skipped, travel, durations, warnings }: Planned): ToldOfPlan {
  return {
    skipped: skipped.slice(0, skippedMax).map((one) => ({ ...one })),
    skippedCount: skipped.length,
    ...(travel && { travel }),
    durations: [...durations].map(([command, ms]) => ({ command, ms })),
    warnings: warnings.slice(0, skippedMax).map((one) => one.slice(0, 2_000)),
  };
}
