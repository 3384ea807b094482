/**
 * Who takes part in one artifact, and who is told of whom. A machine: what happened goes in, what to tell whom
 * comes out; chance comes in as numbers, time as `now`.
 *
 *     join    -> the peers to begin with, in the grant: the hub for a few, near ones, far ones
 *     report  -> more peers for whoever lacks some (not often); its peers are told too, in case nobody can dial it
 *     contact -> nobody is introduced to whoever is not there; a zone whose relay went gets others
 *
 * A zone with a live relay is closed: its drones know each other and the relay, and the relay alone dials out. It
 * gets pieces from the hub and from those that have all of them, who want nothing in return; so each piece
 * crosses the long line once, and the zone still finishes when the hub dies after the first full copy.
 *
 * Whom two others no longer believe is not introduced any more. One alone may be wrong, or lying.
 */
import type { ShareReport, SwarmPeer } from "@propagit/protocol";
import {
  degreeWanted,
  farPeers,
  hubChildrenFirst,
  hubChildrenMax,
  hubChildrenUrgentMax,
  morePeers,
  nearPeers,
  patience,
  pickPeers,
  poolOf,
  relayChildrenMax,
  sample,
  sampleEvenly,
  type Fraction,
} from "./introduce.js";
import { complaintsMax, isBelieved, isSuitable, linesOf } from "./suitable.js";
import { times } from "./times.js";
import { isHolding, isTaking, peerOf, Seats, type Participant, type Seat } from "./seats.js";

export type TrackerEffect =
  | { readonly kind: "introduce"; readonly to: string; readonly peers: readonly SwarmPeer[] }
  /** A relay is to take part. */
  | { readonly kind: "carry"; readonly relay: string }
  /** Nobody is introduced to it any more. */
  | { readonly kind: "out"; readonly name: string; readonly by: readonly string[] };

export interface Joined {
  readonly peers: readonly SwarmPeer[];
  readonly effects: readonly TrackerEffect[];
}

export interface TrackerOptions {
  /** How the hub is dialled; undefined while it does not serve. */
  readonly hub: SwarmPeer | undefined;
  /** The live relay that speaks for a zone. */
  readonly relayOf: (zone: string) => Participant | undefined;
  readonly fraction: Fraction;
}

/** Of so many others somebody's complaints count; two who lie together put out no more. */
const complainedMax = 3;
/** With fewer peers that are there somebody gets more at once, as far as there are any. */
const knownMin = 3;
/** Of those that have everything, known to a relay. */
const holdersOfRelay = 2;
/** Drones of a zone that get others when its relay goes; they pass pieces on. */
const bridges = 4;

export class Tracker {
  readonly seats = new Seats();
  readonly #options: TrackerOptions;
  readonly #counts = { taker: 0, holder: 0 };
  /** By name, of how many others somebody has complained. */
  readonly #complained = new Map<string, number>();
  #hubChildren = 0;

  constructor(options: TrackerOptions) {
    this.#options = options;
  }

  /** Somebody takes part from now on, or again: what it is told to begin with. */
  join(participant: Participant, now: number): Joined {
    const seat = this.seats.put(participant, now);
    this.#recount(seat);
    const relay = this.#relayFor(participant);
    const effects = relay ? this.#carry(relay, now) : [];
    if (relay) this.#attach(seat, relay);
    const known = [...seat.peers].flatMap((name) => this.#usable(seat, name));
    const hub = this.#hubFor(seat, relay);
    const fresh = this.#firstPeers(seat, relay, known.length);
    const peers = [...hub, ...known, ...fresh.map(this.#meet(seat))];
    return { peers, effects };
  }

  /** What somebody says of itself; nothing when it does not take part. */
  report(name: string, report: ShareReport, now: number): readonly TrackerEffect[] {
    const seat = this.seats.get(name);
    if (!seat) return [];
    const before = seat.report;
    if (before === undefined || report.pieces > before.pieces) seat.movedAt = now;
    seat.report = report;
    this.#recount(seat);
    if (!isTaking(seat)) this.#leaveHub(seat);
    const isLostRelay =
      seat.participant.role === "relay" && report.state === "failed" && before?.state !== "failed";
    const isNewHolder = isHolding(seat) && (before === undefined || before.state === "taking");
    return [
      ...this.#complaints(seat),
      ...(isNewHolder ? this.#tellRelays(seat) : []),
      ...(isLostRelay ? this.#bridge(seat, now) : []),
      ...this.#fillUp(seat, now),
      ...(report.lacksPeers === true && this.#isStuck(seat, now) ? this.#helpOut(seat, now) : []),
    ];
  }

  /** Somebody came back or went; what it has stays known. */
  contact(name: string, isConnected: boolean, now: number): readonly TrackerEffect[] {
    const seat = this.seats.get(name);
    if (!seat || seat.isConnected === isConnected) return [];
    seat.isConnected = isConnected;
    this.#recount(seat);
    if (isConnected) return [];
    this.#leaveHub(seat);
    return seat.participant.role === "relay" ? this.#bridge(seat, now) : [];
  }

  /** Those who want pieces, or have them, as far as they are there. */
  count(): { readonly takers: number; readonly holders: number } {
    return { takers: this.#counts.taker, holders: this.#counts.holder };
  }

  /** Asked for by each of thousands of drones, so it is kept and not counted. */
  #recount(seat: Seat): void {
    const before = seat.countedAs;
    if (!seat.isConnected) seat.countedAs = undefined;
    else if (isTaking(seat)) seat.countedAs = "taker";
    else seat.countedAs = isHolding(seat) ? "holder" : undefined;
    if (before) this.#counts[before]--;
    if (seat.countedAs) this.#counts[seat.countedAs]++;
  }

  /** The relay whose drone it is, or behind which a relay is; undefined when there is none that lives. */
  #relayFor({ name, role, zone, parent }: Participant): Participant | undefined {
    if (role === "relay") {
      const above = parent === undefined ? undefined : this.seats.get(parent);
      return above?.isConnected ? above.participant : undefined;
    }
    const relay = zone === undefined ? undefined : this.#options.relayOf(zone);
    return relay?.name === name || this.#hasFailed(relay) ? undefined : relay;
  }

  /** It lives, but is of no use for this artifact. */
  #hasFailed(relay: Participant | undefined): boolean {
    return relay !== undefined && this.seats.get(relay.name)?.report?.state === "failed";
  }

  #carry(relay: Participant, now: number): readonly TrackerEffect[] {
    if (this.seats.get(relay.name)?.isConnected) return [];
    this.#recount(this.seats.put(relay, now));
    return [{ kind: "carry", relay: relay.name }];
  }

  /** A relay feeds as many itself as it can feed well. */
  #attach(seat: Seat, { name }: Participant): void {
    const relay = this.seats.get(name);
    if (!relay || seat.peers.has(name)) return;
    const children = [...relay.peers].map((child) => this.seats.get(child));
    const fed = children.filter((child) => child && isTaking(child) && child.isConnected);
    if (seat.participant.role === "relay" || fed.length < relayChildrenMax) this.#meet(seat)(relay);
  }

  #firstPeers(seat: Seat, relay: Participant | undefined, known: number): readonly Seat[] {
    const { participant } = seat;
    const isAcceptable = this.#acceptable(seat);
    const { fraction } = this.#options;
    if (participant.role === "relay") return this.#holdersFor(seat);
    const near = this.seats.zone(participant.zone);
    const missing = nearPeers + farPeers - known;
    if (missing <= 0) return [];
    if (relay) {
      const isNeighbour = (one: Seat) => one.participant.role === "drone" && isAcceptable(one);
      return sampleEvenly(poolOf(near), missing, { isAcceptable: isNeighbour, linesOf, fraction });
    }
    const far = this.seats.outside(participant.zone, this.#isOpen);
    const wanted = { near: Math.max(0, missing - farPeers), far: Math.min(missing, farPeers) };
    return pickPeers({ near: poolOf(near), far, isAcceptable, linesOf, fraction }, wanted);
  }

  /** Whether pieces go in and out of a zone as they like. */
  readonly #isOpen = (zone: string): boolean =>
    zone === "" || this.#options.relayOf(zone) === undefined;

  #acceptable(seat: Seat): (one: Seat) => boolean {
    return (one) => isSuitable(seat, one);
  }

  #usable(seat: Seat, name: string): SwarmPeer[] {
    const peer = this.seats.get(name);
    return peer?.isConnected && isBelieved(peer, seat) ? [peerOf(peer.participant)] : [];
  }

  /** The hub itself, for a few: the first ones, relays, and whoever is the first of its zone. */
  #hubFor(seat: Seat, relay: Participant | undefined): SwarmPeer[] {
    const { hub } = this.#options;
    const { zone, role } = seat.participant;
    if (!hub || relay || !isTaking(seat)) return [];
    const isFirst = () => this.seats.zone(zone).every((one) => one === seat || !one.isHubChild);
    const bound = role === "relay" || isFirst() ? hubChildrenUrgentMax : hubChildrenFirst;
    if (!seat.isHubChild && this.#hubChildren >= bound) return [];
    this.#adopt(seat);
    return [hub];
  }

  #adopt(seat: Seat): void {
    if (!seat.isHubChild) this.#hubChildren++;
    seat.isHubChild = true;
  }

  #leaveHub(seat: Seat): void {
    if (seat.isHubChild) this.#hubChildren--;
    seat.isHubChild = false;
  }

  /** Remembers that both know each other. */
  #meet(seat: Seat): (one: Seat) => SwarmPeer {
    return (one) => {
      seat.peers.add(one.participant.name);
      one.peers.add(seat.participant.name);
      return peerOf(one.participant);
    };
  }

  #holdersFor(relay: Seat): readonly Seat[] {
    const { zone } = relay.participant;
    const isAcceptable = this.#acceptable(relay);
    const known = [...relay.peers].filter(
      (name) => this.seats.get(name)?.participant.zone !== zone,
    );
    const isHolder = (one: Seat) => isHolding(one) && isAcceptable(one);
    const far = this.seats.outside(zone, () => true);
    return sample(far, holdersOfRelay - known.length, isHolder, this.#options.fraction);
  }

  /** The first ones that have everything become known to relays that lack such. */
  #tellRelays(holder: Seat): readonly TrackerEffect[] {
    const effects: TrackerEffect[] = [];
    for (const seat of this.seats.relays) {
      const { zone, name } = seat.participant;
      if (zone === holder.participant.zone || !isTaking(seat)) continue;
      if (!seat.isConnected || !this.#holdersFor(seat).includes(holder)) continue;
      effects.push({ kind: "introduce", to: name, peers: [this.#meet(seat)(holder)] });
    }
    return effects;
  }

  /** Once the others have come too: those with few lines get to know each other. */
  #fillUp(seat: Seat, now: number): readonly TrackerEffect[] {
    const { name, role } = seat.participant;
    if (seat.isFilled || now - seat.since < times.settledMs || role === "relay") return [];
    seat.isFilled = true;
    if (!isTaking(seat)) return [];
    const { fraction } = this.#options;
    const hasRoom = this.#acceptable(seat);
    const isAcceptable = (one: Seat) =>
      one.participant.role === "drone" && linesOf(one) < degreeWanted && hasRoom(one);
    const { zone } = seat.participant;
    const near = poolOf(this.seats.zone(zone));
    const missing = Math.max(0, degreeWanted - linesOf(seat));
    const isClosed = this.#relayFor(seat.participant) !== undefined;
    const far = isClosed ? poolOf<Seat>() : this.seats.outside(zone, this.#isOpen);
    const question = { near, far, isAcceptable, linesOf, fraction };
    const chosen = pickPeers(question, { near: missing, far: 0 });
    const peers = [...this.#hubFarFromIt(seat), ...chosen.map(this.#meet(seat))];
    return peers.length === 0 ? [] : [{ kind: "introduce", to: name, peers }];
  }

  /** The hub, for some who know nobody who gets pieces from it. */
  #hubFarFromIt(seat: Seat): SwarmPeer[] {
    const { hub } = this.#options;
    if (!hub || seat.isHubChild || this.#hubChildren >= hubChildrenMax) return [];
    if (this.#relayFor(seat.participant)) return [];
    for (const name of seat.peers) if (this.seats.get(name)?.isHubChild === true) return [];
    this.#adopt(seat);
    return [hub];
  }

  /** By a relay to which pieces come: its zone has nothing else to do than to wait for the long line. */
  #isFed({ participant }: Seat, now: number): boolean {
    const relay = this.#relayFor(participant);
    const above = relay && this.seats.get(relay.name);
    return above !== undefined && isTaking(above) && now - above.movedAt < times.stillMs;
  }

  #isStuck(seat: Seat, now: number): boolean {
    return isTaking(seat) && (now - seat.movedAt >= times.movingMs || this.#known(seat) < knownMin);
  }

  /** Peers that it knows and that are there. */
  #known(seat: Seat): number {
    let count = 0;
    for (const name of seat.peers) if (this.seats.get(name)?.isConnected === true) count++;
    return count;
  }

  #helpOut(seat: Seat, now: number): readonly TrackerEffect[] {
    if (now - seat.lackedAt < times.lackEveryMs) return [];
    seat.lackedAt = now;
    seat.lackCount++;
    const isPatient = seat.lackCount <= patience || this.#isFed(seat, now);
    const chosen = this.#morePeers(seat, isPatient);
    const peers = [...this.#hubInNeed(seat, isPatient), ...chosen.map(this.#meet(seat))];
    const effects: TrackerEffect[] = [];
    const { name } = seat.participant;
    if (peers.length > 0) effects.push({ kind: "introduce", to: name, peers });
    // Perhaps it cannot reach anybody, but they it.
    for (const one of chosen) {
      effects.push({
        kind: "introduce",
        to: one.participant.name,
        peers: [peerOf(seat.participant)],
      });
    }
    return effects;
  }

  #morePeers(seat: Seat, isPatient: boolean): readonly Seat[] {
    const { participant } = seat;
    const { fraction } = this.#options;
    const isAcceptable = this.#acceptable(seat);
    const near = this.seats.zone(participant.zone);
    const isClosed = isPatient && this.#relayFor(participant) !== undefined;
    const isRelay = participant.role === "relay";
    const asked = { isAcceptable, linesOf, fraction };
    if (isClosed && !isRelay) return sampleEvenly(poolOf(near), morePeers, asked);
    // In need a closed zone opens: its relay may be what is stuck.
    const far = this.seats.outside(participant.zone, isPatient ? this.#isOpen : () => true);
    return pickPeers({ near: poolOf(near), far, ...asked }, { near: 1, far: morePeers - 1 });
  }

  #hubInNeed(seat: Seat, isPatient: boolean): SwarmPeer[] {
    const { hub } = this.#options;
    if (!hub) return [];
    const isClosed = this.#relayFor(seat.participant) !== undefined;
    if (isPatient && (isClosed || this.#hubChildren >= hubChildrenUrgentMax)) return [];
    this.#adopt(seat);
    return [hub];
  }

  /** Some of a zone whose relay went know others again; the rest gets it from them. */
  #bridge(relay: Seat, now: number): readonly TrackerEffect[] {
    const { zone } = relay.participant;
    if (zone === undefined) return [];
    const other = this.#options.relayOf(zone);
    const next = this.#hasFailed(other) ? undefined : other;
    const isWanting = (one: Seat) => one.isConnected && one !== relay && isTaking(one);
    const chosen = sample(
      poolOf(this.seats.zone(zone)),
      bridges,
      isWanting,
      this.#options.fraction,
    );
    // Nobody is left who wants it: another relay need not fetch it either.
    const effects = next && chosen.length > 0 ? [...this.#carry(next, now)] : [];
    for (const seat of chosen) {
      const { name } = seat.participant;
      const peers = next ? this.#meetRelay(seat, next) : this.#meetStrangers(seat);
      if (name !== next?.name && peers.length > 0)
        effects.push({ kind: "introduce", to: name, peers });
    }
    return effects;
  }

  #meetRelay(seat: Seat, { name }: Participant): readonly SwarmPeer[] {
    const relay = this.seats.get(name);
    return relay && relay !== seat ? [this.#meet(seat)(relay)] : [];
  }

  #meetStrangers(seat: Seat): readonly SwarmPeer[] {
    const strangers = this.#morePeers(seat, false);
    return [...this.#hubFor(seat, undefined), ...strangers.map(this.#meet(seat))];
  }

  /** Only of those he met, and of few: whoever complains about everybody may be the bad one himself. */
  #complaints(seat: Seat): readonly TrackerEffect[] {
    const effects: TrackerEffect[] = [];
    const { name } = seat.participant;
    if (seat.complaints.size >= complaintsMax) return effects;
    for (const { peer } of seat.report?.banned ?? []) {
      const bad = this.seats.get(peer);
      if (!bad || bad === seat || !seat.peers.has(peer) || bad.complaints.has(name)) continue;
      const made = this.#complained.get(name) ?? 0;
      if (made >= complainedMax) break;
      this.#complained.set(name, made + 1);
      bad.complaints.add(name);
      if (bad.complaints.size !== complaintsMax) continue;
      effects.push({ kind: "out", name: peer, by: [...bad.complaints] });
    }
    return effects;
  }
}
