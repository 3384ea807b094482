/**
 * The conductor: accepts deploys and stops, and sees them through.
 *
 *     asked -> desired state and the operation, one transaction -> drones are told -> drones report
 *           -> everybody is there, or will not be -> end, event and first promotion, one transaction
 *
 * A hub that dies between the two transactions goes on from the first when it is back.
 */
import {
  PropagitError,
  shortCommit,
  type CommitHash,
  type DeployResult,
  type Deployment,
  type RepoName,
  type StopResult,
} from "@propagit/protocol";
import type { DeployEnd, Step } from "./core/deploy.js";
import { rememberFailures } from "./core/deploy.js";
import { commitKey, type OperationRow } from "./core/rows.js";
import { sharePercent, withoutShare } from "./core/shares.js";
import type { Contact, Goal } from "./core/verdict.js";
import type { Fleet } from "./fleet.js";
import type { Edit, Ledger, LedgerChange, NewEvent } from "./ledger.js";
import { Operation, type OnLine, type OperationResult } from "./operation.js";
import type { HubWorld } from "./world.js";

/** Time for every drone to get a commit ready, and to stop it. Guesses: a big fetch, a slow farewell. */
const limitMs = { deploy: 10 * 60_000, stop: 2 * 60_000 } as const;
/** What is left at least to an operation that goes on after a restart: time to come back, and to report. */
const resumedMsMin = 60_000;
/** Operations at the same time. */
const operationsMax = 200;
/** Commits that run at the same time; what a drone can be told. */
const deploymentsMax = 4_000;

interface Target {
  readonly repo: RepoName;
  readonly commit: CommitHash;
}

export class Conductor {
  readonly #world: HubWorld;
  readonly #ledger: Ledger;
  readonly #running = new Map<string, Operation>();
  #fleet!: Fleet;

  constructor(world: HubWorld, ledger: Ledger) {
    this.#world = world;
    this.#ledger = ledger;
  }

  /** Goes on with what a former life of the hub had accepted. */
  start(fleet: Fleet): void {
    this.#fleet = fleet;
    for (const row of this.#ledger.rows("operations").values()) {
      const passed = Math.max(0, this.#world.clock.now() - row.startedAt);
      const left = Math.max(resumedMsMin, limitMs[row.goal] - passed);
      const operation = this.#newOperation(row, Math.min(left, limitMs[row.goal]));
      this.#world.log.info(
        `goes on with the ${row.goal} of ${row.repo} ${shortCommit(row.commit)}`,
      );
      this.#begin(operation);
    }
  }

  /** @throws NO_DRONE, OVERLOADED, DATA_UNUSABLE */
  async deploy(target: Target, onLine: OnLine, signal: AbortSignal): Promise<DeployResult> {
    await this.#world.repositories.keep(target.repo, target.commit);
    const started = await this.#start(target, "deploy", () => this.#deployChange(target));
    const { drones, outcome, promoted } =
      started.kind === "operation"
        ? await follow(started.operation, onLine, signal)
        : this.#tellUnchanged(target, onLine);
    const { repo, commit } = target;
    return { repo, commit, outcome: outcome === "stopped" ? "failed" : outcome, promoted, drones };
  }

  /** @throws NOT_DEPLOYED, STILL_ROUTED, OVERLOADED, DATA_UNUSABLE */
  async stop(
    target: Target,
    force: boolean,
    onLine: OnLine,
    signal: AbortSignal,
  ): Promise<StopResult> {
    const started = await this.#start(target, "stop", () => this.#stopChange(target, force));
    if (started.kind === "unchanged") throw notDeployed(target);
    const { drones, outcome } = await follow(started.operation, onLine, signal);
    const { repo, commit } = target;
    return { repo, commit, outcome: outcome === "stopped" ? "stopped" : "failed", drones };
  }

  observed(identity: string, deployment: Deployment, step: Step | undefined): void {
    const operation = this.#running.get(keyOf(deployment));
    const reports = this.#fleet.reportsOf(identity, deployment);
    operation?.feed({ kind: "observed", identity, reports, ...(step && { step }) });
  }

  contact(identity: string, contact: Contact): void {
    for (const operation of this.#running.values()) {
      const reports = this.#fleet.reportsOf(identity, operation);
      operation.feed({ kind: "contact", identity, contact, reports });
    }
  }

  /** Nothing more happens; what is under way is on disk. */
  suspend(): void {
    const error = new PropagitError(
      "LINK_LOST",
      "the hub ends; it goes on when it is started again",
    );
    for (const operation of this.#running.values()) operation.abandon(error);
    this.#running.clear();
  }

  /**
   * Joins the operation that runs, or starts one. Which of both is decided when the ledger's turn comes, so
   * two who ask at the same time get the same one.
   */
  async #start(
    target: Target,
    goal: Goal,
    changeOf: () => { row: OperationRow; change: LedgerChange } | undefined,
  ): Promise<{ kind: "unchanged" } | { kind: "operation"; operation: Operation }> {
    const key = keyOf(target);
    let fresh: Operation | undefined;
    let joined: Operation | undefined;
    let replaced: Operation | undefined;
    try {
      await this.#ledger.change(() => {
        const running = this.#running.get(key);
        joined = running?.goal === goal ? running : undefined;
        const begun = joined ? undefined : changeOf();
        if (!begun) return undefined;
        if (!running && this.#running.size >= operationsMax) {
          throw new PropagitError("OVERLOADED", `${operationsMax} deploys are under way`);
        }
        fresh = this.#newOperation(begun.row, limitMs[goal]);
        replaced = running;
        return begun.change;
      });
    } catch (thrown) {
      if (fresh) this.#abandon(fresh, thrown);
      throw thrown;
    }
    supersede(replaced, goal);
    if (fresh) this.#begin(fresh);
    const operation = joined ?? fresh;
    return operation ? { kind: "operation", operation } : { kind: "unchanged" };
  }

  #newOperation(row: OperationRow, limit: number): Operation {
    const { clock } = this.#world;
    const finish = (operation: Operation, end: DeployEnd) => this.#finish(operation, end);
    const minutes = limitMs[row.goal] / 60_000;
    const lateText = `it was not ${row.goal === "deploy" ? "ready" : "stopped"} within ${minutes} min`;
    const operation = new Operation({ clock, row, limitMs: limit, lateText, finish });
    this.#running.set(keyOf(row), operation);
    return operation;
  }

  #begin(operation: Operation): void {
    operation.begin((identity) => ({
      contact: this.#fleet.members.get(identity)?.contact ?? "away",
      reports: this.#fleet.reportsOf(identity, operation),
    }));
  }

  #abandon(operation: Operation, thrown: unknown): void {
    const key = keyOf(operation);
    if (this.#running.get(key) === operation) this.#running.delete(key);
    operation.abandon(thrown);
  }

  /** Undefined when every drone has the commit ready and visitors have a route already. */
  #deployChange(target: Target): { row: OperationRow; change: LedgerChange } | undefined {
    const key = keyOf(target);
    const deployments = this.#ledger.rows("deployments");
    const isDesired = deployments.has(key);
    const row = this.#rowFor(target, "deploy", isDesired);
    const concerned = row.drones.filter(({ isConcerned }) => isConcerned);
    if (concerned.length === 0) throw noDrone(row.drones.length);
    const hasRoute = this.#ledger.rows("routes").has(target.repo);
    if (isDesired && hasRoute && concerned.every(({ ranBefore }) => ranBefore)) return undefined;
    if (!isDesired && deployments.size >= deploymentsMax) {
      throw new PropagitError("OVERLOADED", `${deploymentsMax} commits run already`, {
        hint: "stop one: propagit stop REPO COMMIT",
      });
    }
    const deployment = deployments.get(key) ?? { ...target, since: this.#world.clock.now() };
    const edits: Edit[] = [
      { table: "deployments", key, row: deployment },
      { table: "operations", key, row },
    ];
    return { row, change: { edits, events: [] } };
  }

  #stopChange(target: Target, force: boolean): { row: OperationRow; change: LedgerChange } {
    const key = keyOf(target);
    if (!this.#ledger.rows("deployments").has(key)) throw notDeployed(target);
    const route = this.#ledger.rows("routes").get(target.repo);
    const percent = sharePercent(route, target.commit);
    if (percent > 0 && !force) throw stillRouted(target, percent);
    const row = this.#rowFor(target, "stop", true);
    const edits: Edit[] = [
      { table: "deployments", key, row: undefined },
      { table: "operations", key, row },
    ];
    if (route && percent > 0) {
      edits.push({ table: "routes", key: target.repo, row: withoutShare(route, target.commit) });
    }
    return { row, change: { edits, events: [] } };
  }

  #rowFor({ repo, commit }: Target, goal: Goal, isDesired: boolean): OperationRow {
    const members = [...this.#fleet.members.values()].filter(({ contact }) => contact !== "left");
    const drones = members.map(({ identity, contact }) => {
      const reports = this.#fleet.reportsOf(identity, { repo, commit });
      return {
        identity,
        drone: this.#fleet.nameOf(identity),
        isConcerned: contact !== "away",
        ranBefore: isDesired && reports.some(({ phase }) => phase === "ready"),
        staleFailures: [...rememberFailures(reports)],
      };
    });
    return { goal, repo, commit, startedAt: this.#world.clock.now(), drones };
  }

  #tellUnchanged({ repo, commit }: Target, onLine: OnLine): OperationResult {
    const at = this.#world.clock.now();
    const members = [...this.#fleet.members.values()].filter(({ contact }) => contact !== "left");
    const drones = members.map(({ identity, contact }) => {
      const drone = this.#fleet.nameOf(identity);
      if (contact === "away") return { drone, outcome: "away" as const };
      const ready = this.#fleet
        .reportsOf(identity, { repo, commit })
        .find(({ phase }) => phase === "ready");
      const port = ready?.port === undefined ? {} : { port: ready.port };
      return { drone, outcome: "unchanged" as const, ...port };
    });
    for (const { outcome, ...details } of drones) onLine({ at, phase: outcome, ...details });
    return { outcome: "unchanged", drones, promoted: false };
  }

  /** @returns whether visitors were sent to the commit, being the first of its repository */
  async #finish(operation: Operation, end: DeployEnd): Promise<boolean> {
    const { repo, commit, goal } = operation;
    const key = keyOf(operation);
    let promoted = false;
    await this.#ledger.change(() => {
      const edits: Edit[] = [];
      const events: NewEvent[] = [endEvent(operation, end)];
      // Another one may have taken its place, and with it the row.
      if (this.#running.get(key) === operation) {
        edits.push({ table: "operations", key, row: undefined });
        this.#running.delete(key);
      }
      const isDesired = this.#ledger.rows("deployments").has(key);
      const isFirst = isDesired && !this.#ledger.rows("routes").has(repo);
      promoted = goal === "deploy" && end.outcome !== "failed" && isFirst;
      if (promoted) {
        const row = { repo, shares: [{ commit, weight: 1 }] };
        edits.push({ table: "routes", key: repo, row });
        const text = `visitors of ${repo} go to ${shortCommit(commit)}, its first commit`;
        events.push({ kind: "promoted", repo, commit, text });
      }
      return { edits, events };
    });
    if (goal === "stop") await this.#release(operation);
    return promoted;
  }

  async #release({ repo, commit }: Target): Promise<void> {
    if (this.#ledger.rows("deployments").has(keyOf({ repo, commit }))) return;
    try {
      await this.#world.repositories.release(repo, commit);
    } catch (thrown) {
      this.#world.log.warn(`${repo} ${shortCommit(commit)} is still kept: ${String(thrown)}`);
    }
  }
}

async function follow(
  operation: Operation,
  onLine: OnLine,
  signal: AbortSignal,
): Promise<OperationResult> {
  const following = operation.follow((line) => {
    if (!signal.aborted) onLine(line);
  });
  try {
    return await operation.result;
  } finally {
    following.stop();
  }
}

function supersede(running: Operation | undefined, by: Goal): void {
  const text =
    by === "stop" ? "the commit was stopped meanwhile" : "it was deployed again meanwhile";
  running?.feed({ kind: "superseded", text });
}

function endEvent({ repo, commit }: Target, { outcome, drones }: DeployEnd): NewEvent {
  const what = `${repo} ${shortCommit(commit)}`;
  const count = (wanted: string) => drones.filter((drone) => drone.outcome === wanted).length;
  const failed = drones.filter((drone) => drone.outcome === "failed");
  switch (outcome) {
    case "ready":
    case "unchanged": {
      const ready = count("ready") + count("unchanged");
      return { kind: "deployed", repo, commit, text: `${what} is ready on ${drones_(ready)}` };
    }
    case "stopped":
      return { kind: "stopped", repo, commit, text: `${what} is stopped` };
    case "failed": {
      const first = failed[0];
      const why = first ? `: ${first.drone}: ${(first.reason ?? "").slice(0, 1_000)}` : "";
      const text = `${what} failed on ${drones_(failed.length)} of ${drones.length}${why}`;
      return { kind: "deploy-failed", repo, commit, text };
    }
    default:
      return outcome satisfies never;
  }
}

function drones_(count: number): string {
  return count === 1 ? "1 drone" : `${count} drones`;
}

function keyOf({ repo, commit }: Deployment): string {
  return commitKey(repo, commit);
}

function notDeployed({ repo, commit }: Target): PropagitError {
  return new PropagitError("NOT_DEPLOYED", `${repo} ${shortCommit(commit)} is not deployed`, {
    hint: `deploy it first: propagit deploy ${repo} ${shortCommit(commit)}`,
  });
}

function stillRouted({ repo, commit }: Target, percent: number): PropagitError {
  const share = Math.round(percent * 100) / 100;
  return new PropagitError(
    "STILL_ROUTED",
    `${share} % of the visitors of ${repo} go to ${shortCommit(commit)}`,
  );
}

function noDrone(away: number): PropagitError {
  const known = away === 0 ? "" : `; ${drones_(away)} known to the hub cannot be reached`;
  return new PropagitError("NO_DRONE", `no drone is connected${known}`);
}
