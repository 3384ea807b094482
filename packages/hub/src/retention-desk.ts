/**
 * Carries out what `core/retention.ts` plans: after each change of who is live, when the next release is due,
 * and when somebody asks.
 *
 * What a release no longer needs is no longer wanted, in one transaction that looks at the rows as they are
 * then; drones end instances when their connections are done, and remove files that nothing is kept of.
 */
import { parseRepoName, type Params, type RepoName, type Result } from "@propagit/protocol";
import type { Timer } from "@propagit/runtime";
import { isNearlyFull } from "./core/disk-guard.js";
import {
  isNeeded,
  keepOf,
  planLeaving,
  planPlaces,
  tellPlace,
  type PlannedPlace,
  type Removed,
  type RetentionCircumstances,
} from "./core/retention-change.js";
import { askStats } from "./drone-stats.js";
import type { Fleet, Member } from "./fleet.js";
import type { Ledger } from "./ledger.js";
import type { HubWorld } from "./world.js";

/** After a change, so that several in a row are looked at once. */
const soonMs = 100;
/** A timer longer than a day is set anew: clocks jump, and timers of 25 days overflow. */
const sleepMsMax = 24 * 60 * 60_000;
/** Each drone is asked for its disk once in this time, some drones at a time. */
const roundMs = 5 * 60_000;
const stepsPerRound = 10;

export class RetentionDesk {
  readonly #world: Pick<HubWorld, "clock" | "log" | "repositories">;
  readonly #ledger: Ledger;
  readonly #fleet: Pick<Fleet, "members" | "call">;
  /** Identities of drones whose disks are nearly full. */
  readonly #full = new Set<string>();
  #timer: Timer | undefined;
  #guardTimer: Timer | undefined;
  #guardStep = 0;
  #listening: { stop(): void } | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #isStopped = false;

  constructor(
    world: Pick<HubWorld, "clock" | "log" | "repositories">,
    ledger: Ledger,
    fleet: Pick<Fleet, "members" | "call">,
  ) {
    this.#world = world;
    this.#ledger = ledger;
    this.#fleet = fleet;
  }

  start(): void {
    this.#listening = this.#ledger.listen({
      changed: (tables) => {
        const matters = ["environments", "routes", "releases"] as const;
        if (matters.some((table) => tables.has(table))) this.#wake(soonMs);
      },
      happened: () => undefined,
    });
    this.#wake(soonMs);
    this.#guardDisks();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#listening?.stop();
    this.#timer?.cancel();
    this.#guardTimer?.cancel();
    await this.#turn;
  }

  /** Of any drone, so that old releases go early. */
  get isDiskFull(): boolean {
    return this.#full.size > 0;
  }

  /** @throws BAD_NAME */
  async reap({ repo, dryRun }: Params<"hub.reap">): Promise<Result<"hub.reap">> {
    const name = repo === undefined ? undefined : parseRepoName(repo);
    const told = this.#plans(name).flatMap((place) => tellPlace(this.#ledger, place));
    if (!dryRun) await this.#inTurn(() => this.#reapAll(name));
    return { releases: told.slice(0, 10_000) };
  }

  #wake(inMs: number): void {
    if (this.#isStopped) return;
    this.#timer?.cancel();
    this.#timer = this.#world.clock.after(Math.min(inMs, sleepMsMax), () => {
      this.#timer = undefined;
      void this.#inTurn(() => this.#work());
    });
  }

  async #work(): Promise<void> {
    if (this.#isStopped) return;
    try {
      await this.#reapAll(undefined);
    } catch (thrown) {
      this.#world.log.warn(`old releases could not be cleaned away: ${String(thrown)}`);
    }
    if (this.#timer) return;
    const now = this.#world.clock.now();
    const dues = this.#plans(undefined).map(({ plan }) => plan.nextAt ?? Infinity);
    const next = Math.min(...dues, Number.POSITIVE_INFINITY);
    if (next !== Number.POSITIVE_INFINITY) this.#wake(Math.max(1_000, next - now));
  }

  async #reapAll(repo: RepoName | undefined): Promise<void> {
    for (let isDone = false; !isDone && !this.#isStopped;) {
      let removed: readonly Removed[] = [];
      isDone = true;
      await this.#ledger.change(() => {
        const step = planLeaving(this.#ledger, this.#circumstances(repo));
        if (step.change.edits.length === 0) return undefined;
        isDone = false;
        removed = step.removed;
        return step.change;
      });
      await this.#forget(removed);
    }
  }

  #plans(repo: RepoName | undefined): readonly PlannedPlace[] {
    return planPlaces(this.#ledger, this.#circumstances(repo));
  }

  #circumstances(repo: RepoName | undefined): RetentionCircumstances {
    return { repo, now: this.#world.clock.now(), isDiskFull: this.isDiskFull };
  }

  /** Commits and build outputs that no release needs any more. A hub that dies before leaves a ref behind. */
  async #forget(removed: readonly Removed[]): Promise<void> {
    const { repositories, log } = this.#world;
    const gone = new Map(removed.map((one) => [`${one.repo}/${one.commit}`, one]));
    try {
      for (const { repo, commit } of gone.values()) {
        if (!isNeeded(this.#ledger, repo, commit)) await repositories.release(repo, commit);
      }
      for (const repo of new Set(removed.map((one) => one.repo))) {
        const artifacts = await repositories.artifacts(repo);
        const unneeded = [...artifacts].filter(
          ([artifact, commit]) => !isNeeded(this.#ledger, repo, commit, artifact),
        );
        await repositories.releaseArtifacts(repo, new Set(unneeded.map(([artifact]) => artifact)));
      }
    } catch (thrown) {
      log.warn(`what a removed release kept could not be let go: ${String(thrown)}`);
    }
  }

  /** A few drones each time, so that no crowd of them answers at once; none while nothing is to be gained. */
  #guardDisks(): void {
    this.#guardTimer = this.#world.clock.after(roundMs / stepsPerRound, () => {
      void this.#inTurn(() => this.#askDisks()).finally(() => {
        if (!this.#isStopped) this.#guardDisks();
      });
    });
  }

  async #askDisks(): Promise<void> {
    const step = this.#guardStep++ % stepsPerRound;
    const members = [...this.#fleet.members.values()];
    const isOfUse = [...this.#ledger.rows("environments").values()].some(
      ({ repo, environment }) => keepOf(this.#ledger, repo, environment) !== undefined,
    );
    const asked = isOfUse ? members.filter((_, at) => at % stepsPerRound === step) : [];
    const stats = await askStats(this.#fleet, asked);
    const before = this.#full.size;
    for (const [identity, { machine }] of stats) {
      if (isNearlyFull(machine)) this.#full.add(identity);
      else this.#full.delete(identity);
    }
    this.#dropUnknown(members);
    if (this.#full.size <= before) return;
    const names = members.filter((one) => this.#full.has(one.identity)).map(({ name }) => name);
    this.#world.log.warn(`disks are nearly full, old releases go early: ${names.join(", ")}`);
    this.#wake(soonMs);
  }

  #dropUnknown(members: readonly Member[]): void {
    const connected = members.filter(({ contact }) => contact === "connected");
    const known = new Set(connected.map(({ identity }) => identity));
    for (const identity of this.#full) if (!known.has(identity)) this.#full.delete(identity);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}
