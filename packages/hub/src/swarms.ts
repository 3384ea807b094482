/**
 * The swarms of a hub: for each artifact that somebody takes part in who does, and the hub's own part in it.
 *
 *     enter(artifact, drone) --> the hub offers it --> tracker: whom the drone meets --> a grant
 *     hub.share, a drone comes or goes --> tracker --> drone.peers, drone.carry
 *
 * All of it is in memory. After a restart of the hub drones tell of their shares again, and the swarm is there
 * again; artifact and secret are on disk, so that their lines and grants stay good meanwhile.
 */
import {
  shortCommit,
  toPropagitError,
  type Grant,
  type ShareReport,
  type SwarmPeer,
} from "@propagit/protocol";
import type { Clock, Log } from "@propagit/runtime";
import {
  isHolding,
  isTaking,
  keyOfClaim,
  proofOfHolder,
  secretOfHolder,
  Tracker,
  type Participant,
  type Share,
  type TrackerEffect,
} from "@propagit/swarm";
import type { KeptArtifact } from "./artifacts.js";
import type { Fleet } from "./fleet.js";
import type { SwarmMembers } from "./swarm-members.js";
import type { HubWorld, SwarmMeans } from "./world.js";

export interface SwarmsParts {
  readonly world: Pick<HubWorld, "clock" | "random" | "log" | "crypto">;
  readonly means: SwarmMeans;
  readonly fleet: Fleet;
  readonly members: SwarmMembers;
}

/** What a drone says of its share, and with what it proves that it has one. */
interface Told {
  readonly report: ShareReport;
  readonly proof: string | undefined;
}

/** One artifact that somebody takes part in. */
export interface LiveSwarm {
  readonly kept: KeptArtifact;
  readonly tracker: Tracker;
  /** By the name under which others know a drone. */
  readonly identities: Map<string, string>;
  /** Relays that did not take it on. */
  readonly unfit: Set<string>;
  /** The hub's own part; absent until it is offered. */
  offer: Promise<Share> | undefined;
  /** When somebody took part, or said something, last; of the monotonic clock. */
  activeAt: number;
}

/**
 * New connections are opened for so long; whoever needs it longer asks again. Longer than most transfers; that
 * who has the bytes anyway may be connected with is no danger.
 */
const grantMs = 60 * 60_000;
/** The hub itself only takes connections. */
const ownGrantMs = 365 * 24 * 60 * 60_000;
const carryMsMax = 30_000;

export class Swarms {
  readonly #parts: SwarmsParts;
  readonly #live = new Map<string, LiveSwarm>();
  readonly #startedAt: { readonly wall: number; readonly monotonic: number };

  constructor(parts: SwarmsParts) {
    const { clock } = parts.world;
    this.#parts = parts;
    this.#startedAt = { wall: clock.now(), monotonic: clock.monotonic() };
  }

  get live(): Iterable<LiveSwarm> {
    return this.#live.values();
  }

  get(artifact: string): LiveSwarm | undefined {
    return this.#live.get(artifact);
  }

  /**
   * Lets a drone take part.
   *
   * @throws DATA_UNUSABLE when the hub cannot read the artifact, LINK_LOST when the drone is gone
   */
  async enter(kept: KeptArtifact, identity: string): Promise<Grant | undefined> {
    const live = this.#open(kept);
    live.offer ??= this.#offer(live);
    await live.offer;
    const participant = this.#parts.members.participant(identity);
    return participant && this.#admit(live, identity, participant);
  }

  /** What a drone did last with an artifact that brings a commit to whoever has those others. */
  seatOf(
    identity: string,
    { repo, commit, have }: { repo: string; commit: string; have: readonly string[] },
  ): { readonly kept: KeptArtifact; readonly state: ShareReport["state"] } | undefined {
    const name = this.#parts.fleet.nameOf(identity);
    for (const { kept, tracker, identities } of this.#live.values()) {
      if (kept.repo !== repo || kept.commit !== commit) continue;
      const seat = identities.get(name) === identity ? tracker.seats.get(name) : undefined;
      if (!seat?.report) continue;
      // A relay that carries something has no use for it itself, and so needs no base.
      const isRelay = seat.participant.role === "relay";
      const isOfUse = kept.base === undefined || have.includes(kept.base);
      if (isOfUse || isRelay) return { kept, state: seat.report.state };
    }
    return undefined;
  }

  /** What a drone says of its share. False when it has none: the hub never let it take part. */
  report(kept: KeptArtifact, identity: string, { report, proof }: Told): boolean {
    const participant = this.#parts.members.participant(identity);
    if (!participant) return false;
    const { name } = participant;
    const isSeated = this.#live.get(report.artifact)?.identities.get(name) === identity;
    // After a restart of the hub all tell what they have; who has nothing any more is nobody to be introduced.
    const hasNothing = report.state === "gone" || report.state === "failed";
    if (!isSeated && (hasNothing || !this.#isProof(kept, name, proof))) return false;
    const live = this.#open(kept);
    if (!isSeated) this.#seat(live, identity, participant);
    live.activeAt = this.#clock.monotonic();
    this.#carryOut(live, live.tracker.report(name, report, this.#clock.now()));
    return true;
  }

  /** A drone is connected, or no more: the artifacts that this changes. */
  contact(identity: string, isConnected: boolean): readonly KeptArtifact[] {
    const changed: KeptArtifact[] = [];
    const name = this.#parts.fleet.nameOf(identity);
    for (const live of this.#live.values()) {
      if (live.identities.get(name) !== identity) continue;
      this.#carryOut(live, live.tracker.contact(name, isConnected, this.#clock.now()));
      changed.push(live.kept);
    }
    return changed;
  }

  /** Nobody needs it for now; who comes later opens it again. */
  async close(artifact: string): Promise<void> {
    const live = this.#live.get(artifact);
    this.#live.delete(artifact);
    const share = await live?.offer?.catch(() => undefined);
    await share?.end("keep");
  }

  /** Whether it was made with the secret that a grant brings: whoever has none takes nobody's place. */
  #isProof({ secret }: KeptArtifact, name: string, proof = ""): boolean {
    const { crypto } = this.#parts.world;
    return crypto.equal(proofOfHolder(crypto, secretOfHolder(crypto, secret, name)), proof);
  }

  get #clock(): Clock {
    return this.#parts.world.clock;
  }

  get #log(): Log {
    return this.#parts.world.log;
  }

  #open(kept: KeptArtifact): LiveSwarm {
    const known = this.#live.get(kept.artifact);
    if (known) return known;
    const { world, means, members } = this.#parts;
    const unfit = new Set<string>();
    const takesPart = (name: string) => {
      const seat = live.tracker.seats.get(name);
      return seat !== undefined && seat.isConnected && (isTaking(seat) || isHolding(seat));
    };
    const hub: SwarmPeer = { name: "hub", role: "hub", host: "*", port: means.port };
    const live: LiveSwarm = {
      kept,
      tracker: new Tracker({
        hub,
        relayOf: (zone) => members.relayOf(zone, { artifact: kept.artifact, unfit, takesPart }),
        fraction: () => world.random.fraction(),
      }),
      identities: new Map(),
      unfit,
      offer: undefined,
      activeAt: this.#clock.monotonic(),
    };
    this.#live.set(kept.artifact, live);
    // Those that take part already may have lost the hub with its former life.
    live.offer = this.#offer(live);
    live.offer.catch(() => undefined);
    return live;
  }

  async #offer(live: LiveSwarm): Promise<Share> {
    const { artifact, secret, manifest, path } = live.kept;
    const { swarm, artifacts } = this.#parts.means;
    const now = this.#now();
    try {
      return await swarm.offer({
        artifact,
        secret: secretOfHolder(this.#parts.world.crypto, secret, "hub"),
        holder: "hub",
        expiresAt: now + ownGrantMs,
        hubNow: now,
        hubKey: artifacts.hubKey,
        manifest,
        path,
      });
    } catch (thrown) {
      live.offer = undefined;
      throw thrown;
    }
  }

  #admit(live: LiveSwarm, identity: string, participant: Participant): Grant | undefined {
    const { world, means, fleet } = this.#parts;
    const { artifact, bytes, secret } = live.kept;
    const { name } = participant;
    const sessionKey = fleet.sessionKeyOf(identity);
    if (sessionKey === undefined) return undefined;
    const peers = this.#seat(live, identity, participant);
    const now = this.#now();
    return {
      artifact,
      bytes,
      secret: world.crypto.encrypt(sessionKey, secretOfHolder(world.crypto, secret, name)),
      holder: name,
      expiresAt: now + grantMs,
      now,
      hubKey: means.artifacts.hubKey,
      peers: this.#withKeys(live, { name, sessionKey }, peers),
    };
  }

  /** What one of them needs to dial the others, hidden from everybody else. */
  #withKeys(
    { kept }: LiveSwarm,
    { name: holder, sessionKey }: { readonly name: string; readonly sessionKey: string },
    peers: readonly SwarmPeer[],
  ): SwarmPeer[] {
    const { crypto } = this.#parts.world;
    const expiresAt = this.#now() + grantMs;
    const claim = { artifact: kept.artifact, holder, expiresAt };
    return peers.map((peer) => {
      const key = keyOfClaim(crypto, secretOfHolder(crypto, kept.secret, peer.name), claim);
      return { ...peer, key: crypto.encrypt(sessionKey, key), expiresAt };
    });
  }

  /**
   * The time that grants are given by, in whole ms. It never jumps while this process lives, whatever is done to
   * the machine's clock: a grant must not seem to have expired because of that.
   */
  #now(): number {
    const { wall, monotonic } = this.#startedAt;
    return Math.floor(wall + this.#clock.monotonic() - monotonic);
  }

  #seat(live: LiveSwarm, identity: string, participant: Participant): readonly SwarmPeer[] {
    live.identities.set(participant.name, identity);
    live.activeAt = this.#clock.monotonic();
    const { peers, effects } = live.tracker.join(participant, this.#clock.now());
    this.#carryOut(live, effects);
    return peers;
  }

  #carryOut(live: LiveSwarm, effects: readonly TrackerEffect[]): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case "introduce":
          this.#introduce(live, effect.to, effect.peers);
          break;
        case "carry":
          void this.#carry(live, effect.relay);
          break;
        case "out":
          this.#log.warn(
            `${effect.name} is not introduced any more to those who want ${live.kept.repo} ${shortCommit(live.kept.commit)}: ${effect.by.join(" and ")} got wrong pieces from it`,
          );
          break;
        default:
          effect satisfies never;
      }
    }
  }

  #introduce(live: LiveSwarm, name: string, peers: readonly SwarmPeer[]): void {
    const identity = live.identities.get(name);
    if (identity === undefined) return;
    const { artifact } = live.kept;
    const sessionKey = this.#parts.fleet.sessionKeyOf(identity);
    if (sessionKey === undefined) return;
    const keyed = this.#withKeys(live, { name, sessionKey }, peers);
    this.#parts.fleet.tell(identity, "drone.peers", { artifact, peers: keyed });
  }

  /** One that does not take it on is not asked again for this artifact; its zone goes on as one without. */
  async #carry(live: LiveSwarm, name: string): Promise<void> {
    const { members, fleet } = this.#parts;
    const identity = members.identityOf(name);
    const participant = identity === undefined ? undefined : members.participant(identity);
    const grant = identity && participant && this.#admit(live, identity, participant);
    try {
      if (!grant) return;
      const { repo, commit } = live.kept;
      await fleet.call(identity, "drone.carry", { repo, commit, grant }, { limitMs: carryMsMax });
    } catch (thrown) {
      const { message } = toPropagitError(thrown);
      this.#log.warn(`relay ${name} does not carry ${live.kept.repo}: ${message}`);
      live.unfit.add(identity ?? name);
      this.#carryOut(live, live.tracker.contact(name, false, this.#clock.now()));
    }
  }
}
