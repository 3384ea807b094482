/**
 * The runs of the plans of releases: begun behind those of the same place, broken off, and looked after until
 * each release is over.
 *
 *     accepted --> begin --> PlanEngine (lock: its place) --> over --> release over too? --no--> planned anew
 *     resumed  --> its run is on its way? --no--^
 */
import { isRefusal, toPropagitError, type PropagitError } from "@propagit/protocol";
import { deferred, sleep } from "@propagit/runtime";
import { freshRunId, type Plan, type PlanEngine, type RunSummary } from "@propagit/plan";
import { Draft } from "./core/draft.js";
import { changeRelease } from "./core/deployment-edits.js";
import { releasePlan } from "./core/planners/release-plan.js";
import { nameOfRelease, releaseOf, writeRollout } from "./core/rollout-edits.js";
import type { RolloutFailure } from "./core/rollout-step.js";
import { placeKey, type ReleaseRow, type RolloutRow } from "./core/rows.js";
import type { Ledger } from "./ledger.js";
import type { RolloutQueues } from "./rollout-queues.js";
import type { Rollout } from "./rollout.js";
import type { HubWorld } from "./world.js";

export type ReleaseEngine = Pick<PlanEngine, "start" | "ask" | "list" | "over" | "follow">;

export interface ReleaseRunsParts {
  readonly world: Pick<HubWorld, "clock" | "random" | "log">;
  readonly ledger: Ledger;
  readonly queues: RolloutQueues;
  /** What is to be done for a release; made anew when the hub ended before its run had begun. @throws BAD_PLAN */
  readonly planOf: (release: ReleaseRow, row: RolloutRow) => Plan;
  /** Its run is over, and it is not: it comes to nothing. */
  readonly stranded: (rollout: Rollout, why: RolloutFailure) => void;
}

/** Until a run that could not be begun is tried again. */
const againMs = 5_000;

export class ReleaseRuns {
  readonly #parts: ReleaseRunsParts;
  readonly #opened = deferred<ReleaseEngine>();
  #isSuspended = false;

  constructor(parts: ReleaseRunsParts) {
    this.#parts = parts;
  }

  freshId(): string {
    return freshRunId(this.#parts.world.random);
  }

  /** Goes on with the releases that a former life of the hub had accepted. */
  resume(engine: ReleaseEngine, rollouts: readonly Rollout[]): void {
    const known = new Map(engine.list().map((summary) => [summary.run, summary]));
    this.#opened.resolve(engine);
    for (const rollout of rollouts) {
      const { run } = rollout.row;
      const summary = run === undefined ? undefined : known.get(run);
      if (summary && isOnItsWay(summary)) void this.#watch(rollout, summary.run);
      else if (run !== undefined && !summary && !rollout.row.ownPlan) this.begin(rollout);
      else this.#strand(rollout, summary);
    }
  }

  /** Behind those of its place, which are begun first. */
  begin(rollout: Rollout, plan?: Plan): void {
    this.#inTurn(rollout, () => this.#begin(rollout, plan));
  }

  /** It undoes what it did, and what it does just now is ended; resolves when its run knows, or will not. */
  async stop(rollout: Rollout, by: string): Promise<void> {
    await rollout.begun;
    const { run } = rollout.row;
    if (run === undefined || this.#isSuspended) return;
    const engine = await this.#opened.promise;
    const ask = { kind: "stop", undo: true, now: true } as const;
    await engine.ask(run, ask, by).catch((thrown: unknown) => {
      const { code, message } = toPropagitError(thrown);
      // It is over, or undoes it for another reason.
      if (code === "NOT_NOW" || code === "NO_PLAN") return;
      this.#parts.world.log.warn(`plan ${run} is not stopped by its engine: ${message}`);
    });
  }

  /** As its journal has it. */
  async whyUndone(run: string): Promise<RolloutFailure> {
    const engine = await this.#opened.promise;
    let [by, why] = ["", "its plan ended"];
    const following = await engine.follow(run, (event) => {
      if (event.kind === "asked" && event.ask.kind === "stop") ({ by } = event);
      if (event.kind === "rollback-begun") why = event.reason;
    });
    following.stop();
    return by === "" ? failed(why) : { ...failed(`${by} stopped its plan`), state: "cancelled" };
  }

  /** Nothing is begun any more. */
  suspend(): void {
    this.#isSuspended = true;
  }

  #inTurn(rollout: Rollout, work: () => Promise<void>): void {
    const before = this.#parts.queues.before(rollout);
    rollout.begun = (before?.begun ?? Promise.resolve()).then(work);
  }

  async #begin(rollout: Rollout, plan?: Plan): Promise<void> {
    const { clock, log } = this.#parts.world;
    while (!rollout.isOver && !this.#isSuspended) {
      try {
        const run = await this.#start(rollout, plan);
        void this.#watch(rollout, run);
        return;
      } catch (thrown) {
        log.warn(`the plan of ${nameOfRelease(rollout.row)} cannot be begun: ${String(thrown)}`);
        if (this.#isGivenUp(rollout, toPropagitError(thrown))) return;
        await sleep(clock, againMs);
      }
    }
  }

  /** Not what a full disk or too many plans keep from it: what is refused now is refused in five seconds, too. */
  #isGivenUp(rollout: Rollout, { code, message }: PropagitError): boolean {
    // Its file was made, and then the disk was full.
    if (code === "EXISTS") this.#strand(rollout, undefined);
    else if (isRefusal(code) && !rollout.row.failure) {
      this.#parts.stranded(rollout, failed(`its plan cannot be begun: ${message}`));
      this.#inTurn(rollout, () => this.#anew(rollout));
    } else return false;
    return true;
  }

  async #start(rollout: Rollout, plan?: Plan): Promise<string> {
    const { row } = rollout;
    const { ledger } = this.#parts;
    const release = releaseOf(ledger, row);
    if (!release) throw new Error("a release on its way has its row");
    const planned = plan ?? this.#planOf(rollout, release);
    const engine = await this.#opened.promise;
    const locks = [placeKey(row.repo, row.environment)];
    return engine.start(planned, { by: release.by, locks, ...(row.run && { id: row.run }) });
  }

  /** One whose waves are not possible any more comes to nothing, by a plan that is all the same always possible. */
  #planOf(rollout: Rollout, release: ReleaseRow): Plan {
    const { promote, failure } = rollout.row;
    const plain = { ...release, ...(promote !== undefined && { promote }) };
    if (failure) return releasePlan(plain);
    try {
      return this.#parts.planOf(release, rollout.row);
    } catch (thrown) {
      this.#parts.stranded(rollout, failed(toPropagitError(thrown).message));
      return releasePlan(plain);
    }
  }

  /** A run of its own once more: the one before is over, cannot be read, or never was. */
  async #anew(rollout: Rollout): Promise<void> {
    const { clock, log } = this.#parts.world;
    while (!rollout.isOver && !this.#isSuspended) {
      try {
        await this.#writeRun(rollout, this.freshId());
        return await this.#begin(rollout);
      } catch (thrown) {
        log.warn(`${nameOfRelease(rollout.row)} cannot be planned anew: ${String(thrown)}`);
        await sleep(clock, againMs);
      }
    }
  }

  async #writeRun(rollout: Rollout, run: string): Promise<void> {
    const { ledger, world } = this.#parts;
    await ledger.change(() => {
      if (rollout.isOver) return undefined;
      const draft = new Draft(ledger);
      writeRollout(draft, rollout.row, { ...rollout.row, run }, world.clock.now());
      changeRelease(draft, rollout.row, { run });
      return draft.change;
    });
    if (!rollout.isOver) rollout.row = { ...rollout.row, run };
  }

  async #watch(rollout: Rollout, run: string): Promise<void> {
    const engine = await this.#opened.promise;
    const { outcome, reason } = await engine.over(run);
    if (rollout.isOver || this.#isSuspended || rollout.row.run !== run) return;
    this.#strand(rollout, {
      run,
      ...(outcome && { outcome }),
      ...(reason !== undefined && { reason }),
    });
  }

  /** It comes to nothing, by a plan that puts back what it has begun; one without a run ever is planned anew. */
  #strand(rollout: Rollout, ended: Ended | undefined): void {
    const { row } = rollout;
    if (ended) this.#parts.stranded(rollout, whyStranded(ended));
    else if (row.ownPlan) this.#parts.stranded(rollout, failed(lostPlan));
    this.#inTurn(rollout, () => this.#anew(rollout));
  }
}

type Ended = Pick<RunSummary, "run" | "outcome" | "reason">;

const lostPlan = "the hub ended before its plan was on disk: apply it again";

function whyStranded({ run, outcome, reason }: Ended): RolloutFailure {
  const how = outcome === undefined ? "is unreadable" : `ended ${outcome}`;
  const why = `its plan ${run} ${how}${reason === undefined ? "" : `: ${reason}`}`;
  return { ...failed(why), state: outcome === "stopped" ? "cancelled" : "failed" };
}

function isOnItsWay({ state }: RunSummary): boolean {
  return state !== "over" && state !== "unreadable";
}

function failed(reason: string): RolloutFailure {
  return { state: "failed", reason, drones: [] };
}
