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
import { startDeploy, type DeployEnd, type Step } from "./core/deploy.js";
import {
  notDeployed,
  planDeploy,
  planEnd,
  planStop,
  type Beginning,
  type Circumstances,
} from "./core/operation-plan.js";
import { commitKey, type OperationRow } from "./core/rows.js";
import type { Contact, Goal } from "./core/verdict.js";
import type { Fleet } from "./fleet.js";
import type { Ledger } from "./ledger.js";
import { Operation, type OnLine, type OperationResult } from "./operation.js";
import type { HubWorld } from "./world.js";

/** Time for every drone to get a commit ready, and to stop it. Guesses: a big fetch, a slow farewell. */
const limitMs = { deploy: 10 * 60_000, stop: 2 * 60_000 } as const;
/** What is left at least to one that goes on after a restart: time to come back, and to report. */
const resumedMsMin = 60_000;
/** Operations at the same time. */
const operationsMax = 200;

/** A commit that was found in its repository. */
export interface Target {
  readonly repo: RepoName;
  readonly commit: CommitHash;
}

/** Whoever asked; when he is gone, the operation goes on without him. */
export interface Asker {
  readonly onLine: OnLine;
  readonly signal: AbortSignal;
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
      const what = `${row.goal} of ${row.repo} ${shortCommit(row.commit)}`;
      this.#world.log.info(`goes on with the ${what}`);
      this.#begin(this.#newOperation(row, left));
    }
  }

  /** @throws NO_DRONE, OVERLOADED, DATA_UNUSABLE */
  async deploy(target: Target, asker: Asker): Promise<DeployResult> {
    await this.#world.repositories.keep(target.repo, target.commit);
    const operation = await this.#start(target, "deploy", () =>
      planDeploy(target, this.#circumstances(target)),
    );
    const { drones, outcome, promoted } = operation
      ? await follow(operation, asker)
      : this.#tellUnchanged(target, asker);
    return { ...target, outcome: outcome === "stopped" ? "failed" : outcome, promoted, drones };
  }

  /** @throws NOT_DEPLOYED, STILL_ROUTED, OVERLOADED, DATA_UNUSABLE */
  async stop(target: Target, force: boolean, asker: Asker): Promise<StopResult> {
    const operation = await this.#start(target, "stop", () =>
      planStop(target, force, this.#circumstances(target)),
    );
    if (!operation) throw notDeployed(target);
    const { drones, outcome } = await follow(operation, asker);
    return { ...target, outcome: outcome === "stopped" ? "stopped" : "failed", drones };
  }

  observed(identity: string, { repo, commit }: Deployment, step: Step | undefined): void {
    const operation = this.#running.get(commitKey(repo, commit));
    const reports = this.#fleet.reportsOf(identity, { repo, commit });
    operation?.feed({ kind: "observed", identity, reports, ...(step && { step }) });
  }

  contact(identity: string, contact: Contact): void {
    for (const operation of this.#running.values()) {
      const reports = this.#fleet.reportsOf(identity, operation.row);
      operation.feed({ kind: "contact", identity, contact, reports });
    }
  }

  /** Nothing more happens; what is under way is on disk. */
  suspend(): void {
    const goodbye = "the hub ends, and goes on with it when it is started again";
    const error = new PropagitError("LINK_LOST", goodbye);
    for (const operation of this.#running.values()) operation.abandon(error);
    this.#running.clear();
  }

  /**
   * Joins the operation that runs, or starts one; undefined when there is nothing to do. Which of these is
   * decided when the ledger's turn comes, so two who ask at the same time get the same one.
   */
  async #start(
    target: Target,
    goal: Goal,
    plan: () => Beginning | undefined,
  ): Promise<Operation | undefined> {
    const key = commitKey(target.repo, target.commit);
    let running: Operation | undefined;
    let fresh: Operation | undefined;
    try {
      await this.#ledger.change(() => {
        running = this.#running.get(key);
        if (running?.goal === goal) return undefined;
        const beginning = plan();
        if (!beginning) return undefined;
        if (this.#running.size >= operationsMax) {
          throw new PropagitError("OVERLOADED", `${operationsMax} deploys are under way`);
        }
        fresh = this.#newOperation(beginning.row, limitMs[goal]);
        return beginning.change;
      });
    } catch (thrown) {
      // What it was to replace goes on.
      if (fresh) this.#forget(fresh, running, thrown);
      throw thrown;
    }
    if (!fresh) return running?.goal === goal ? running : undefined;
    const again = goal === "stop" ? "stopped" : "deployed again";
    running?.feed({ kind: "superseded", text: `the commit was ${again} meanwhile` });
    this.#begin(fresh);
    return fresh;
  }

  #newOperation(row: OperationRow, limit: number): Operation {
    const { clock } = this.#world;
    const finish = (operation: Operation, end: DeployEnd) => this.#finish(operation, end);
    const wanted = row.goal === "deploy" ? "ready" : "stopped";
    const lateText = `it was not ${wanted} within ${limitMs[row.goal] / 60_000} min`;
    const operation = new Operation({ clock, row, limitMs: limit, lateText, finish });
    this.#running.set(keyOf(operation), operation);
    return operation;
  }

  #begin(operation: Operation): void {
    operation.begin((identity) => ({
      contact: this.#fleet.members.get(identity)?.contact ?? "away",
      reports: this.#fleet.reportsOf(identity, operation.row),
    }));
  }

  #forget(fresh: Operation, replaced: Operation | undefined, thrown: unknown): void {
    const key = keyOf(fresh);
    if (this.#running.get(key) === fresh) {
      if (replaced) this.#running.set(key, replaced);
      else this.#running.delete(key);
    }
    fresh.abandon(thrown);
  }

  #circumstances(target: Target): Circumstances {
    const members = [...this.#fleet.members.values()].filter(({ contact }) => contact !== "left");
    return {
      deployments: this.#ledger.rows("deployments"),
      routes: this.#ledger.rows("routes"),
      now: this.#world.clock.now(),
      drones: members.map(({ identity, contact }) => ({
        identity,
        drone: this.#fleet.nameOf(identity),
        contact,
        reports: this.#fleet.reportsOf(identity, target),
      })),
    };
  }

  /** The same answer as of a deploy that had nothing to wait for. */
  #tellUnchanged(target: Target, { onLine }: Asker): OperationResult {
    const participants = this.#circumstances(target).drones.map((drone) => ({
      ...drone,
      isConcerned: drone.contact !== "away",
      ranBefore: true,
      staleFailures: [],
    }));
    const { lines, end } = startDeploy("deploy", participants);
    const at = this.#world.clock.now();
    for (const line of lines) onLine({ ...line, at });
    return { outcome: "unchanged", drones: [...(end?.drones ?? [])], promoted: false };
  }

  /** @returns whether visitors were sent to the commit, being the first of its repository */
  async #finish(operation: Operation, end: DeployEnd): Promise<boolean> {
    const key = keyOf(operation);
    let promoted = false;
    await this.#ledger.change(() => {
      const isReplaced = this.#running.get(key) !== operation;
      if (!isReplaced) this.#running.delete(key);
      const plan = planEnd(operation.row, end, {
        deployments: this.#ledger.rows("deployments"),
        routes: this.#ledger.rows("routes"),
        isReplaced,
      });
      promoted = plan.promoted;
      return plan;
    });
    if (operation.goal === "stop") await this.#release(operation);
    return promoted;
  }

  async #release({ row: { repo, commit } }: Operation): Promise<void> {
    if (this.#ledger.rows("deployments").has(commitKey(repo, commit))) return;
    try {
      await this.#world.repositories.release(repo as RepoName, commit as CommitHash);
    } catch (thrown) {
      this.#world.log.warn(`${repo} ${shortCommit(commit)} is still kept: ${String(thrown)}`);
    }
  }
}

async function follow(operation: Operation, { onLine, signal }: Asker): Promise<OperationResult> {
  const following = operation.follow((line) => {
    if (!signal.aborted) onLine(line);
  });
  try {
    return await operation.result;
  } finally {
    following.stop();
  }
}

function keyOf({ row }: Operation): string {
  return commitKey(row.repo, row.commit);
}
