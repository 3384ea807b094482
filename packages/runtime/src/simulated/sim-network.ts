/**
 * A network that misbehaves on purpose: messages are late, lost, repeated or out of order, wires break,
 * hosts are cut off from each other; all by seed, all in virtual time.
 */
import { formatAddress, PropagitError, type Address } from "@propagit/protocol";
import { sleep, type Clock } from "../clock.js";
import type { Network, Wire, WireHandlers } from "../network.js";
import { randomBetween, type Random } from "../random.js";

export interface Faults {
  readonly delayMsMin: number;
  /** Above `delayMsMin` messages overtake each other unless `keepsOrder`. */
  readonly delayMsMax: number;
  /** As TCP does: a later message never arrives before an earlier one. */
  readonly keepsOrder: boolean;
  /** Share of messages, from 0 to 1. */
  readonly lost: number;
  readonly repeated: number;
  /** Share of messages at which the whole wire breaks. */
  readonly broken: number;
}

export const calm: Faults = {
  delayMsMin: 1,
  delayMsMax: 5,
  keepsOrder: true,
  lost: 0,
  repeated: 0,
  broken: 0,
};

type Accept = (wire: Wire, query: string) => void;

export class SimNetwork {
  faults: Faults = calm;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #services = new Map<string, Accept>();
  readonly #wires = new Set<SimWire>();
  readonly #cut = new Set<string>();

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** The network as a process on `host` sees it. */
  from(host: string): Network {
    return { connect: (address, path, limitMs) => this.#connect(host, address, path, limitMs) };
  }

  /** Offers a service; ends with the returned function, as when the process dies: wires break. */
  serve(address: Address, path: string, accept: Accept): () => void {
    const key = serviceKey(address, path);
    this.#services.set(key, accept);
    return () => {
      this.#services.delete(key);
      this.breakWires((wire) => wire.service === key);
    };
  }

  /** Nothing passes between two hosts any more; wires stay open and silent, as in a real partition. */
  cut(left: string, right: string): void {
    this.#cut.add(pairKey(left, right));
  }

  heal(left: string, right: string): void {
    this.#cut.delete(pairKey(left, right));
  }

  /** Ends the wires of a host without a word, as kill -9 does. */
  dropHost(host: string): void {
    this.breakWires((wire) => wire.localHost === host);
  }

  breakWires(which: (wire: SimWire) => boolean): void {
    for (const wire of this.#wires) if (which(wire)) wire.break("connection reset");
  }

  deliver(wire: SimWire, text: string): void {
    if (this.#isCut(wire.localHost, wire.peer.localHost)) return;
    if (this.#random.fraction() < this.faults.broken) return wire.break("connection reset");
    if (this.#random.fraction() < this.faults.lost) return;
    const copies = this.#random.fraction() < this.faults.repeated ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) this.#schedule(wire, text);
  }

  forget(wire: SimWire): void {
    this.#wires.delete(wire);
  }

  /** The other end hears of an end a moment later, unless the two are cut off from each other. */
  announceEnd(wire: SimWire, reason: string): void {
    if (this.#isCut(wire.localHost, wire.peer.localHost)) return;
    const at = wire.arrival(this.#clock.monotonic() + this.faults.delayMsMin, true);
    this.#clock.after(at - this.#clock.monotonic(), () => wire.peer.ended(reason));
  }

  #schedule(wire: SimWire, text: string): void {
    const { delayMsMin, delayMsMax, keepsOrder } = this.faults;
    const now = this.#clock.monotonic();
    const wanted = now + randomBetween(this.#random, delayMsMin, delayMsMax);
    const at = wire.arrival(wanted, keepsOrder);
    this.#clock.after(at - now, () => {
      if (!this.#isCut(wire.localHost, wire.peer.localHost)) wire.peer.receive(text);
    });
  }

  async #connect(host: string, address: Address, url: string, limitMs: number): Promise<Wire> {
    const [path = "", query = ""] = url.split("?");
    const isCut = this.#isCut(host, address.host);
    await sleep(this.#clock, isCut ? limitMs : Math.min(this.faults.delayMsMax, limitMs));
    const accept = this.#services.get(serviceKey(address, path));
    if (!accept || this.#isCut(host, address.host)) {
      const where = formatAddress(address);
      throw new PropagitError("UNREACHABLE", `nobody answers at ${where}: nothing listens there`);
    }
    const [near, far] = SimWire.pair(this, serviceKey(address, path), host, address.host);
    this.#wires.add(near).add(far);
    accept(far, query);
    return near;
  }

  #isCut(left: string, right: string): boolean {
    return this.#cut.has(pairKey(left, right));
  }
}

export class SimWire implements Wire {
  readonly bufferedBytes = 0;
  readonly service: string;
  readonly localHost: string;
  peer!: SimWire;
  readonly #network: SimNetwork;
  #handlers: WireHandlers | undefined;
  #early: string[] = [];
  #endReason: string | undefined;
  #lastArrival = 0;

  private constructor(network: SimNetwork, service: string, localHost: string) {
    this.#network = network;
    this.service = service;
    this.localHost = localHost;
  }

  static pair(network: SimNetwork, service: string, near: string, far: string): [SimWire, SimWire] {
    const left = new SimWire(network, service, near);
    const right = new SimWire(network, service, far);
    left.peer = right;
    right.peer = left;
    return [left, right];
  }

  get remoteHost(): string {
    return this.peer.localHost;
  }

  send(text: string): void {
    if (this.#endReason === undefined) this.#network.deliver(this, text);
  }

  listen(handlers: WireHandlers): void {
    this.#handlers = handlers;
    for (const text of this.#early.splice(0)) handlers.message(text);
    if (this.#endReason !== undefined) handlers.closed(this.#endReason);
  }

  close(): void {
    this.break("closed");
  }

  /** Ends this end now and the other one when the news gets there. */
  break(reason: string): void {
    if (this.#endReason !== undefined) return;
    this.ended(reason);
    this.#network.announceEnd(this, reason);
  }

  receive(text: string): void {
    if (this.#endReason !== undefined) return;
    if (this.#handlers) this.#handlers.message(text);
    else this.#early.push(text);
  }

  ended(reason: string): void {
    if (this.#endReason !== undefined) return;
    this.#endReason = reason;
    this.#network.forget(this);
    this.#handlers?.closed(reason);
  }

  /** When a message sent now arrives, given the ones before it. */
  arrival(wanted: number, keepsOrder: boolean): number {
    const at = keepsOrder ? Math.max(wanted, this.#lastArrival) : wanted;
    this.#lastArrival = Math.max(at, this.#lastArrival);
    return at;
  }
}

function serviceKey(address: Address, path: string): string {
  return `${formatAddress(address)}${path}`;
}

function pairKey(left: string, right: string): string {
  return [left, right].sort().join("|");
}
