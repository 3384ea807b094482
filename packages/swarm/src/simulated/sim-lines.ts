/**
 * Lines between simulated hosts that take as long as real ones would: each host has so many bytes a second up
 * and down, shared between its lines; a line has a delay, and a buffer in the "system" at either end.
 *
 *     send --> [not yet with the system] --> [system] --+
 *     send --> [not yet with the system] --> [system] --+-- up, line by line --> delay --> down, in order --> data
 *     send --> [not yet with the system] --> [system] --+
 *
 * Bytes go in small parts, one line after the other, as packets of several TCP connections do. A line has only
 * so much under way that is not yet taken; so who reads slowly, or has a full line down, slows its sender.
 */
import { PropagitError, type Address } from "@propagit/protocol";
import type { Clock } from "@propagit/runtime";
import type { Claim } from "../core/claim.js";
import type { PeerLine, PeerNetwork } from "../world.js";
import { Host, LineEnd, type Strait } from "./sim-line-end.js";

export interface SimHost {
  readonly name: string;
  readonly upBytesPerSecond: number;
  readonly downBytesPerSecond: number;
  /** Who listens: the key of an identity, and what becomes of a line. Absent: nobody can dial it. */
  listener?: SimListener;
  /** Nothing comes or goes any more; lines break off without a word. */
  isDown?: boolean;
}

export interface SimListener {
  readonly keyFor: (identity: string) => string | undefined;
  readonly accept: (line: PeerLine) => void;
}

export interface SimLinesOptions {
  readonly clock: Clock;
  /** One way. Default: 1 ms. */
  readonly delayMs?: number | ((from: string, to: string) => number);
  /** Bytes that go at once before it is another line's turn. Default: 16 KiB. */
  readonly partBytes?: number;
  /** What the system takes of a line before it is sent. Default: 256 KiB. */
  readonly systemBytes?: number;
  /**
   * How many times its length a message takes on a line, so that pieces of a thousandth of their size, which
   * thousands of hosts can hold, take as long as real ones beside everything else that is said. Default: once.
   */
  readonly weightOf?: (message: Uint8Array) => number;
  readonly encodeClaim: (claim: Claim) => string;
}

export class SimLines {
  readonly #hosts = new Map<string, Host>();
  readonly #straits = new Map<string, Strait>();
  readonly #zoneOf = new Map<string, string>();
  readonly #options: Required<Omit<SimLinesOptions, "delayMs">>;
  readonly #delayOf: (from: string, to: string) => number;
  readonly #isEven: boolean;

  constructor(options: SimLinesOptions) {
    const { delayMs = 1 } = options;
    this.#isEven = typeof delayMs === "number";
    this.#delayOf = typeof delayMs === "number" ? () => delayMs : delayMs;
    const defaults = { partBytes: 16 * 1024, systemBytes: 256 * 1024, weightOf: () => 1 };
    this.#options = { ...defaults, ...options };
  }

  /** Makes a host known; its name is where it is dialled, at any port. */
  host(host: SimHost): PeerNetwork {
    const known = new Host(host);
    this.#hosts.set(host.name, known);
    return { dial: (address, claim, key) => this.#dial(known, address, claim, key) };
  }

  /** What goes from one zone to another has to share a line of so many bytes a second each way. */
  strait(zones: readonly [string, string], bytesPerSecond: number): void {
    for (const [from, to] of [zones, [...zones].reverse()])
      this.#straits.set(`${from}>${to}`, { bytesPerSecond, freeAt: 0, carriedBytes: 0 });
  }

  place(host: string, zone: string): void {
    this.#zoneOf.set(host, zone);
  }

  /** Bytes that went from one zone to the other. */
  carriedBytes(from: string, to: string): number {
    return this.#straits.get(`${from}>${to}`)?.carriedBytes ?? 0;
  }

  /** Bytes that a host has sent, on all lines. */
  sentBytes(host: string): number {
    return this.#hosts.get(host)?.sentBytes ?? 0;
  }

  /** Ends lines between two hosts as a network does: with a reset. */
  cut(left: string, right: string): void {
    for (const end of this.#hosts.get(left)?.ends ?? [])
      if (end.remoteHost === right) end.reset("the connection was reset");
  }

  /** Ends all lines of a host as the death of its process does: its peers see a reset. */
  kill(host: string): void {
    for (const end of this.#takeDown(host)) end.reset("the connection was reset");
  }

  /** A host is gone without a word, as when its power fails: its peers only hear nothing any more. */
  vanish(host: string): void {
    for (const end of this.#takeDown(host)) end.break("the host is down");
  }

  #takeDown(host: string): Iterable<LineEnd> {
    const found = this.#hosts.get(host);
    if (!found) return [];
    found.host.isDown = true;
    delete found.host.listener;
    return found.ends;
  }

  async #dial(from: Host, address: Address, claim: Claim, key: string): Promise<PeerLine> {
    const { clock } = this.#options;
    const delayMs = this.#delayOf(from.host.name, address.host);
    // One way for TCP and back, one for TLS 1.3 and back.
    await new Promise<void>((resolve) => clock.after(4 * delayMs, resolve));
    const to = this.#hosts.get(address.host);
    if (!to?.host.listener || to.host.isDown || from.host.isDown)
      throw new PropagitError("UNREACHABLE", `nobody answers at ${address.host}:${address.port}`);
    if (to.host.listener.keyFor(this.#options.encodeClaim(claim)) !== key)
      throw new PropagitError("DENIED", `${address.host} does not take the claim`);
    const near = this.#end(from, to, claim);
    const far = this.#end(to, from, claim);
    near.join(far);
    far.join(near);
    to.host.listener.accept(far);
    return near;
  }

  #end(from: Host, to: Host, claim: Claim): LineEnd {
    const zones = [from, to].map(({ host }) => this.#zoneOf.get(host.name) ?? "");
    const isEven = this.#isEven && this.#straits.size === 0;
    return new LineEnd({
      ...this.#options,
      from,
      to,
      claim,
      delayMs: this.#delayOf(from.host.name, to.host.name),
      isEven,
      strait: this.#straits.get(zones.join(">")),
    });
  }
}
