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
import { planHash, readPlan, type Plan } from "@propagit/plan";
import type { Handlers, IncomingCall } from "@propagit/runtime";
import type { LedgerRows } from "./core/draft.js";
import type { FilesChange } from "./core/files-ends.js";
import { planFiles } from "./core/planners/files.js";
import { byCommand, pastRuns, releaseDurations } from "./core/planners/past-releases.js";
import type { Planned } from "./core/planners/planned.js";
import type { PlannerView } from "./core/planners/planner-view.js";
import { releasePlaces, type ReleasePlaces } from "./core/planners/edited-waves.js";
import { planRelease, type WantedRelease } from "./core/planners/release.js";
import { planSettings, type SettingsChange } from "./core/planners/settings.js";
import { withoutValues } from "./core/planners/withheld.js";
import { sendText } from "./core/text-pieces.js";
import type { FilesRuns } from "./files-runs.js";
import { hubCommands } from "./plan-commands/hub-commands.js";
import type { PlanPast } from "./plan-past.js";
import { plannerView, type PlannerSightParts } from "./planner-sight.js";
import type { AskedRelease, ReleaseDesk } from "./release-desk.js";
import type { ScaleDesk } from "./scale-desk.js";
import type { SettingsDesk } from "./settings-desk.js";
import { deploymentIdFor } from "./specifications.js";
import type { StepChange, StepPlanner } from "./step-planner.js";
import type { HubWorld } from "./world.js";

export interface PlanMakerParts extends PlannerSightParts {
  readonly world: HubWorld;
  readonly ledger: LedgerRows;
  readonly releases: Pick<ReleaseDesk, "deployAsked" | "rollbackAsked">;
  readonly scales: Pick<ScaleDesk, "scaleAsked">;
  readonly settings: Pick<SettingsDesk, "configureAsked">;
  readonly steps: Pick<StepPlanner, "planned">;
  /** Absent: the hub has no repository of files. */
  readonly files: Pick<FilesRuns, "found"> | undefined;
  /** What tasks took. */
  readonly past: Pick<PlanPast, "durationsOf" | "durationsOfStep">;
}

/** More that are skipped are counted. */
const skippedMax = 100;
/** More are counted, too. */
const dronesMax = 1_000;
const maker = "the planner";

/** Of a plan that was made of no change. */
export const nothingTold: ToldOfPlan = {
  skipped: [],
  skippedCount: 0,
  durations: [],
  warnings: [],
};

/** What a plan of a release is compared with. */
export interface ReleaseNow {
  readonly made: Plan;
  readonly places: ReleasePlaces;
}

export class PlanMaker {
  readonly #parts: PlanMakerParts;

  constructor(parts: PlanMakerParts) {
    this.#parts = parts;
  }

  readonly handlers: Handlers = {
    "hub.plan-make": (params, call) => this.#make(params, call),
  };

  /** @param call hears what drones say of files. @throws what the change itself would throw */
  async planned(change: PlannedChange, call: MakeCall): Promise<Planned> {
    if (isRelease(change)) return this.#release(await this.asked(change), change);
    if (change.kind === "files") return this.#files(change, call);
    if (change.kind === "configure") return this.#settings(change, call);
    return this.#step(change);
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

  /** A release as it would be made now, with all that such a plan may say otherwise. */
  releaseNow(asked: AskedRelease, change: PlannedChange): ReleaseNow {
    const [view, wanted] = [this.#view, this.#wanted(asked)];
    const made = readPlan({ maker, value: planRelease(view, wanted, change).plan }, hubCommands);
    return { made, places: releasePlaces(view, wanted) };
  }

  /** What is told beside the plan of such a change, when it is made now; drones are not asked for it. */
  async told(change: PlannedChange): Promise<ToldOfPlan> {
    if (change.kind === "files" || change.kind === "configure") return nothingTold;
    if (isRelease(change)) return toldOf(await this.#release(await this.asked(change), change));
    return toldOf(await this.#step(change));
  }

  get #view(): PlannerView {
    return plannerView(this.#parts, this.#parts.world.clock.now());
  }

  async #release(asked: AskedRelease, change: PlannedChange): Promise<Planned> {
    return planRelease(this.#view, await this.#measured(asked), change);
  }

  #wanted({ request, notes }: AskedRelease): WantedRelease {
    return { ...request, deployment: deploymentIdFor(this.#parts.world, request), notes };
  }

  /** With how much of it travels, and how long it took before. */
  async #measured(asked: AskedRelease): Promise<WantedRelease> {
    const { request } = asked;
    const bytes = await this.#parts.world.repositories.sizeOf(request.repo, request.commit);
    return { ...this.#wanted(asked), bytes, durations: await this.#durations(request) };
  }

  async #durations({ repo, environment }: AskedRelease["request"]) {
    const { ledger, past } = this.#parts;
    return releaseDurations(await past.durationsOf(pastRuns(ledger, repo, environment)));
  }

  async #files(change: FilesChange, call: MakeCall): Promise<Planned> {
    const found = await this.#parts.files?.found(change, call);
    if (!found) throw new PropagitError("FILES_FAILED", "this hub keeps no files");
    return planFiles(this.#view, change, found);
  }

  async #step(change: StepChange): Promise<Planned> {
    const planned = await this.#parts.steps.planned(change);
    const past = await this.#parts.past.durationsOfStep(planned.step.command);
    return { ...planned, durations: byCommand(past) };
  }

  async #settings(change: SettingsChange, call: MakeCall): Promise<Planned> {
    const { kind: _, set, ...params } = change;
    const given = set.map(({ value, ...setting }) => {
      if (value === undefined) throw withoutValues(change, "the change");
      return { ...setting, value };
    });
    const asked = await this.#parts.settings.configureAsked({ ...params, set: given }, call);
    const { place, release, changed, same } = asked;
    const { repo, environment } = place;
    const wanted = release && (await this.#measured(release));
    return planSettings(this.#view, { repo, environment, changed, same, release: wanted }, change);
  }

  async #make(
    { change }: Params<"hub.plan-make">,
    call: MakeCall,
  ): Promise<Result<"hub.plan-make">> {
    const planned = await this.planned(change, call);
    const hash = planHash(readPlan({ maker, value: planned.plan }, hubCommands));
    const text = sendText(JSON.stringify(planned.plan), call.part);
    return { hash, text, told: toldOf(planned) };
  }
}

type MakeCall = Pick<IncomingCall<"hub.plan-make">, "part" | "signal" | "conversation">;
export type ReleaseChange = Extract<PlannedChange, { kind: "deploy" | "rollback" | "scale" }>;

export function isRelease(change: PlannedChange): change is ReleaseChange {
  return change.kind === "deploy" || change.kind === "rollback" || change.kind === "scale";
}

function toldOf({ skipped, drones, travel, durations, warnings }: Planned): ToldOfPlan {
  return {
    skipped: skipped.slice(0, skippedMax).map((one) => ({ ...one })),
    skippedCount: skipped.length,
    ...(drones && { drones: drones.slice(0, dronesMax), dronesCount: drones.length }),
    ...(travel && { travel }),
    durations: [...durations].map(([command, ms]) => ({ command, ms })),
    warnings: warnings.slice(0, skippedMax).map((one) => one.slice(0, 2_000)),
  };
}
