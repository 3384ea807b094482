/**
 * How commits reach drones: `hub.artifact`, what they tell of it, and who takes part in what.
 *
 *     a drone asks for W, and has H
 *       who else wants W?  nobody, and nobody holds anything of it -> git
 *       which artifact: W against one of H, W whole, or another one first (core/artifact-choice.ts of swarm)
 *       which way: in the answer, from a swarm, or with git after all (core/way.ts of swarm)
 *       the pack is made when it is not there: once, however many ask
 *
 * Whatever goes wrong here ends in git, with the reason: a commit arrives as long as the hub lives.
 */
import {
  briefView,
  parseStoredRepoName,
  PropagitError,
  sendPieces,
  shortCommit,
  toPropagitError,
  viewPieces,
  type ArtifactAnswer,
  type Params,
  type Result,
  type SwarmView,
  type Telling,
} from "@propagit/protocol";
import type { Conversation, IncomingCall, Timer } from "@propagit/runtime";
import {
  chooseCourse,
  chooseWay,
  coursesOf,
  type Course,
  type Made,
  type PricedCourse,
} from "@propagit/swarm";
import type { ArtifactStep, KeptArtifact, MakingArtifact } from "./artifacts.js";
import { doomedArtifacts } from "./core/artifact-retention.js";
import { swarmView } from "./core/swarm-view.js";
import type { Fleet } from "./fleet.js";
import type { Ledger } from "./ledger.js";
import { SwarmDemand, type DemandParts } from "./swarm-demand.js";
import { SwarmMembers, type SwarmMembersParts } from "./swarm-members.js";
import { Swarms, type LiveSwarm } from "./swarms.js";
import type { HubWorld, SwarmMeans } from "./world.js";

export interface SwarmDeskParts {
  readonly world: Pick<HubWorld, "clock" | "random" | "log" | "crypto" | "swarm">;
  readonly ledger: Ledger;
  readonly fleet: Fleet;
  readonly assignments: DemandParts["assignments"];
  readonly relays: SwarmMembersParts["relays"];
}

/**
 * Something of an artifact changed, also that one begins to be made, which has no name yet (`""`); may come thousands
 * of times a second.
 */
export interface SwarmListener {
  readonly changed: (repo: string, artifact: string) => void;
}

const withGit = { how: "git" } as const;
/** Between two times that what nobody needs is looked for. */
const sweepMs = 60_000;
const warnEveryMs = 60_000;
/** Of one drone at the same time; more than it ever fetches. */
const askingMax = 32;
/** Nobody took part or said anything for so long. */
const idleMsMax = 60 * 60_000;

export class SwarmDesk {
  /** Who wants which commit; whoever is about to send many there says so. */
  readonly demand: SwarmDemand;
  readonly #parts: SwarmDeskParts;
  readonly #members: SwarmMembers;
  readonly #swarms: Swarms | undefined;
  readonly #listeners = new Set<SwarmListener>();
  readonly #listening: { stop(): void };
  /** How many questions of each drone are being answered; each takes runs of git. */
  readonly #asking = new Map<string, number>();
  #timer: Timer | undefined;
  #warned = { text: "", at: 0 };

  constructor(parts: SwarmDeskParts) {
    const { world, fleet } = parts;
    this.#parts = parts;
    this.demand = new SwarmDemand({ ...parts, clock: world.clock });
    this.#members = new SwarmMembers(parts);
    this.#swarms =
      world.swarm && new Swarms({ ...parts, means: world.swarm, members: this.#members });
    this.#listening = fleet.listen({
      contact: (identity, contact) => this.#contactChanged(identity, contact === "connected"),
      observed: () => undefined,
    });
  }

  /** From now on what nobody needs is removed. */
  start(): void {
    this.#sweepLater();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#listening.stop();
    this.#members.stop();
  }

  /** Told of everything from now on. */
  listen(listener: SwarmListener): { stop(): void } {
    this.#listeners.add(listener);
    return { stop: () => this.#listeners.delete(listener) };
  }

  /** Artifacts that somebody takes part in, or did within the last hour; newest first. */
  views(repo?: string): readonly SwarmView[] {
    return [...(this.#swarms?.live ?? [])]
      .filter(({ kept, tracker }) => (repo ?? kept.repo) === kept.repo && tracker.seats.size > 0)
      .toSorted((left, right) => right.kept.madeAt - left.kept.madeAt)
      .map((live) => this.#viewOf(live));
  }

  /** What is being made of a repository. */
  making(repo: string): readonly MakingArtifact[] {
    const { artifacts } = this.#parts.world.swarm ?? {};
    return (artifacts?.making ?? []).filter((one) => one.repo === repo);
  }

  /** @throws BAD_NAME */
  swarm(
    { repo, which = "", brief = false }: Params<"hub.swarm">,
    { part }: Pick<IncomingCall<"hub.swarm">, "part">,
  ): Result<"hub.swarm"> {
    const name = repo === undefined ? undefined : parseStoredRepoName(repo);
    const views = this.views(name).filter(
      ({ commit, artifact }) => commit.startsWith(which) || artifact.startsWith(which),
    );
    const told = views.flatMap((view) => (brief ? [briefView(view)] : viewPieces(view)));
    return { artifacts: sendPieces(told, part) };
  }

  /**
   * How a drone gets a commit.
   *
   * @throws BAD_FRAME when it is no drone that asks, BAD_NAME, NO_REPO, NO_COMMIT
   */
  async artifact(
    { repo: text, commit, have }: Params<"hub.artifact">,
    { conversation }: Pick<IncomingCall<"hub.artifact">, "conversation">,
  ): Promise<ArtifactAnswer> {
    const { fleet, world } = this.#parts;
    const identity = fleet.identityOf(conversation);
    const repo = parseStoredRepoName(text);
    const takesPart = this.#members.participant(identity) !== undefined;
    this.demand.asks(repo, commit, identity);
    if (!world.swarm || !this.#swarms || !takesPart) return withGit;
    const asking = this.#asking.get(identity) ?? 0;
    if (asking >= askingMax) return { ...withGit, reason: `${asking} questions wait already` };
    this.#asking.set(identity, asking + 1);
    try {
      return await this.#answer(world.swarm, this.#swarms, { identity, repo, commit, have });
    } catch (thrown) {
      const error = toPropagitError(thrown);
      if (error.code === "NO_REPO" || error.code === "NO_COMMIT") throw error;
      const reason = error.message.slice(0, 2_000);
      this.#warnOnce(`drones get ${repo} ${shortCommit(commit)} with git: ${reason}`);
      return { ...withGit, reason };
    } finally {
      const left = (this.#asking.get(identity) ?? 1) - 1;
      if (left > 0) this.#asking.set(identity, left);
      else this.#asking.delete(identity);
    }
  }

  /** @throws BAD_FRAME when it is no drone that says that */
  hear({ proof, ...report }: Telling<"hub.share">, conversation: Conversation): void {
    const { fleet, world } = this.#parts;
    const identity = fleet.identityOf(conversation);
    const { artifacts } = world.swarm ?? {};
    const known =
      this.#swarms?.get(report.artifact)?.kept ??
      artifacts?.kept.find(({ artifact }) => artifact === report.artifact);
    if (!known || !this.#swarms?.report(known, identity, { report, proof })) return;
    artifacts?.touch(report.artifact);
    if (report.state === "used") this.demand.got(known.repo, known.commit, identity);
    if (report.state === "failed") {
      const what = `${known.repo} ${shortCommit(known.commit)}`;
      const why = report.reason ?? "it does not say why";
      world.log.warn(`${fleet.nameOf(identity)} gives up the pieces of ${what}: ${why}`);
    }
    this.#changed(known);
  }

  async #answer(means: SwarmMeans, swarms: Swarms, asked: Asked): Promise<ArtifactAnswer> {
    const { artifacts } = means;
    const { identity, repo, commit } = asked;
    const known = await artifacts.known(repo, [...new Set([commit, ...asked.have])]);
    if (!known.has(commit)) {
      throw new PropagitError("NO_COMMIT", `${repo} has no commit ${shortCommit(commit)}`);
    }
    const have = asked.have.filter((one) => one !== commit && known.has(one));
    const before = swarms.seatOf(identity, { repo, commit, have });
    // It had all pieces, and they were of no use to it; or it asks for time to go on.
    if (before?.state === "failed") return withGit;
    if (before?.state === "taking") return this.#hand(means, swarms, identity, before.kept);
    const made = this.#madeOf(artifacts, repo);
    const wanting = Math.max(1, this.demand.wanting(repo, commit));
    // Nobody else wants or holds anything: git is the direct way, and nothing need be asked or made first.
    if (wanting === 1 && made.every(({ holders, takers }) => holders + takers === 0))
      return withGit;
    if (await artifacts.isShallow(repo, [commit, ...have])) return withGit;
    const priced = await this.#price(
      artifacts,
      repo,
      coursesOf({ wanted: commit, bases: have, made }),
      made,
    );
    const popularity = (base: string) => this.demand.holding(repo, base);
    const [step] = chooseCourse(priced, made, popularity) ?? [];
    if (!step) return withGit;
    const found = made.find((one) => one.commit === step.commit && one.base === step.base);
    const bytes = found?.bytes ?? (await artifacts.estimate({ repo, ...step }));
    const { takers, holders } = found ?? none;
    // Those who get these bytes may be others than those known to want the commit, as after a restart.
    if (chooseWay({ bytes, wanting: Math.max(wanting, takers + 1), holders }) === "git")
      return withGit;
    return this.#hand(means, swarms, identity, await this.#make(artifacts, { repo, ...step }));
  }

  /** The pack itself when it is small, else what lets the drone take part in it. */
  async #hand(
    { artifacts }: SwarmMeans,
    swarms: Swarms,
    identity: string,
    kept: KeptArtifact,
  ): Promise<ArtifactAnswer> {
    const { artifact, commit, base, bytes } = kept;
    const brings = { commit, ...(base !== undefined && { base }) };
    artifacts.touch(artifact);
    if (chooseWay({ bytes, wanting: 1, holders: 0 }) === "inline") {
      const sessionKey = this.#parts.fleet.sessionKeyOf(identity);
      if (sessionKey === undefined) return withGit;
      const pack = this.#parts.world.crypto.encryptBytes(
        sessionKey,
        await artifacts.read(artifact),
      );
      return { how: "inline", ...brings, pack };
    }
    const grant = await swarms.enter(kept, identity);
    this.#changed(kept);
    return grant ? { how: "swarm", ...brings, grant } : withGit;
  }

  /** Whoever looks on hears when it begins, and when it is over. */
  async #make(artifacts: SwarmMeans["artifacts"], step: ArtifactStep): Promise<KeptArtifact> {
    const made = artifacts.make(step);
    this.#changed({ repo: step.repo, artifact: "" });
    try {
      return await made;
    } finally {
      this.#changed({ repo: step.repo, artifact: "" });
    }
  }

  #madeOf(artifacts: SwarmMeans["artifacts"], repo: string): readonly Made[] {
    const kept = artifacts.kept
      .filter((one) => one.repo === repo)
      .map(({ artifact, commit, base, bytes }): Made => {
        const { takers, holders } = this.#swarms?.get(artifact)?.tracker.count() ?? none;
        return { commit, base, bytes, takers, holders };
      });
    const making = artifacts.making
      .filter((one) => one.repo === repo)
      .map(({ commit, base }): Made => ({ commit, base, bytes: undefined, takers: 1, holders: 0 }));
    return [...kept, ...making];
  }

  async #price(
    artifacts: SwarmMeans["artifacts"],
    repo: string,
    courses: readonly Course[],
    made: readonly Made[],
  ): Promise<readonly PricedCourse[]> {
    const priceOf = async ({ commit, base }: Omit<ArtifactStep, "repo">) => {
      const found = made.find((one) => one.commit === commit && one.base === base);
      return found?.bytes ?? (await artifacts.estimate({ repo, commit, base })) ?? Infinity;
    };
    return Promise.all(
      courses.map(async (course) => {
        const prices = await Promise.all(course.map(priceOf));
        return { course, bytes: prices.reduce((sum, price) => sum + price, 0) };
      }),
    );
  }

  #viewOf({ kept, tracker }: LiveSwarm): SwarmView {
    const own = this.#parts.world.swarm?.swarm.share(kept.artifact);
    return swarmView(kept, {
      seats: [...tracker.seats.all],
      hubSentBytes: own?.report.sentBytes ?? 0,
      now: this.#parts.world.clock.now(),
    });
  }

  #contactChanged(identity: string, isConnected: boolean): void {
    for (const kept of this.#swarms?.contact(identity, isConnected) ?? []) this.#changed(kept);
  }

  /** Thousands of drones may meet with the same. */
  #warnOnce(text: string): void {
    const { clock, log } = this.#parts.world;
    const { text: before, at } = this.#warned;
    if (text === before && clock.monotonic() - at < warnEveryMs) return;
    this.#warned = { text, at: clock.monotonic() };
    log.warn(text);
  }

  #changed({ repo, artifact }: Pick<KeptArtifact, "repo" | "artifact">): void {
    for (const listener of this.#listeners) listener.changed(repo, artifact);
  }

  #sweepLater(): void {
    const { world } = this.#parts;
    if (!world.swarm) return;
    const { artifacts } = world.swarm;
    this.#timer = world.clock.after(sweepMs, () => {
      this.#sweep(artifacts).catch((thrown: unknown) => {
        world.log.warn(`artifacts that nobody needs cannot be removed: ${String(thrown)}`);
      });
      this.#sweepLater();
    });
  }

  /** What nobody takes part in any more is let go, and what nobody needs is removed. */
  async #sweep(artifacts: SwarmMeans["artifacts"]): Promise<void> {
    const { clock } = this.#parts.world;
    this.demand.tidy();
    for (const { kept, activeAt } of this.#swarms?.live ?? []) {
      if (clock.monotonic() - activeAt > idleMsMax) await this.#swarms?.close(kept.artifact);
    }
    const isNeeded = neededBy(this.#parts.ledger);
    const shelved = artifacts.kept.map((kept) => ({
      ...kept,
      isNeeded: isNeeded(kept.repo, kept.commit),
      isBusy: (this.#swarms?.get(kept.artifact)?.tracker.count().takers ?? 0) > 0,
    }));
    for (const artifact of doomedArtifacts(shelved, {
      now: clock.now(),
      bytesMax: artifacts.bytesMax,
    })) {
      await this.#swarms?.close(artifact);
      await artifacts.remove(artifact);
    }
  }
}

interface Asked extends Params<"hub.artifact"> {
  readonly identity: string;
}

const none = { takers: 0, holders: 0 } as const;

/** Whether a release that is kept has a commit; of a repository without releases each is needed. */
function neededBy(ledger: Pick<Ledger, "rows">): (repo: string, commit: string) => boolean {
  const repos = new Set<string>();
  const commits = new Set<string>();
  for (const { repo, commit, artifact, presence } of ledger.rows("releases").values()) {
    repos.add(repo);
    if (presence !== "removed") commits.add(`${repo} ${artifact ?? commit}`);
  }
  return (repo, commit) => !repos.has(repo) || commits.has(`${repo} ${commit}`);
}
