/**
 * How many connections each visitor has, so that nobody alone takes all there are:
 *
 *     accepted ── take ──> Place ── PROXY header: move ──> his whom it carries ── closed: giveBack
 *                   └── all taken: closed at once, counted, said in the log now and then
 *
 * One count for each address (IPv6: network of 64 bits) that has any. Proxies in front, which bring many visitors, have
 * as many as they like.
 */
import type { Log } from "@propagit/runtime";
import { plainAddress, visitorNetwork, type NetworkList } from "../core/networks.js";

/** Between two words in the log about connections that were closed. */
const silenceMs = 60_000;

export interface AddressPlacesOptions {
  /** 0: as many as there are. */
  readonly max: number;
  readonly trusted: NetworkList;
  readonly log: Log;
}

export class AddressPlaces {
  /** Connections that were closed since their address had too many; since the start. */
  refused = 0;
  readonly #options: AddressPlacesOptions;
  readonly #counts = new Map<string, number>();
  #saidAtMs = -Infinity;
  #refusedBefore = 0;

  constructor(options: AddressPlacesOptions) {
    this.#options = options;
  }

  /** Whether anybody has to ask who it is. */
  get isBounded(): boolean {
    return this.#options.max > 0;
  }

  /** Addresses with connections. */
  get size(): number {
    return this.#counts.size;
  }

  /** @param address undefined where nobody knows it. @returns undefined: there is none left for it */
  take(address: string | undefined): Place | undefined {
    const plain = address === undefined ? undefined : plainAddress(address);
    if (plain === undefined || !this.isBounded) return new Place(this, plain, undefined);
    const key = this.count(plain);
    return key === undefined ? undefined : new Place(this, plain, key);
  }

  /** For a place: one more. @returns what it is counted as; undefined: it may not be */
  count(address: string): string | undefined {
    const { max, trusted } = this.#options;
    const key = visitorNetwork(address);
    const count = this.#counts.get(key) ?? 0;
    if (count >= max && !trusted.has(address)) {
      this.#refuse(address);
      return undefined;
    }
    this.#counts.set(key, count + 1);
    return key;
  }

  /** For a place: one less. */
  discount(key: string): void {
    const count = this.#counts.get(key) ?? 0;
    if (count > 1) this.#counts.set(key, count - 1);
    else this.#counts.delete(key);
  }

  #refuse(address: string): void {
    this.refused += 1;
    const nowMs = performance.now();
    if (nowMs - this.#saidAtMs < silenceMs) return;
    const { max, log } = this.#options;
    const closed = this.refused - this.#refusedBefore;
    log.warn(
      `closes connections of ${address}: it has ${max}, as many as one address may (${closed} closed since the last word of this); name it with --trust if it is a proxy in front, or allow more with --max-connections-per-address`,
    );
    this.#saidAtMs = nowMs;
    this.#refusedBefore = this.refused;
  }
}

/** Of one connection. */
export class Place {
  /** Where the connection comes from, as it was accepted; undefined where nobody asked. */
  readonly address: string | undefined;
  readonly #places: AddressPlaces;
  #key: string | undefined;

  constructor(places: AddressPlaces, address: string | undefined, key: string | undefined) {
    this.#places = places;
    this.address = address;
    this.#key = key;
  }

  /** The connection carries somebody else, whose it is from now on. @returns false: he has too many */
  move(address: string): boolean {
    if (!this.#places.isBounded) return true;
    const key = this.#places.count(plainAddress(address));
    if (key === undefined) return false;
    this.giveBack();
    this.#key = key;
    return true;
  }

  /** It is over; more than once does nothing. */
  giveBack(): void {
    if (this.#key === undefined) return;
    this.#places.discount(this.#key);
    this.#key = undefined;
  }
}
