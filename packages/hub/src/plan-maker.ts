/**
 * `hub.plan-make`: what a change would do, as a plan. What it is about is found out as for the change itself; then a
 * planner, which cannot write, makes the plan (`core/planners/`).
 */
import {
  assert,
  changeSchema,
  check,
  PropagitError,
  quote,
  type Params,
  type PlannedChange,
  type Result,
  type ToldOfPlan,
} from "@propagit/protocol";
import { planHash, readPlan, type Plan, type Task } from "@propagit/plan";
import type { Handlers, IncomingCall } from "@propagit/runtime";
import type { Draft, LedgerRows } from "./core/draft.js";
import type { FilesChange } from "./core/files-ends.js";
import { movedParts } from "./core/planners/basis.js";
import { planFiles } from "./core/planners/files.js";
import { pastRuns, releaseDurations } from "./core/planners/past-releases.js";
import type { Planned } from "./core/planners/planned.js";
import type { PlannerView } from "./core/planners/planner-view.js";
import { problemsOfRelease } from "./core/planners/edited-release.js";
import { releasePlaces } from "./core/planners/edited-waves.js";
import { planRelease, type WantedRelease } from "./core/planners/release.js";
import { planSettings, type SettingsChange } from "./core/planners/settings.js";
import { refuseWithheld } from "./core/planners/withheld.js";
import { findRelease } from "./core/release-history.js";
import { sendText } from "./core/text-pieces.js";
import type { FilesRuns } from "./files-runs.js";
import { hubCommands } from "./plan-commands/hub-commands.js";
import type { PlanPast } from "./plan-past.js";
import { plannerView, type PlannerSightParts } from "./planner-sight.js";
import type { AskedRelease, ReleaseDesk, RolloutStarter } from "./release-desk.js";
import type { Ledger } from "./ledger.js";
import type { ScaleDesk } from "./scale-desk.js";
import type { SettingsDesk } from "./settings-desk.js";
import { deploymentIdFor } from "./specifications.js";
import type { StepPlanner } from "./step-planner.js";
import type { HubWorld } from "./world.js";

export interface PlanMakerParts extends PlannerSightParts {
  readonly world: HubWorld;
  readonly ledger: Ledger;
  readonly releases: Pick<ReleaseDesk, "deployAsked" | "rollbackAsked">;
  readonly scales: Pick<ScaleDesk, "scaleAsked">;
  readonly settings: Pick<SettingsDesk, "configureAsked">;
  readonly steps: Pick<StepPlanner, "planned">;
  readonly rollouts: RolloutStarter;
  /** Absent: the hub has no repository of files. */
  readonly files: Pick<FilesRuns, "found"> | undefined;
  /** What tasks took. */
  readonly past: Pick<PlanPast, "durationsOf">;
}

/** More that are skipped are counted. */
const skippedMax = 100;
/** More are counted, too. */
const dronesMax = 1_000;
const maker = "the planner";

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
    return this.#parts.steps.planned(change);
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
    if (change) refuseWithheld(change, file);
    if (change && isRelease(change)) return this.#beginRelease(plan, change, { by, file });
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

  async #beginRelease(
    plan: Plan,
    change: ReleaseChange,
    { by, file }: { readonly by: string; readonly file: string },
  ): Promise<string> {
    const { ledger, rollouts } = this.#parts;
    const asked = await this.asked(change);
    const { request } = asked;
    const wanted = this.#wanted(asked);
    const alongside = (draft: Draft) => {
      // Of the rows before this change, which puts what it wants beside them.
      refuseMoved(ledger, plan);
      refuseEdited(plan, file, { view: this.#view, wanted, change });
      request.alongside?.(draft);
    };
    const begun = { ...request, by, alongside, planOf: () => plan };
    const asker = { onPart: () => undefined, signal: new AbortController().signal, detach: true };
    const { repo, environment, release } = await rollouts.start(begun, asker);
    refuseJoined(plan, release);
    const row = findRelease(ledger, { repo, environment, number: release });
    assert(row.run !== undefined, "a release that was accepted has its run");
    return row.run;
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

  async #settings(change: SettingsChange, call: MakeCall): Promise<Planned> {
    const { kind: _, set, ...params } = change;
    const given = set.map(({ value, ...setting }) => {
      if (value === undefined) refuseWithheld(change, "the change");
      return { ...setting, value: value ?? "" };
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

interface PlannedNow {
  readonly view: PlannerView;
  readonly wanted: WantedRelease;
  readonly change: PlannedChange;
}

/** @throws BAD_PLAN with all of a release's plan that would not be done as it says */
function refuseEdited(plan: Plan, file: string, { view, wanted, change }: PlannedNow): void {
  const made = readPlan({ maker, value: planRelease(view, wanted, change).plan }, hubCommands);
  const problems = problemsOfRelease(plan, made, releasePlaces(view, wanted));
  if (problems.length === 0) return;
  throw new PropagitError("BAD_PLAN", problems.map((problem) => `${file}: ${problem}`).join("\n"), {
    hint: "see what would be planned now: propagit apply FILE --rebase",
  });
}

/** Whoever asks for the very same that is on its way looks on; a plan says what it does itself. */
function refuseJoined({ name, stages }: Plan, release: number): void {
  const open = stages.flatMap(({ lines }) => lines.flat()).find(isOpening);
  if (!open || open.args["release"] === release) return;
  throw new PropagitError(
    "CHANGED_MEANWHILE",
    `${quote(name)} was not begun: the very same is on its way already as release ${release}`,
    { hint: "look on: propagit plans" },
  );
}

function isOpening({ command }: Task): boolean {
  return command === "open-release";
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
