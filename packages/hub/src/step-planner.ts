/** Plans of changes in one step: what each is about is found out as the change itself does it, then planned. */
import {
  environmentDefault,
  parseRepoName,
  PropagitError,
  quote,
  type PlannedChange,
} from "@propagit/protocol";
import type { CertificateDesk } from "./certificate-desk.js";
import { planAccess } from "./core/planners/access.js";
import { planCancel } from "./core/planners/cancel.js";
import {
  planAcme,
  planCertificateAdd,
  planCertificateRemove,
  planCertificateRenew,
} from "./core/planners/certificates.js";
import { planDrain } from "./core/planners/drain.js";
import {
  planExperimentStart,
  planExperimentStop,
  planShadow,
  type Served,
} from "./core/planners/experiments.js";
import { planInstances } from "./core/planners/instances.js";
import { planLabel } from "./core/planners/label.js";
import type { ChangeOf, PlannedStep } from "./core/planners/one-step.js";
import type { PlannerView } from "./core/planners/planner-view.js";
import { planPin, planReap } from "./core/planners/retention.js";
import { planRollout, planRolloutChange } from "./core/planners/rollout.js";
import { planRun } from "./core/planners/run.js";
import { planHost, planRules } from "./core/planners/rules.js";
import { planSpawn } from "./core/planners/spawn.js";
import { planStop } from "./core/planners/stop.js";
import { planPromote, planSplit, type WantedShare } from "./core/planners/traffic.js";
import { placeKey } from "./core/rows.js";
import type { RoutePlace } from "./core/said.js";
import {
  deploymentsOf,
  deploymentToSpawn,
  notDeployed,
  readyDeployment,
  readyReleaseOf,
  releaseToRun,
  resolveDeployed,
  type Deployed,
  type DeployedQuestion,
} from "./deployed.js";
import type { Ledger } from "./ledger.js";
import { plannerView, type PlannerSightParts } from "./planner-sight.js";
import type { RetentionDesk } from "./retention-desk.js";
import { checkPlace } from "./rule-desk.js";
import type { StepMethods } from "./step-doers.js";
import type { HubWorld } from "./world.js";

export type StepChange = ChangeOf<(keyof StepMethods | "run") & PlannedChange["kind"]>;

type FleetChange = ChangeOf<
  | "access"
  | "label"
  | "cancel"
  | "spawn"
  | "run"
  | "acme"
  | (`certificate-${string}` & PlannedChange["kind"])
>;

interface Placed {
  readonly repo: string;
  readonly environment?: string;
}

export interface StepPlannerParts extends PlannerSightParts {
  readonly world: HubWorld;
  readonly ledger: Ledger;
  readonly retention: Pick<RetentionDesk, "isDiskFull">;
  readonly certificates: Pick<CertificateDesk, "look">;
}

export class StepPlanner {
  readonly #parts: StepPlannerParts;

  constructor(parts: StepPlannerParts) {
    this.#parts = parts;
  }

  /** @throws what the change itself would throw */
  async planned(change: StepChange): Promise<PlannedStep> {
    const { ledger, retention } = this.#parts;
    switch (change.kind) {
      case "promote": {
        const target = await this.#found(change);
        return planPromote(this.#view, target, readyDeployment(ledger, target).row, change);
      }
      case "split":
        return planSplit(this.#view, await this.#foundShares(change), change);
      case "rollout": {
        const target = await this.#found(change);
        return planRollout(this.#view, target, readyReleaseOf(ledger, target), change);
      }
      case "rollout-change":
        return planRolloutChange(this.#view, await this.#rolloutPlace(change), change);
      case "experiment-start":
        return this.#plannedExperiment(change);
      case "experiment-stop":
        return planExperimentStop(this.#view, await this.#place(change), change);
      case "shadow":
        return this.#plannedShadow(change);
      case "stop": {
        const target = await this.#found(change);
        const rows = deploymentsOf(ledger.rows("deployments"), target);
        if (rows.length === 0) throw notDeployed(target);
        return planStop(this.#view, target, rows, change);
      }
      case "reap":
        if (change.repo !== undefined) this.#checkRepo(parseRepoName(change.repo));
        return planReap(this.#view, retention.isDiskFull, change);
      case "pin":
      case "unpin":
        parseRepoName(change.repo);
        return planPin(this.#view, change);
      case "rules":
        return planRules(this.#view, await this.#place(change), change);
      case "host":
        return planHost(this.#view, await this.#place(change), change);
      case "hold":
      case "start":
      case "restart":
        return planInstances(this.#view, change);
      case "drain":
      case "undrain":
        return planDrain(this.#view, change);
      case "access":
      case "label":
      case "cancel":
      case "spawn":
      case "run":
      case "certificate-add":
      case "certificate-remove":
      case "certificate-renew":
      case "acme":
        return this.#plannedOfFleet(change);
      default:
        return change satisfies never;
    }
  }

  async #plannedExperiment(request: ChangeOf<"experiment-start">): Promise<PlannedStep> {
    const place = await this.#place(request);
    const served: (Served | undefined)[] = [];
    for (const { ref } of request.variants) served.push(await this.#served(place, ref));
    return planExperimentStart(this.#view, place, { request, served });
  }

  async #plannedShadow(request: ChangeOf<"shadow">): Promise<PlannedStep> {
    const place = await this.#place(request);
    const served = await this.#served(place, request.to?.ref);
    return planShadow(this.#view, place, { request, served });
  }

  /** Who may come, drones, what runs beside releases, certificates. */
  async #plannedOfFleet(change: FleetChange): Promise<PlannedStep> {
    const { world, ledger, certificates } = this.#parts;
    switch (change.kind) {
      case "access":
        return planAccess(this.#view, await this.#place(change), change);
      case "label":
        return planLabel(this.#view, change);
      case "cancel":
        parseRepoName(change.repo);
        return planCancel(this.#view, change);
      case "spawn":
        return planSpawn(this.#view, await deploymentToSpawn(world, ledger, change), change);
      case "run":
        return planRun(this.#view, await releaseToRun(world, ledger, change), change);
      case "certificate-add":
        return planCertificateAdd(this.#view, certificates.look(change.certificate), change);
      case "certificate-remove":
        return planCertificateRemove(this.#view, change);
      case "certificate-renew":
        return planCertificateRenew(this.#view, change);
      case "acme":
        return planAcme(this.#view, change);
      default:
        return change satisfies never;
    }
  }

  /** @throws NO_REPO when nothing was ever released of it: a slip of the keyboard is no clean house */
  #checkRepo(repo: string): void {
    const rows = this.#parts.ledger.rows("releases").values();
    if ([...rows].some((row) => row.repo === repo)) return;
    throw new PropagitError("NO_REPO", `there are no releases of ${quote(repo)}`, {
      hint: "see what there is: propagit ps, propagit releases REPO",
    });
  }

  get #view(): PlannerView {
    return plannerView(this.#parts, this.#parts.world.clock.now());
  }

  async #place({ repo, environment }: Placed): Promise<RoutePlace> {
    const { world, ledger } = this.#parts;
    const asked = { repo, ...(environment !== undefined && { environment }) };
    return checkPlace(world, ledger, asked);
  }

  /** Where a rollout is, or was, there is a place. */
  async #rolloutPlace(change: Placed): Promise<RoutePlace> {
    const { environment = environmentDefault } = change;
    const place = { repo: parseRepoName(change.repo), environment };
    const isKnown = this.#parts.ledger.rows("canaries").has(placeKey(place.repo, environment));
    return isKnown ? place : this.#place(change);
  }

  async #served(
    { repo, environment }: RoutePlace,
    ref: string | undefined,
  ): Promise<Served | undefined> {
    if (ref === undefined) return undefined;
    const place = await this.#found({ repo, environment, ref });
    return { place, running: readyDeployment(this.#parts.ledger, place).row };
  }

  async #foundShares({ repo, environment, shares }: ChangeOf<"split">) {
    const { ledger } = this.#parts;
    const wanted: WantedShare[] = [];
    for (const { ref, weight } of shares) {
      const question = { repo, ref, ...(environment !== undefined && { environment }) };
      const place = await this.#found(question);
      wanted.push({ place, running: readyDeployment(ledger, place).row, weight });
    }
    return wanted;
  }

  /** With the ref as a plan says it, which means the same for ever. */
  async #found({
    repo,
    environment,
    ref,
  }: Pick<DeployedQuestion, "repo" | "ref"> & {
    readonly environment?: string;
  }): Promise<Deployed & { readonly ref: string }> {
    const { world, ledger } = this.#parts;
    const target = await resolveDeployed(world, ledger, { repo, environment, ref });
    return { ...target, ref: target.deployment === undefined ? target.commit : ref };
  }
}
