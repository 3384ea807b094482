/**
 * The ends of simulated lines, and the hosts that they share: who sends when, and when it arrives. A message waits
 * until it is its line's turn, then for the delay, then for its turn on the other host's line down.
 */
import type { Clock } from "@propagit/runtime";
import type { Claim } from "../core/claim.js";
import type { PeerLine, PeerLineHandlers } from "../world.js";
import type { SimHost, SimLinesOptions } from "./sim-lines.js";

/** A long line that two zones share: so many bytes a second in each direction. */
export interface Strait {
  readonly bytesPerSecond: number;
  freeAt: number;
  carriedBytes: number;
}

export class Host {
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

interface Chunk {
  readonly content: Uint8Array;
  /** Each of its bytes is so many on the line. */
  readonly weight: number;
}

interface Part {
  readonly chunks: readonly Uint8Array[];
  /** On the line. */
  readonly bytes: number;
}

interface LineEndOptions extends Required<Omit<SimLinesOptions, "delayMs">> {
  readonly from: Host;
  readonly to: Host;
  readonly claim: Claim;
  readonly delayMs: number;
  /** All lines have this delay, and none is shared: what was sent first arrives first. */
  readonly isEven: boolean;
  readonly strait: Strait | undefined;
}

/** One end of a line, and the direction that goes out of it. */
export class LineEnd implements PeerLine {
  readonly #options: LineEndOptions;
  #other: LineEnd | undefined;
  #handlers: PeerLineHandlers | undefined;
  #closed: string | undefined;
  #isToldClosed = false;
  #isPaused = false;
  readonly #out: Chunk[] = [];
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
    const weight = this.#options.weightOf(bytes);
    this.#out.push({ content: bytes.slice(), weight });
    this.#outBytes += bytes.length * weight;
    if (this.bufferedBytes > 0) this.#isDrained = false;
    this.#want();
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
      const chunk = this.#takeChunk(partBytes - bytes);
      if (!chunk) break;
      chunks.push(chunk.content);
      bytes += chunk.content.length * chunk.weight;
    }
    if (bytes === 0) return undefined;
    this.#underWayBytes += bytes;
    return { chunks, bytes };
  }

  /** What comes first, or as much of it as has room on the line. */
  #takeChunk(room: number): Chunk | undefined {
    const first = this.#out[0];
    if (!first) return undefined;
    const { content, weight } = first;
    const length = Math.ceil(room / weight);
    if (content.length <= length) return this.#out.shift();
    this.#out[0] = { content: content.subarray(length), weight };
    return { content: content.subarray(0, length), weight };
  }

  /** It has left the host. */
  sent(part: Part): void {
    const { clock, delayMs, isEven, strait } = this.#options;
    if (this.#closed === undefined) {
      this.#outBytes -= part.bytes;
      this.#tellDrained();
      this.#want();
    }
    if (isEven) {
      this.#reach(part, delayMs);
      return;
    }
    const passed = strait ? pass(strait, part.bytes, clock.monotonic()) : 0;
    clock.after(delayMs + passed, () => this.#reach(part, 0));
  }

  /** In so many ms it is at the other host's line down, where its turn comes after what was there before. */
  #reach(part: Part, inMs: number): void {
    const { clock, to } = this.#options;
    const now = clock.monotonic();
    const begins = Math.max(to.downFreeAt, now + inMs);
    to.downFreeAt = begins + (part.bytes * 1000) / to.host.downBytesPerSecond;
    clock.after(to.downFreeAt - now, () => this.#other?.arrive(part));
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
