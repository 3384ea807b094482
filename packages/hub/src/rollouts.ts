/**
 * All releases on their way: one at a time for each repo and environment, the others wait behind it.
 *
 *     asked -> refused | joined | unchanged | accepted -> its plan's run (release-runs.ts)
 *                                                            | the engine asks for one task after the other
 *                                                         release-tasks.ts -> release-steps.ts -> its end
 *
 * What is asked for twice is decided when the ledger's turn comes, and the release is written then, with the id
 * of the run that is going to carry it out. A hub that died in between begins that run when it starts.
 */
import { assert, PropagitError, type RolloutResult } from "@propagit/protocol";
import type { Plan } from "@propagit/plan";
import { Draft, type LedgerRows } from "./core/draft.js";
import { releasePlan, type PlannedRelease } from "./core/planners/release-plan.js";
import { comesAtOnce, waysOf, type WavesQuestion } from "./core/planners/release-waves.js";
import { isOpen } from "./core/release-progress.js";
import { inTurn, notUnderWay } from "./core/release-turns.js";
import {
  acceptRelease,
  nameOfRelease,
  noteQueued,
  releaseOf,
  supersede,
} from "./core/rollout-edits.js";
import { pastParts } from "./core/rollout-text.js";
import { releaseKey } from "./core/rows.js";
import type { Ledger } from "./ledger.js";
import { plannerView } from "./planner-sight.js";
import { ReleaseDrones } from "./release-drones.js";
import { ReleaseAdmission, type UnchangedRelease } from "./release-admission.js";
import { ReleaseRuns, type ReleaseEngine } from "./release-runs.js";
import { ReleaseSteps } from "./release-steps.js";
import { ReleaseTasks } from "./release-tasks.js";
import type { Asker, ReleaseRequest } from "./rollout-request.js";
import { resultOfRelease, unchangedResult } from "./rollout-result.js";
import { noRelease, RolloutQueues, type ReleaseName, type ReleasePlace } from "./rollout-queues.js";
import { tellAccepted, tellHolder, tellPhase, tellPromoted, tellSteps } from "./rollout-telling.js";
import { RolloutSight, type SightParts } from "./rollout-sight.js";
import type { Rollout } from "./rollout.js";
import type { HubWorld } from "./world.js";

type PlanOf = (release: PlannedRelease) => Plan;
type Begun =
  | { readonly kind: "new" | "joined"; readonly rollout: Rollout }
  | { readonly kind: "unchanged"; readonly unchanged: UnchangedRelease };

export class Rollouts {
  /** What the engine asks of releases. */
  readonly tasks: ReleaseTasks;
  readonly #world: HubWorld;
  readonly #ledger: Ledger;
  readonly #parts: SightParts;
  readonly #admission: ReleaseAdmission;
  readonly #queues = new RolloutQueues();
  readonly #steps: ReleaseSteps;
  readonly #runs: ReleaseRuns;

  constructor(world: HubWorld, ledger: Ledger, parts: SightParts) {
    [this.#world, this.#ledger, this.#parts] = [world, ledger, parts];
    const queues = this.#queues;
    const sight = new RolloutSight(world, parts);
    this.#admission = new ReleaseAdmission(world, parts.fleet, sight);
    this.#steps = new ReleaseSteps({
      ...parts,
      world,
      ledger,
      sight,
      queues,
      ended: (rollout) => this.#finish(rollout),
      breakOff: (rollout, by) => void this.#breakOff(rollout, by),
    });
    this.#runs = new ReleaseRuns({
      world,
      ledger,
      queues,
      planOf: (release, row) => {
        const { promote, waves, redeploy } = row;
        // What was refused then would have been; what has become impossible since is done one by one.
        const wish = { ...release, waves: { ...waves, force: true }, redeploy: redeploy ?? false };
        const said = promote === undefined ? release : { ...release, promote };
        return this.#plannerOf(wish)(said);
      },
      stranded: (rollout, why) => this.#steps.feed(rollout, { kind: "stranded", why }),
    });
    this.tasks = new ReleaseTasks({
      ledger,
      queues,
      drones: new ReleaseDrones({ clock: world.clock, ledger, fleet: parts.fleet }),
      feed: (rollout, event) => this.#steps.feed(rollout, event),
      whyUndone: (run) => this.#runs.whyUndone(run),
    });
  }

  /** Takes up what a former life of the hub had accepted, before anybody asks for it. */
  load(): void {
    for (const row of inTurn([...this.#ledger.rows("rollouts").values()])) {
      this.#world.log.info(`goes on with ${nameOfRelease(releaseOf(this.#ledger, row) ?? row)}`);
      const rollout = this.#steps.rolloutOf(row);
      this.#queues.add(rollout);
      tellAccepted(this.#ledger, rollout);
      tellPhase(this.#parts.fleet, rollout);
    }
  }

  /** Goes on with it. @param engine has gone on with its runs */
  resume(engine: ReleaseEngine): void {
    for (const rollout of this.#queues.all) this.#steps.feed(rollout, { kind: "looked" });
    this.#runs.resume(engine, this.#queues.all);
  }

  /** Whether a run carries out a release: it is whole, or it is put back. */
  isRun(run: string): boolean {
    return [...this.#ledger.rows("releases").values()].some((release) => release.run === run);
  }

  /**
   * Makes a release and carries it out; resolves with its end.
   *
   * @throws NO_DRONE, NO_SERVICE, NO_PLACE, DISK_LOW, OVERLOADED, NO_COMMIT, DATA_UNUSABLE; BAD_PLAN when it
   *   cannot come in such waves
   */
  async start(request: ReleaseRequest, asker: Asker): Promise<RolloutResult> {
    const deployment = this.#admission.deploymentOf(request);
    await this.#world.repositories.keep(request.repo, request.commit);
    await this.#checkRoom(request, deployment);
    const begun = await this.#accept(request, deployment);
    if (begun.kind === "unchanged") {
      const { release, drones, lines } = begun.unchanged;
      lines.forEach(asker.onPart);
      return unchangedResult(release, drones);
    }
    return this.#look(begun.rollout, asker);
  }

  /**
   * Refuses what `start` would refuse, and writes nothing.
   *
   * @returns the release that whoever asks would look on at; undefined: he would get a new one
   * @throws as `start`
   */
  async check(request: ReleaseRequest): Promise<number | undefined> {
    const deployment = this.#admission.deploymentOf(request);
    await this.#checkRoom(request, deployment);
    const begun = this.#admit(new Draft(this.#ledger), request, deployment);
    if (!begun) return undefined;
    return begun.kind === "unchanged" ? begun.unchanged.release.number : begun.rollout.row.number;
  }

  /** Looks on at a release until its end. @throws NO_RELEASE, LINK_LOST when the hub ends */
  async follow(wanted: ReleaseName, asker: Asker): Promise<RolloutResult> {
    const rollout = this.#queues.find(wanted);
    if (rollout) return this.#look(rollout, asker);
    const { repo, environment, release } = wanted;
    const row = this.#ledger.rows("releases").get(releaseKey(repo, environment, release));
    if (!row) throw noRelease(wanted);
    const result = resultOfRelease(this.#ledger, row);
    for (const part of pastParts(row, result)) asker.onPart(part);
    return result;
  }

  /**
   * Ends a release on its way, or in the queue, and puts back what it changed; resolves when that is done.
   *
   * @throws NO_RELEASE when there is none on its way, or it is over
   */
  async cancel(
    { repo, environment, release }: ReleasePlace & { readonly release?: number },
    by: string,
    asker: Asker,
  ): Promise<RolloutResult> {
    const [first] = this.#queues.of({ repo, environment });
    const rollout =
      release === undefined ? first : this.#queues.find({ repo, environment, release });
    if (!rollout) throw notUnderWay({ repo, environment }, release);
    this.#steps.feed(rollout, { kind: "cancelled", by });
    return this.#look(rollout, asker);
  }

  /** What a release on its way was to run is stopped: that fails it. */
  stopped(deployments: ReadonlySet<string>, by: string): void {
    for (const rollout of this.#queues.all) {
      const isConcerned = deployments.has(rollout.row.deployment) && isOpen(rollout.row);
      if (isConcerned) this.#steps.feed(rollout, { kind: "stopped", by });
    }
  }

  /** Instances were ended by hand: that fails a release on its way of which a service has no place left. */
  held(services: ReadonlyMap<string, readonly string[]>, by: string): void {
    for (const rollout of this.#queues.all) {
      const own = services.get(rollout.row.deployment);
      if (own) this.#steps.feed(rollout, { kind: "held", services: own, by });
    }
  }

  /** Nothing more happens; what is under way is on disk. */
  suspend(): void {
    this.#steps.suspend();
    this.#runs.suspend();
    const goodbye = "the hub ends, and goes on with it when it is started again";
    const error = new PropagitError("LINK_LOST", goodbye);
    for (const rollout of this.#queues.all) rollout.abandon(error);
    this.#queues.clear();
  }

  /**
   * Which of these it is, is decided when the ledger's turn comes, so two who ask for the same at the same
   * time get the same one.
   */
  async #accept(request: ReleaseRequest, deployment: string): Promise<Begun> {
    let begun: Begun | undefined;
    let plan: Plan | undefined;
    let superseded: readonly Rollout[] = [];
    try {
      await this.#ledger.change(() => {
        const draft = new Draft(this.#ledger);
        const queue = this.#queues.of(request);
        begun = this.#admit(draft, request, deployment);
        if (begun) return draft.changeIfAny;
        const planOf = request.planOf ?? this.#plannerOf({ ...request, deployment });
        superseded = request.supersede ? queue.filter(({ row }) => !isOpen(row)) : [];
        const rollout = this.#make(draft, request, deployment, superseded);
        begun = { kind: "new", rollout };
        // What no plan can say is refused before anything of it is on disk.
        plan = this.#planned(draft, rollout, planOf);
        return draft.change;
      });
    } catch (thrown) {
      if (begun?.kind === "new") this.#forget(begun.rollout, thrown);
      throw thrown;
    }
    assert(begun, "a change that was made has decided");
    for (const each of superseded) {
      this.#finish(each);
      void this.#breakOff(each, request.by);
    }
    if (begun.kind === "new") this.#begin(begun.rollout, plan);
    return begun;
  }

  async #checkRoom(request: ReleaseRequest, deployment: string): Promise<void> {
    const isRunning = this.#ledger.rows("deployments").get(deployment)?.started ?? false;
    if (!isRunning) await this.#admission.checkRoom(request);
  }

  /** The very same, if it is on its way or there; undefined: it may begin. */
  #admit(draft: Draft, request: ReleaseRequest, deployment: string): Begun | undefined {
    request.alongside?.(draft);
    const begun = this.#alreadyBegun(draft, request, deployment);
    if (!begun) this.#admission.refuse(this.#ledger, request, this.#queues.all.length);
    return begun;
  }

  /** Decided as the cluster is now. @throws BAD_PLAN */
  #plannerOf(wanted: WavesQuestion): PlanOf {
    if (comesAtOnce(wanted)) return releasePlan;
    const [ledger, now] = [this.#ledger, this.#world.clock.now()];
    const ways = waysOf(plannerView({ ...this.#parts, ledger }, now), wanted);
    return (release) => releasePlan({ ...release, ...ways });
  }

  /** @throws BAD_PLAN */
  #planned(rows: LedgerRows, { row }: Rollout, planOf: PlanOf): Plan | undefined {
    const release = releaseOf(rows, row);
    return (
      release && planOf({ ...release, ...(row.promote !== undefined && { promote: row.promote }) })
    );
  }

  /** Its run, and who is before it. */
  #begin(rollout: Rollout, plan: Plan | undefined): void {
    tellAccepted(this.#ledger, rollout);
    this.#runs.begin(rollout, plan);
    const [holder = rollout] = this.#queues.of(rollout.row);
    if (holder === rollout) return;
    tellHolder(this.#ledger, this.#parts.fleet, rollout, holder, this.#world.clock.now());
  }

  /** The very same on its way, or there. */
  #alreadyBegun(draft: Draft, request: ReleaseRequest, deployment: string): Begun | undefined {
    const last = this.#queues.of(request).at(-1);
    if (last) {
      const isSame = this.#admission.joins(draft, last.row, request, deployment);
      return isSame ? { kind: "joined", rollout: last } : undefined;
    }
    if (request.redeploy) return undefined;
    const unchanged = this.#admission.unchanged(draft, request, deployment);
    return unchanged && { kind: "unchanged", unchanged };
  }

  /** The new release in the queue. */
  #make(
    draft: Draft,
    request: ReleaseRequest,
    deployment: string,
    superseded: readonly Rollout[],
  ): Rollout {
    const { supersede: _, alongside: __, planOf, promote, ...given } = request;
    const now = this.#world.clock.now();
    const run = request.run ?? this.#runs.freshId();
    const queued = acceptRelease(
      draft,
      { ...given, deployment, promote, run, ownPlan: planOf !== undefined },
      now,
    );
    const by = `release ${queued.number} (${request.by}) takes its place`;
    for (const { row } of superseded) supersede(draft, row, by, now);
    const rollout = this.#steps.rolloutOf(queued);
    this.#queues.add(rollout);
    if (!this.#queues.isFirst(rollout)) noteQueued(draft, queued, request.by);
    return rollout;
  }

  async #look(rollout: Rollout, { onPart, signal, detach }: Asker): Promise<RolloutResult> {
    const following = rollout.follow((part) => {
      if (!signal.aborted) onPart(part);
    });
    try {
      return detach ? this.#resultOf(rollout) : await rollout.result;
    } finally {
      following.stop();
    }
  }

  /** What its run does just now is ended; when that is undoing it already, it goes on. */
  async #breakOff(rollout: Rollout, by: string): Promise<void> {
    await this.#runs.stop(rollout, by);
    const { asked, row } = rollout;
    if (!asked || asked.command === "undo-release") return;
    const reason = rollout.isOver ? "it is over" : row.failure?.reason;
    if (reason === undefined) return;
    rollout.settle({ command: asked.command, outcome: "failed", reason });
  }

  #finish(rollout: Rollout): void {
    this.#queues.remove(rollout);
    const result = this.#resultOf(rollout);
    if (result.promoted) tellPromoted(rollout);
    else tellSteps(this.#ledger, rollout);
    // Told when it is so for every visitor; what is next need not wait for that.
    rollout.finish(result.promoted ? this.#parts.switchboard.applied().then(() => result) : result);
  }

  #forget(rollout: Rollout, thrown: unknown): void {
    this.#queues.remove(rollout);
    rollout.abandon(thrown);
  }

  #resultOf({ row }: Rollout): RolloutResult {
    const release = releaseOf(this.#ledger, row);
    assert(release, "a release on its way has its row");
    return resultOfRelease(this.#ledger, release);
  }
}
