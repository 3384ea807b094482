/**
 * `hub.plan-make`: what a change would do, as a plan. What it is about is found out as for the change itself; then a
 * planner, which cannot write, makes the plan (`core/planners/`).
 */
import {
  assert,
  changeSchema,
  check,
  parseRepoName,
  PropagitError,
  quote,
  type Params,
  type PlannedChange,
  type Result,
  type ToldOfPlan,
} from "@propagit/protocol";
import { planHash, readPlan, type Plan } from "@propagit/plan";
import type { Handlers, IncomingCall } from "@propagit/runtime";
import type { Draft, LedgerRows } from "./core/draft.js";
import { movedParts } from "./core/planners/basis.js";
import type { Planned } from "./core/planners/planned.js";
import { planDrain, planPromote, planReap, planStop } from "./core/planners/one-step.js";
import type { PlannerView } from "./core/planners/planner-view.js";
import { planRelease } from "./core/planners/release.js";
import { findRelease } from "./core/release-history.js";
import { sendText } from "./core/text-pieces.js";
import {
  deploymentsOf,
  notDeployed,
  readyDeployment,
  resolveDeployed,
  type Deployed,
} from "./deployed.js";
import { hubCommands } from "./plan-commands/hub-commands.js";
import { plannerView, type PlannerSightParts } from "./planner-sight.js";
import type { AskedRelease, ReleaseDesk, RolloutStarter } from "./release-desk.js";
import type { Ledger } from "./ledger.js";
import type { RetentionDesk } from "./retention-desk.js";
import type { ScaleDesk } from "./scale-desk.js";
import { deploymentIdFor } from "./specifications.js";
import type { HubWorld } from "./world.js";

export interface PlanMakerParts extends PlannerSightParts {
  readonly world: HubWorld;
  readonly ledger: Ledger;
  readonly releases: Pick<ReleaseDesk, "deployAsked" | "rollbackAsked">;
  readonly scales: Pick<ScaleDesk, "scaleAsked">;
  readonly retention: Pick<RetentionDesk, "isDiskFull">;
  readonly rollouts: RolloutStarter;
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
    if (isRelease(change)) return this.#release(await this.asked(change), change);
    switch (change.kind) {
      case "promote": {
        const target = await this.#found(change);
        const { row } = readyDeployment(this.#parts.ledger, target);
        return planPromote(this.#view, target, row, change);
      }
      case "stop": {
        const target = await this.#found(change);
        const rows = deploymentsOf(this.#parts.ledger.rows("deployments"), target);
        if (rows.length === 0) throw notDeployed(target);
        return planStop(this.#view, target, rows, change);
      }
      case "reap":
        if (change.repo !== undefined) parseRepoName(change.repo);
        return planReap(this.#view, this.#parts.retention.isDiskFull, change);
      case "drain":
      case "undrain":
        return planDrain(this.#view, change);
      default:
        return change satisfies never;
    }
  }

  /** The release that such a change makes. */
  async asked(change: ReleaseChange): Promise<AskedRelease> {
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

  /**
   * Begins a plan that was made of a change, when nothing that it was made from has moved.
   *
   * @returns the id of its run; undefined when it is none of a release, and may be begun like any other
   * @throws BAD_PLAN when it was made of no change, PLAN_MOVED, and what the change itself would throw
   */
  async begin(
    plan: Plan,
    { by, file }: { readonly by: string; readonly file: string },
  ): Promise<string | undefined> {
    const change = plan.request && changeOf(plan, file);
    if (change && isRelease(change)) return this.#beginRelease(plan, await this.asked(change), by);
    const { ledger } = this.#parts;
    await ledger.change(() => {
      refuseMoved(ledger, plan);
      return undefined;
    });
    return undefined;
  }

  get #view(): PlannerView {
    return plannerView(this.#parts, this.#parts.world.clock.now());
  }

  /** With the ref as a plan says it, which means the same for ever. */
  async #found(
    change: Extract<PlannedChange, { kind: "promote" | "stop" }>,
  ): Promise<Deployed & { readonly ref: string }> {
    const { world, ledger } = this.#parts;
    const { repo, environment, ref } = change;
    const target = await resolveDeployed(world, ledger, { repo, environment, ref });
    return { ...target, ref: target.deployment === undefined ? target.commit : ref };
  }

  async #beginRelease(plan: Plan, { request }: AskedRelease, by: string): Promise<string> {
    const { ledger, rollouts } = this.#parts;
    const alongside = (draft: Draft) => {
      // Of the rows before this change, which puts what it wants beside them.
      refuseMoved(ledger, plan);
      request.alongside?.(draft);
    };
    const begun = { ...request, by, alongside, planOf: () => plan };
    const asker = { onPart: () => undefined, signal: new AbortController().signal, detach: true };
    const { repo, environment, release } = await rollouts.start(begun, asker);
    const row = findRelease(ledger, { repo, environment, number: release });
    assert(row.run !== undefined, "a release that was accepted has its run");
    return row.run;
  }

  async #release({ request, notes, waves }: AskedRelease, change: PlannedChange): Promise<Planned> {
    const { world } = this.#parts;
    const { repo, commit } = request;
    const bytes = await world.repositories.sizeOf(repo, commit);
    const deployment = deploymentIdFor(world, request);
    const wanted = { ...request, deployment, bytes, notes, ...(waves && { waves }) };
    return planRelease(this.#view, wanted, change);
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

type ReleaseChange = Extract<PlannedChange, { kind: "deploy" | "rollback" | "scale" }>;

function isRelease(change: PlannedChange): change is ReleaseChange {
  return change.kind === "deploy" || change.kind === "rollback" || change.kind === "scale";
}

/** @throws BAD_PLAN */
function changeOf({ request }: Plan, file: string): PlannedChange {
  const checked = check(changeSchema, request);
  if (checked.ok) return checked.value;
  throw new PropagitError("BAD_PLAN", `${file}: its \`request\` is no change: ${checked.reason}`, {
    hint: "make it anew: propagit plan deploy REPO COMMIT --save plan.json",
  });
}

/** @throws PLAN_MOVED with what is no longer as it was */
function refuseMoved(rows: LedgerRows, { name, basis }: Plan): void {
  const moved = basis ? movedParts(rows, basis.revisions) : [];
  if (moved.length === 0) return;
  throw new PropagitError(
    "PLAN_MOVED",
    `what ${quote(name)} was made from has changed since: ${moved.join(", ")}`,
  );
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
