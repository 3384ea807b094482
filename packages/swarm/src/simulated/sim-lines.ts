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
import type { PeerLine, PeerLineHandlers, PeerNetwork } from "../world.js";

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
  readonly encodeClaim: (claim: Claim) => string;
}

/** A long line that two zones share: so many bytes a second in each direction. */
interface Strait {
  readonly bytesPerSecond: number;
  freeAt: number;
  carriedBytes: number;
}

export class SimLines {
  readonly #hosts = new Map<string, Host>();
  readonly #straits = new Map<string, Strait>();
  readonly #zoneOf = new Map<string, string>();
  readonly #options: Required<Omit<SimLinesOptions, "delayMs">>;
  readonly #delayOf: (from: string, to: string) => number;

  constructor(options: SimLinesOptions) {
    const { delayMs = 1 } = options;
    this.#delayOf = typeof delayMs === "number" ? () => delayMs : delayMs;
    this.#options = { partBytes: 16 * 1024, systemBytes: 256 * 1024, ...options };
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
    return new LineEnd({
      ...this.#options,
      from,
      to,
      claim,
      delayMs: this.#delayOf(from.host.name, to.host.name),
      strait: this.#straits.get(zones.join(">")),
    });
  }
}

class Host {
  readonly host: SimHost;
  readonly ends = new Set<LineEnd>();
  /** Lines with something to send, in the order of their turns. */
  readonly #waiting: LineEnd[] = [];
  #isSending = false;
  downFreeAt = 0;
  sentBytes = 0;

  constructor(host: SimHost) {
    this.host = host;
  }

  /** A line has something to send, and may. */
  wants(end: LineEnd, clock: Clock): void {
    this.#waiting.push(end);
    if (!this.#isSending) this.#sendNext(clock);
  }

  #sendNext(clock: Clock): void {
    const end = this.#waiting.shift();
    if (!end) return;
    const part = end.takePart();
    if (!part) {
      this.#sendNext(clock);
      return;
    }
    this.#isSending = true;
    this.sentBytes += part.bytes;
    clock.after((part.bytes * 1000) / this.host.upBytesPerSecond, () => {
      // It may want another turn, and then stands behind the others.
      end.sent(part);
      this.#isSending = false;
      this.#sendNext(clock);
    });
  }
}

interface Part {
  readonly chunks: readonly Uint8Array[];
  readonly bytes: number;
}

interface LineEndOptions extends Required<Omit<SimLinesOptions, "delayMs">> {
  readonly from: Host;
  readonly to: Host;
  readonly claim: Claim;
  readonly delayMs: number;
  readonly strait: Strait | undefined;
}

/** One end of a line, and the direction that goes out of it. */
class LineEnd implements PeerLine {
  readonly #options: LineEndOptions;
  #other: LineEnd | undefined;
  #handlers: PeerLineHandlers | undefined;
  #closed: string | undefined;
  #isToldClosed = false;
  #isPaused = false;
  readonly #out: Uint8Array[] = [];
  #outBytes = 0;
  #underWayBytes = 0;
  #isWaiting = false;
  #isDrained = true;
  /** Arrived, and not yet taken by who listens. */
  readonly #arrived: Part[] = [];

  constructor(options: LineEndOptions) {
    this.#options = options;
    options.from.ends.add(this);
  }

  get claim(): Claim {
    return this.#options.claim;
  }

  get remoteHost(): string {
    return this.#options.to.host.name;
  }

  get bufferedBytes(): number {
    return Math.max(0, this.#outBytes - this.#options.systemBytes);
  }

  join(other: LineEnd): void {
    this.#other = other;
  }

  send(bytes: Uint8Array): void {
    if (this.#closed !== undefined) return;
    // The system has a copy of its own: the sender may use its buffer again once it is drained.
    this.#out.push(bytes.slice());
    this.#outBytes += bytes.length;
    this.#isDrained = false;
    this.#want();
    this.#tellDrained();
  }

  listen(handlers: PeerLineHandlers): void {
    this.#handlers = handlers;
    this.#options.clock.after(0, () => {
      this.#deliver();
      this.#tellClosed();
    });
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#options.clock.after(0, () => this.#deliver());
  }

  close(): void {
    this.reset("closed by the other side", "closed here");
  }

  /** Ends it here at once, and on the other side when word of it comes there. */
  reset(reason: string, reasonHere = reason): void {
    const other = this.#other;
    if (this.#closed !== undefined) return;
    this.break(reasonHere);
    this.#options.clock.after(this.#options.delayMs, () => other?.break(reason));
  }

  break(reason: string): void {
    if (this.#closed !== undefined) return;
    this.#closed = reason;
    this.#options.from.ends.delete(this);
    this.#out.length = 0;
    this.#outBytes = 0;
    this.#options.clock.after(0, () => this.#tellClosed());
  }

  /** The next bytes to go; undefined when nothing may go now. */
  takePart(): Part | undefined {
    this.#isWaiting = false;
    const { partBytes } = this.#options;
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    while (bytes < partBytes) {
      const first = this.#out[0];
      if (!first) break;
      const room = partBytes - bytes;
      if (first.length <= room) this.#out.shift();
      else this.#out[0] = first.subarray(room);
      const chunk = first.length <= room ? first : first.subarray(0, room);
      chunks.push(chunk);
      bytes += chunk.length;
    }
    if (bytes === 0) return undefined;
    this.#underWayBytes += bytes;
    return { chunks, bytes };
  }

  /** It has left the host. */
  sent(part: Part): void {
    const { clock, delayMs, strait, to } = this.#options;
    if (this.#closed === undefined) {
      this.#outBytes -= part.bytes;
      this.#tellDrained();
      this.#want();
    }
    const passed = strait ? pass(strait, part.bytes, clock.monotonic()) : 0;
    clock.after(delayMs + passed, () => {
      const now = clock.monotonic();
      to.downFreeAt =
        Math.max(to.downFreeAt, now) + (part.bytes * 1000) / to.host.downBytesPerSecond;
      clock.after(to.downFreeAt - now, () => this.#other?.arrive(part));
    });
  }

  arrive(part: Part): void {
    if (this.#closed !== undefined) return;
    this.#arrived.push(part);
    this.#deliver();
  }

  #deliver(): void {
    while (this.#handlers && !this.#isPaused && this.#closed === undefined) {
      const part = this.#arrived.shift();
      if (!part) return;
      this.#other?.taken(part.bytes);
      for (const chunk of part.chunks) {
        if (this.#closed !== undefined) return;
        this.#handlers.data(chunk);
      }
    }
  }

  /** The other side has read so much. */
  taken(bytes: number): void {
    this.#underWayBytes -= bytes;
    this.#want();
  }

  #tellClosed(): void {
    if (this.#closed === undefined || this.#isToldClosed || !this.#handlers) return;
    this.#isToldClosed = true;
    this.#handlers.closed(this.#closed);
  }

  #want(): void {
    const { clock, delayMs, from, partBytes, systemBytes } = this.#options;
    if (this.#isWaiting || this.#out.length === 0) return;
    const trip = (from.host.upBytesPerSecond * 2 * delayMs) / 1000;
    if (this.#underWayBytes > Math.max(systemBytes / 4, 2 * partBytes) + trip) return;
    this.#isWaiting = true;
    from.wants(this, clock);
  }

  #tellDrained(): void {
    if (this.#isDrained || this.bufferedBytes > 0) return;
    this.#isDrained = true;
    this.#options.clock.after(0, () => {
      if (this.#isDrained && this.#closed === undefined) this.#handlers?.drained();
    });
  }
}

/** How long bytes take through a line that others use too. */
function pass(strait: Strait, bytes: number, now: number): number {
  strait.freeAt = Math.max(strait.freeAt, now) + (bytes * 1000) / strait.bytesPerSecond;
  strait.carriedBytes += bytes;
  return strait.freeAt - now;
}
