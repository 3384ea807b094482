/** Who takes part in one artifact, by name and by zone. */
import type { ShareReport, SwarmPeer } from "@propagit/protocol";
import { poolOf, type Pool } from "./introduce.js";

/** Somebody who takes part, and where others dial it. */
export interface Participant {
  readonly name: string;
  readonly role: "relay" | "drone";
  readonly host: string;
  readonly port: number;
  readonly zone?: string;
  /** Of a relay that is behind another one: that one's name. */
  readonly parent?: string;
}

export interface Seat {
  participant: Participant;
  report: ShareReport | undefined;
  isConnected: boolean;
  readonly since: number;
  /** When a piece came last, or it came itself. */
  movedAt: number;
  /** When it was last given more peers because it lacked some, and how often. */
  lackedAt: number;
  lackCount: number;
  /** As it is counted: see `Tracker.count`. */
  countedAs: "taker" | "holder" | undefined;
  /** It may dial the hub. */
  isHubChild: boolean;
  /** It was looked at whether it came so late that it knows only few. */
  isFilled: boolean;
  /** Names of those that it was introduced to, or that were introduced to it. */
  readonly peers: Set<string>;
  /** Who no longer believes it. */
  readonly complaints: Set<string>;
}

export class Seats {
  readonly #byName = new Map<string, Seat>();
  readonly #zones = new Map<string, Seat[]>();
  readonly relays = new Set<Seat>();

  get(name: string): Seat | undefined {
    return this.#byName.get(name);
  }

  get all(): Iterable<Seat> {
    return this.#byName.values();
  }

  get size(): number {
    return this.#byName.size;
  }

  /** Makes a seat, or brings one up to date. */
  put(participant: Participant, now: number): Seat {
    const before = this.#byName.get(participant.name);
    if (before) this.#dropFromZone(before);
    const seat = before ?? newSeat(participant, now);
    seat.participant = participant;
    seat.isConnected = true;
    this.#byName.set(participant.name, seat);
    this.#list(participant.zone).push(seat);
    if (participant.role === "relay") this.relays.add(seat);
    else this.relays.delete(seat);
    return seat;
  }

  /** Those of a zone; of none: those without a zone. */
  zone(zone: string | undefined): readonly Seat[] {
    return this.#list(zone);
  }

  #list(zone: string | undefined): Seat[] {
    const key = zone ?? "";
    const known = this.#zones.get(key);
    if (known) return known;
    const fresh: Seat[] = [];
    this.#zones.set(key, fresh);
    return fresh;
  }

  /** Those of all other zones that count. */
  outside(zone: string | undefined, includes: (zone: string) => boolean): Pool<Seat> {
    const lists = [...this.#zones].filter(([key]) => key !== (zone ?? "") && includes(key));
    return poolOf(...lists.map(([, seats]) => seats));
  }

  #dropFromZone(seat: Seat): void {
    const seats = this.#list(seat.participant.zone);
    const at = seats.indexOf(seat);
    const last = seats.pop();
    if (last && last !== seat && at >= 0) seats[at] = last;
  }
}

export function isHolding(seat: Seat): boolean {
  const state = seat.report?.state;
  return state === "whole" || state === "used";
}

/** It still wants pieces. */
export function isTaking(seat: Seat): boolean {
  return seat.report === undefined || seat.report.state === "taking";
}

export function peerOf({ name, role, host, port, zone }: Participant): SwarmPeer {
  return { name, role, host, port, ...(zone !== undefined && { zone }) };
}

function newSeat(participant: Participant, now: number): Seat {
  return {
    participant,
    report: undefined,
    isConnected: true,
    since: now,
    movedAt: now,
    lackedAt: Number.NEGATIVE_INFINITY,
    lackCount: 0,
    countedAs: undefined,
    isHubChild: false,
    isFilled: false,
    peers: new Set(),
    complaints: new Set(),
  };
}
