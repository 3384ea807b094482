/**
 * All releases on their way: one at a time for each repo and environment, the others wait behind it.
 *
 *     asked -> refused | joined | unchanged | accepted -> queue -> machine (core/rollout.ts) -> end -> next
 *
 * Each step of a machine is decided when the ledger's turn comes, from the rows as they are then, and is
 * written in one change; a hub that dies goes on from there.
 */
import { assert, PropagitError, type InstanceReport, type RolloutResult } from "@propagit/protocol";
import type { Contact, Step } from "./core/contact.js";
import { Draft } from "./core/draft.js";
import { deadlineOf, stepRollout, type RolloutEvent, type RolloutStep } from "./core/rollout.js";
import {
  acceptRelease,
  applyEffect,
  nameOfRelease,
  noteQueued,
  releaseOf,
  supersede,
  writeRollout,
} from "./core/rollout-edits.js";
import { pastParts, stepLine } from "./core/rollout-text.js";
import { releaseKey, type LedgerChange, type RolloutRow } from "./core/rows.js";
import type { Fleet } from "./fleet.js";
import type { Ledger } from "./ledger.js";
import { ReleaseGate, type UnchangedRelease } from "./release-gate.js";
import type { Asker, ReleaseRequest } from "./rollout-request.js";
import { resultOfRelease, unchangedResult } from "./rollout-result.js";
import {
  inTurn,
  noRelease,
  notUnderWay,
  RolloutQueues,
  type ReleaseName,
  type ReleasePlace,
} from "./rollout-queues.js";
import {
  startSight,
  tellAccepted,
  tellHolder,
  tellPhase,
  tellPromoted,
  tellStep,
  tellSteps,
  type StartSight,
} from "./rollout-telling.js";
import { RolloutProxies } from "./rollout-proxies.js";
import { RolloutSight, type SightParts } from "./rollout-sight.js";
import { Rollout } from "./rollout.js";
import { TaskRunner } from "./task-runner.js";
import type { HubWorld } from "./world.js";

/** Between two looks at all drones, of which each takes about a microsecond. */
const restMsPerDrone = 0.1;
/** Until a step that could not be written is tried again. */
const againMs = 5_000;

type Begun =
  | { readonly kind: "new" | "joined"; readonly rollout: Rollout }
  | { readonly kind: "unchanged"; readonly unchanged: UnchangedRelease };

/** A step with how the drones stood when it was taken: told when it is on disk, after all that came before. */
type SeenStep = RolloutStep & StartSight;

export class Rollouts {
  readonly #world: HubWorld;
  readonly #ledger: Ledger;
  readonly #fleet: Fleet;
  readonly #switchboard: SightParts["switchboard"];
  readonly #sight: RolloutSight;
  readonly #gate: ReleaseGate;
  readonly #tasks: TaskRunner;
  readonly #proxies: RolloutProxies;
  readonly #queues = new RolloutQueues();
  #isSuspended = false;

  constructor(world: HubWorld, ledger: Ledger, parts: SightParts) {
    const { fleet, assignments, switchboard } = parts;
    [this.#world, this.#ledger, this.#fleet] = [world, ledger, fleet];
    this.#switchboard = switchboard;
    this.#sight = new RolloutSight(world, parts);
    this.#gate = new ReleaseGate(world, fleet, this.#sight);
    this.#tasks = new TaskRunner(world, ledger, fleet, {
      ended: (rollout, id, result) => this.#feed(rollout, { kind: "task-ended", id, result }),
    });
    this.#proxies = new RolloutProxies(switchboard, (rollout, event) => this.#feed(rollout, event));
    assignments.listen(() => this.#lookAll());
    fleet.listen({
      observed: (identity, report, step) => this.#observed(identity, report, step),
      contact: (identity, contact) => this.#contact(identity, contact),
    });
  }

  /** Goes on with what a former life of the hub had accepted. */
  resume(): void {
    for (const row of inTurn([...this.#ledger.rows("rollouts").values()])) {
      this.#world.log.info(`goes on with ${nameOfRelease(releaseOf(this.#ledger, row) ?? row)}`);
      const rollout = this.#newRollout(row);
      this.#queues.add(rollout);
      tellAccepted(this.#ledger, rollout);
      tellPhase(this.#fleet, rollout);
    }
    for (const first of this.#queues.first) this.#turn(first);
  }

  /**
   * Makes a release and carries it out; resolves with its end.
   *
   * @throws NO_DRONE, NO_SERVICE, NO_PLACE, DISK_LOW, OVERLOADED, NO_COMMIT, DATA_UNUSABLE
   */
  async start(request: ReleaseRequest, asker: Asker): Promise<RolloutResult> {
    const deployment = this.#gate.deploymentOf(request);
    await this.#world.repositories.keep(request.repo, request.commit);
    const isRunning = this.#ledger.rows("deployments").get(deployment)?.started ?? false;
    if (!isRunning) await this.#gate.checkRoom(request);
    const begun = await this.#accept(request, deployment);
    if (begun.kind === "unchanged") {
      const { release, drones, lines } = begun.unchanged;
      lines.forEach(asker.onPart);
      return unchangedResult(release, drones);
    }
    return this.#look(begun.rollout, asker);
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
    this.#feed(rollout, { kind: "cancelled", text: `${by} cancelled it` });
    return this.#look(rollout, asker);
  }

  /** What a release on its way was to run is stopped: that fails it. */
  stopped(deployments: ReadonlySet<string>, by: string): void {
    for (const rollout of this.#queues.all) {
      const isConcerned = deployments.has(rollout.row.deployment) && rollout.row.phase !== "queued";
      if (isConcerned) this.#feed(rollout, { kind: "stopped", text: `${by} stopped it meanwhile` });
    }
  }

  /** Instances were ended by hand: that fails a release on its way of which a service has no place left. */
  held(services: ReadonlyMap<string, readonly string[]>, by: string): void {
    for (const rollout of this.#queues.all) {
      const own = services.get(rollout.row.deployment);
      if (own) this.#feed(rollout, { kind: "held", services: own, by });
    }
  }

  /** Nothing more happens; what is under way is on disk. */
  suspend(): void {
    this.#isSuspended = true;
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
    let step: SeenStep | undefined;
    let superseded: readonly Rollout[] = [];
    try {
      await this.#ledger.change(() => {
        const draft = new Draft(this.#ledger);
        request.alongside?.(draft);
        const queue = this.#queues.of(request);
        begun = this.#alreadyBegun(draft, request, deployment);
        if (begun) return draft.changeIfAny;
        this.#gate.refuse(this.#ledger, request, this.#queues.all.length);
        superseded = request.supersede ? queue.filter(({ row }) => row.phase === "queued") : [];
        const made = this.#make(draft, request, deployment, superseded);
        ({ step } = made);
        begun = { kind: "new", rollout: made.rollout };
        return draft.change;
      });
    } catch (thrown) {
      if (begun?.kind === "new") this.#forget(begun.rollout, thrown);
      throw thrown;
    }
    assert(begun, "a change that was made has decided");
    for (const each of superseded) this.#finish(each);
    if (begun.kind !== "new") return begun;
    const { rollout } = begun;
    tellAccepted(this.#ledger, rollout);
    if (step) this.#took(rollout, rollout.row, step);
    else {
      const [holder = rollout] = this.#queues.of(request);
      tellHolder(this.#ledger, this.#fleet, rollout, holder, this.#world.clock.now());
    }
    return begun;
  }

  /** The very same on its way, or there. */
  #alreadyBegun(draft: Draft, request: ReleaseRequest, deployment: string): Begun | undefined {
    const last = this.#queues.of(request).at(-1);
    if (last) {
      const isSame = this.#gate.joins(draft, last.row, request, deployment);
      return isSame ? { kind: "joined", rollout: last } : undefined;
    }
    const unchanged = this.#gate.unchanged(draft, request, deployment);
    return unchanged && { kind: "unchanged", unchanged };
  }

  /** The new release in the queue, and its first step when it is its turn at once. */
  #make(
    draft: Draft,
    request: ReleaseRequest,
    deployment: string,
    superseded: readonly Rollout[],
  ): { readonly rollout: Rollout; readonly step: SeenStep | undefined } {
    const { supersede: _, alongside: __, promote, ...given } = request;
    const now = this.#world.clock.now();
    const queued = acceptRelease(draft, { ...given, deployment, promote }, now);
    const by = `release ${queued.number} (${request.by}) takes its place`;
    for (const { row } of superseded) supersede(draft, row, by, now);
    const rollout = this.#newRollout(queued);
    this.#queues.add(rollout);
    if (this.#queues.isFirst(rollout)) {
      return { rollout, step: this.#step(draft, rollout, { kind: "turn" }) };
    }
    noteQueued(draft, queued, request.by);
    return { rollout, step: undefined };
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

  #feed(rollout: Rollout, event: RolloutEvent): void {
    void this.#take(rollout, event).catch((thrown: unknown) => {
      if (this.#isSuspended || rollout.isOver) return;
      const what = nameOfRelease(rollout.row);
      this.#world.log.warn(`a step of ${what} could not be written: ${String(thrown)}`);
      this.#world.clock.after(againMs, () => this.#feed(rollout, event));
    });
  }

  async #take(rollout: Rollout, event: RolloutEvent): Promise<void> {
    let step: SeenStep | undefined;
    let before = rollout.row;
    await this.#ledger.change((): LedgerChange | undefined => {
      if (rollout.isOver || this.#isSuspended) return undefined;
      before = rollout.row;
      const draft = new Draft(this.#ledger);
      step = this.#step(draft, rollout, event);
      return draft.changeIfAny;
    });
    if (step && !this.#isSuspended) this.#took(rollout, before, step);
  }

  /** Decides, and writes what must be written into the draft. */
  #step(draft: Draft, rollout: Rollout, event: RolloutEvent): SeenStep | undefined {
    const { row } = rollout;
    const view = this.#sight.viewOf(draft, row);
    if (!view) return undefined;
    const step = stepRollout(row, event, view);
    if (step.row !== row) writeRollout(draft, row, step.row, view.now);
    for (const effect of step.durable) applyEffect(draft, step.row, effect, view.now);
    return { ...step, ...startSight(row, step.row, view) };
  }

  /** What follows when a step is on disk. */
  #took(rollout: Rollout, before: RolloutRow, step: SeenStep): void {
    rollout.row = step.row;
    tellStep(this.#fleet, rollout, before, step);
    for (const effect of step.outward) {
      switch (effect.kind) {
        case "run-task":
          this.#tasks.ask(rollout);
          break;
        case "cancel-task":
          this.#tasks.cancel(effect.task);
          break;
        case "ask-proxies":
          this.#proxies.ask(rollout);
          break;
        case "note":
          rollout.tell({ kind: "note", at: rollout.now, text: effect.text });
          break;
        default:
          effect satisfies never;
      }
    }
    if (step.durable.some(({ kind }) => kind === "end")) this.#finish(rollout);
    else this.#goOn(rollout, step);
  }

  #goOn(rollout: Rollout, step: RolloutStep): void {
    const times = this.#sight.timesOf(this.#ledger, rollout.row);
    const at = times && deadlineOf(rollout.row, times);
    rollout.alarm(at, () => this.#feed(rollout, { kind: "looked" }));
    // What was just changed may be all there already: instances that are warm, or gone.
    if (step.durable.length > 0) this.#lookAt(rollout);
  }

  #finish(rollout: Rollout): void {
    const wasFirst = this.#queues.isFirst(rollout);
    this.#queues.remove(rollout);
    const result = this.#resultOf(rollout);
    if (result.promoted) tellPromoted(rollout);
    else tellSteps(this.#ledger, rollout);
    // Told when it is so for every visitor; what is next need not wait for that.
    rollout.finish(result.promoted ? this.#switchboard.applied().then(() => result) : result);
    const [next] = this.#queues.of(rollout.row);
    if (wasFirst && next) this.#turn(next);
  }

  /** Its place is free, or it had begun in a former life of the hub. */
  #turn(rollout: Rollout): void {
    this.#tasks.ask(rollout);
    this.#feed(rollout, { kind: rollout.row.phase === "queued" ? "turn" : "looked" });
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

  #observed(identity: string, report: InstanceReport, step: Step | undefined): void {
    for (const rollout of this.#queues.all) {
      const { deployment, phase } = rollout.row;
      if (report.deployment !== deployment || phase === "queued") continue;
      const name = this.#fleet.nameOf(identity);
      const line = step && phase === "starting" && stepLine(name, step, rollout.told);
      if (line) rollout.tell({ kind: "drone", at: rollout.now, ...line });
      this.#lookAt(rollout);
    }
  }

  #contact(identity: string, contact: Contact): void {
    this.#lookAll();
    if (contact !== "connected") return;
    // After the answer to its join, which a drone must have first.
    this.#world.clock.after(0, () => {
      for (const rollout of this.#queues.all) {
        if (rollout.row.task?.identity === identity) this.#tasks.ask(rollout);
      }
    });
  }

  #lookAll(): void {
    for (const rollout of this.#queues.all) this.#lookAt(rollout);
  }

  #lookAt(rollout: Rollout): void {
    if (!rollout.isOver && rollout.row.phase !== "queued") rollout.looks.ask();
  }

  #newRollout(row: RolloutRow): Rollout {
    const { clock } = this.#world;
    const restMs = () => this.#ledger.rows("drones").size * restMsPerDrone;
    const rollout: Rollout = new Rollout(clock, row, {
      restMs,
      work: () => this.#feed(rollout, { kind: "looked" }),
    });
    return rollout;
  }
}
