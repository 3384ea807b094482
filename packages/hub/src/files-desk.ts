/**
 * Files for one drone, what would change on many, and what became of them (`hub.files-list`).
 *
 *     task of a plan (`FilesTasks`) -> pushToOne -> drone.files -> what the drone says
 *
 * Of a push nothing is kept but what drones have on disk, and what they were given last: the base of the next one.
 */
import {
  filesRepo,
  parseCommitHash,
  PropagitError,
  sendPieces,
  toPropagitError,
  type CommitHash,
  type FilesOutcome,
  type FilesPart,
  type FilesPlace,
  type FilesRow,
  type Params,
  type RepoName,
  type Result,
} from "@propagit/protocol";
import type { Handlers, IncomingCall, Timer } from "@propagit/runtime";
import { chooseDrones } from "./core/drone-target.js";
import { byName } from "./fleet-view.js";
import type { FilesMeans } from "./files-means.js";
import type { FilesMemory } from "./files-memory.js";
import type { Fleet, Member } from "./fleet.js";
import { inParallel } from "./in-parallel.js";
import type { HubWorld } from "./world.js";

type PushParams = Omit<Params<"hub.files-push">, "run">;

/** Drones asked at the same time what they have, or what would change. */
const askedAtOnce = 64;
const statusMsMax = 60_000;
/** When every byte is read. */
const verifyMsMax = 30 * 60_000;

/** Of single drones, as plans have them: tidied together. */
const tidyMs = 60_000;
/** Commits for a drone's base; a guess, some more than there are different pushes on the drones of a plan. */
const carriersMax = 100;

export interface FilesDeskParts {
  readonly world: Pick<HubWorld, "clock" | "log">;
  readonly memory: FilesMemory;
  readonly fleet: Fleet;
  readonly means: FilesMeans;
  /** A drone is going to want a commit: told for all of them before the first one asks. */
  readonly asks?: (repo: RepoName, commit: CommitHash, identity: string) => void;
  /** Commits that plans are going to put somewhere. */
  readonly planned?: () => Promise<ReadonlySet<string>>;
}

/** For one drone. */
export type DronePush = Omit<PushParams, "target"> & { readonly drone: string };

/** Who looks on at a push. */
export interface FilesWatcher {
  readonly part: (part: FilesPart) => void;
  readonly signal: AbortSignal;
}

export class FilesDesk {
  readonly #parts: FilesDeskParts;
  /** Commits of pushes under way, and how many of them. */
  readonly #busy = new Map<string, number>();
  /** Known to be kept, so that git is not asked once more for each drone of a push. */
  readonly #kept = new Set<string>();
  /** Made for drones of a plan; the same for the same two. */
  readonly #carriersMade = new Map<string, CommitHash>();
  /** Keeping and letting go take turns. */
  #turn: Promise<unknown> = Promise.resolve();
  #tidying: Timer | undefined;

  constructor(parts: FilesDeskParts) {
    this.#parts = parts;
  }

  readonly handlers: Handlers = {
    "hub.files-list": (params, call) => this.#list(params, call),
  };

  /** Keeps what was pushed until what is returned is called. @throws NO_COMMIT */
  async keep(commit: CommitHash): Promise<() => void> {
    const letGo = this.#hold(commit);
    try {
      await this.#keep(commit);
      return letGo;
    } catch (thrown) {
      letGo();
      throw thrown;
    }
  }

  /** Whether it is here. @throws NO_COMMIT */
  async check(commit: CommitHash): Promise<void> {
    await this.#parts.means.check(commit);
  }

  /**
   * Before a push to many: it is here, and everybody who is going to want it is known before the first one asks.
   *
   * @returns who lets go of it
   * @throws NO_COMMIT
   */
  async expect(
    drones: readonly Member[],
    push: Pick<PushParams, "path" | "commit">,
  ): Promise<() => void> {
    const commit = parseCommitHash(push.commit);
    const letGo = [this.#hold(commit)];
    const end = () => {
      for (const release of letGo) release();
      this.#tidySoon();
    };
    try {
      await this.#keep(commit);
      await this.#carriers(drones, { path: push.path, dryRun: false, commit }, letGo);
      return end;
    } catch (thrown) {
      end();
      throw thrown;
    }
  }

  /** What a push would change on each, and nothing is changed. @throws NO_COMMIT, NO_PLACE, NO_DRONE */
  async compare(
    push: PushParams,
    { part, signal }: FilesWatcher,
  ): Promise<readonly FilesOutcome[]> {
    const commit = parseCommitHash(push.commit);
    const letGo = this.#hold(commit);
    try {
      await this.#keep(commit);
      const outcomes: FilesOutcome[] = [];
      const params = { ...push, dryRun: true, commit, carrier: commit };
      const drones = this.#choose(push.target);
      if (drones.length === 0) throw new PropagitError("NO_DRONE", "no drone has joined");
      await inParallel(drones, askedAtOnce, async (member) => {
        if (signal.aborted) return;
        const outcome = await this.#pushTo(member, params, { part, signal });
        outcomes.push(outcome);
        part(outcome);
      });
      return outcomes;
    } finally {
      letGo();
      this.#tidySoon();
    }
  }

  /** As a push to that drone alone. @throws NO_COMMIT when the files are no longer here */
  async pushToOne(push: DronePush, call: FilesWatcher): Promise<FilesOutcome> {
    const commit = parseCommitHash(push.commit);
    const { drone } = push;
    const member = this.#parts.fleet.members.find(
      ({ name, contact }) => name === drone && contact !== "left",
    );
    if (!member) return { drone, outcome: "away", reason: "there is no such drone any more" };
    const letGo = [this.#hold(commit)];
    try {
      if (!this.#kept.has(commit)) await this.#keep(commit);
      const params = { ...push, target: { names: [drone] }, commit };
      const carriers = await this.#carriers([member], params, letGo);
      const carrier = carriers.get(member.identity) ?? commit;
      return await this.#pushTo(member, { ...params, carrier }, call);
    } finally {
      for (const release of letGo) release();
      this.#tidySoon();
    }
  }

  /** Nothing is tidied any more. */
  stop(): void {
    this.#tidying?.cancel();
  }

  async #pushTo(
    { identity, name: drone, contact }: Member,
    params: PushParams & { readonly carrier: CommitHash },
    { part, signal }: FilesWatcher,
  ): Promise<FilesOutcome> {
    const { fleet, memory, world } = this.#parts;
    if (contact !== "connected") return { drone, outcome: "away", reason: "it is not connected" };
    try {
      const { path, commit, carrier, replace, force, dryRun, by = "somebody" } = params;
      const asked = { path, commit, carrier, replace, force, dryRun, by };
      const pushed = await fleet.call(identity, "drone.files", asked, {
        limitMs: 0,
        signal,
        onPart: (progress) => part({ drone, ...progress }),
      });
      const put = { identity, path, place: pushed.path, commit, carrier, by };
      if (!dryRun) await memory.remember({ ...put, at: world.clock.now() });
      return { drone, outcome: "done", ...pushed };
    } catch (thrown) {
      return failure(drone, thrown);
    }
  }

  /**
   * What each drone fetches: small, when it has what was pushed to that destination before. Drones that have
   * the same get the same commit, so that they can swap its pieces.
   */
  async #carriers(
    drones: readonly Member[],
    { path, commit, dryRun }: Pick<PushParams, "path" | "dryRun"> & { readonly commit: CommitHash },
    letGo: (() => void)[],
  ): Promise<ReadonlyMap<string, CommitHash>> {
    const { memory, asks } = this.#parts;
    const carriers = new Map<string, CommitHash>();
    for (const { identity, contact } of drones) {
      if (contact !== "connected") continue;
      const base = memory.baseOf(identity, path) ?? commit;
      const isWhole = dryRun || base === commit;
      const carrier = isWhole ? commit : await this.#carrier(commit, parseCommitHash(base), letGo);
      carriers.set(identity, carrier);
      asks?.(filesRepo, carrier, identity);
    }
    return carriers;
  }

  /** In the turn in which it is looked up it is also held: nothing lets it go in between. */
  #carrier(commit: CommitHash, base: CommitHash, letGo: (() => void)[]): Promise<CommitHash> {
    const key = `${commit} ${base}`;
    return this.#inTurn(async () => {
      const carrier =
        this.#carriersMade.get(key) ?? (await this.#parts.means.carrier(commit, base));
      this.#carriersMade.set(key, carrier);
      if (this.#carriersMade.size > carriersMax) this.#carriersMade.clear();
      letGo.push(this.#hold(carrier));
      return carrier;
    });
  }

  async #list(
    { target, path, verify }: Params<"hub.files-list">,
    call: IncomingCall<"hub.files-list">,
  ): Promise<Result<"hub.files-list">> {
    const rows: FilesRow[] = [];
    await inParallel(this.#choose(target), askedAtOnce, async (member) => {
      if (call.signal.aborted) return;
      rows.push(...(await this.#ask(member, { path, verify, signal: call.signal })));
    });
    const sorted = rows.toSorted((left, right) => compare(keyOf(left), keyOf(right)));
    return { rows: sendPieces(sorted, call.part) };
  }

  async #ask(
    member: Member,
    asked: { path: string | undefined; verify: boolean; signal: AbortSignal },
  ): Promise<readonly FilesRow[]> {
    const { identity, name: drone, contact } = member;
    const { memory } = this.#parts;
    if (contact !== "connected") return memory.of(member, asked.path, "it is not connected");
    const { path, verify, signal } = asked;
    const places: FilesPlace[] = [];
    try {
      const params = { ...(path !== undefined && { path }), verify };
      const limitMs = verify ? verifyMsMax : statusMsMax;
      const onPart = (part: readonly FilesPlace[]) => void places.push(...part);
      const rest = await this.#parts.fleet.call(identity, "drone.files-status", params, {
        limitMs,
        signal,
        onPart,
      });
      return [...places, ...rest.places].map((place) => ({ drone, path: place.path, place }));
    } catch (thrown) {
      return memory.of(member, path, toPropagitError(thrown).message);
    }
  }

  #choose(target: Params<"hub.files-list">["target"]): readonly Member[] {
    const there = byName(this.#parts.fleet.members).filter(({ contact }) => contact !== "left");
    return chooseDrones(target, there);
  }

  #keep(commit: CommitHash): Promise<void> {
    return this.#inTurn(async () => {
      await this.#parts.means.keep(commit);
      this.#kept.add(commit);
    });
  }

  #hold(commit: string): () => void {
    this.#busy.set(commit, (this.#busy.get(commit) ?? 0) + 1);
    return () => {
      const left = (this.#busy.get(commit) ?? 0) - 1;
      if (left > 0) this.#busy.set(commit, left);
      else this.#busy.delete(commit);
    };
  }

  #tidySoon(): void {
    this.#tidying ??= this.#parts.world.clock.after(tidyMs, () => {
      this.#tidying = undefined;
      void this.#tidy();
    });
  }

  /** Lets go of what no drone holds any more; a failure costs disk only, and the next push tries again. */
  async #tidy(): Promise<void> {
    const { memory, means, world, planned } = this.#parts;
    try {
      await memory.tidy();
      await this.#inTurn(async () => {
        const plans = (await planned?.()) ?? [];
        this.#carriersMade.clear();
        const kept = new Set([...memory.commits, ...plans, ...this.#busy.keys()]);
        for (const commit of this.#kept) if (!kept.has(commit)) this.#kept.delete(commit);
        await means.keepOnly(kept, world.clock.now());
      });
    } catch (thrown) {
      world.log.warn(`old files were not removed: ${toPropagitError(thrown).message}`);
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}

function failure(drone: string, thrown: unknown): FilesOutcome {
  const { code, message: reason, hint } = toPropagitError(thrown);
  const isAway = code === "LINK_LOST" || code === "NO_DRONE";
  const outcome = code === "FILES_REFUSED" ? "refused" : isAway ? "away" : "failed";
  return { drone, outcome, code, reason: reason.slice(0, 16_000), hint: hint.slice(0, 1_000) };
}

function keyOf({ drone, path }: FilesRow): string {
  return `${drone} ${path}`;
}

function compare(left: string, right: string): number {
  return left < right ? -1 : Number(left > right);
}
