/**
 * One socket, as the connections see it: bytes come in by a call, go out by a call that says whether more may
 * follow, and its end is told once.
 *
 *     open ──read──> owner.transportRead      bytes are good until it returns
 *       │ ───write──> true: more may follow │ false: the bytes must stay as they are until owner.transportFlushed
 *       │ ───FIN────> owner.transportEnded    the other side has said all
 *       └────close──> owner.transportClosed   once; nothing comes after it
 *
 * Two ways to the kernel. The fast one reads into buffers of ours (`onread`, which Node offers for outgoing
 * connections and, by its handle, also for accepted ones) and hands writes straight to the socket, past the
 * queue of its stream: strings at the end of the turn (see write-batch.ts), buffers at once. The kernel takes
 * nearly all of it, and what it does not take is counted here. The plain one uses `data` events and `write`, for
 * TLS and where the fast one is missing.
 */
import { connect, Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { plainAddress } from "../core/networks.js";
import type { Place } from "./address-places.js";
import {
  giveBulkBuffer,
  headRoom,
  isBulkScarce,
  sharedBuffer,
  sharedBytes,
  takeBulkBuffer,
  type ReadBuffer,
} from "./read-buffers.js";
import { flushLater, type LateWriter } from "./write-batch.js";

export interface TransportOwner {
  transportRead(bytes: Buffer, from: number, to: number): void;
  transportEnded(): void;
  transportFlushed(): void;
  /** @param reason undefined when it was ended in order */
  transportClosed(reason: string | undefined): void;
}

type Written = (error?: Error | null) => void;
interface Writing {
  _write(data: string | Buffer, encoding: string, written: Written): void;
}

const nothing = Buffer.alloc(0);
/** More than that does not wait for the end of the turn. */
const laterCharsMax = 64 * 1024;

export class Transport implements LateWriter {
  owner: TransportOwner;
  isPaused = false;
  isClosed = false;
  /** Whether our FIN was said. */
  isEnding = false;
  /** Of a visitor's connection; given back with its end. */
  place: Place | undefined;
  readonly #socket: Socket;
  readonly #writing: Writing | undefined;
  #reading: ReadBuffer | undefined;
  #wantsBulk = false;
  /** Of the last read. */
  #readBytes = 0;
  /** Where the kernel writes to now. */
  #armed: ReadBuffer | undefined;
  /** Of others, while their bytes are on their way out here. */
  readonly #borrowed: ReadBuffer[] = [];
  /** What goes to the kernel at the end of the turn. */
  #later = "";
  /** Writes that the kernel has not taken yet. */
  #pending = 0;
  /** Of the last write. */
  #pendingBytes = 0;
  #isWriting = false;
  #isHurried = false;
  #reason: string | undefined;

  private constructor(
    owner: TransportOwner,
    open: (transport: Transport) => Socket,
    isDirect: boolean,
  ) {
    this.owner = owner;
    this.#socket = open(this);
    this.#writing = isDirect ? this.#socket : undefined;
    this.#socket
      .on("end", () => this.owner.transportEnded())
      .on("error", (error: NodeJS.ErrnoException) => {
        this.#reason ??= error.code ?? error.message;
      })
      .on("close", () => this.#closed());
  }

  /** Over a socket that is there: accepted, or secured. */
  static over(socket: Socket, owner: TransportOwner): Transport {
    const transport = new Transport(owner, () => socket, false);
    socket.on("data", (bytes: Buffer) => transport.owner.transportRead(bytes, 0, bytes.length));
    return transport;
  }

  /** Over an accepted handle of Node's that no socket has been made of; see `acceptFast`. */
  static overHandle(handle: object, owner: TransportOwner): Transport {
    const open = (transport: Transport) =>
      // `handle` is not in the documentation of the constructor; see `acceptFast`.
      new Socket({ handle, allowHalfOpen: true, onread: transport.#onread() } as object);
    return new Transport(owner, open, true);
  }

  /** To an endpoint; `owner` is told by `connected` or `transportClosed`. */
  static connect(
    place: { readonly host: string; readonly port: number; readonly isFast: boolean },
    owner: TransportOwner,
    connected: () => void,
  ): Transport {
    const { host, port, isFast } = place;
    const open = (transport: Transport) =>
      connect({ host, port, noDelay: true, allowHalfOpen: true, onread: transport.#onread() });
    const transport = new Transport(owner, open, isFast);
    transport.#socket.once("connect", connected);
    return transport;
  }

  get remoteAddress(): string {
    return this.place?.address ?? plainAddress(this.#socket.remoteAddress ?? "unknown");
  }

  get remotePort(): number {
    return this.#socket.remotePort ?? 0;
  }

  get localPort(): number {
    return this.#socket.localPort ?? 0;
  }

  /** The kernel has all of it. */
  get isFlushed(): boolean {
    return this.#pending === 0 && this.#later === "";
  }

  /** Nothing waits for the other side: what is written now is likely to be taken. */
  get takesMore(): boolean {
    return this.#pending === 0;
  }

  /** About so many bytes wait for the other side. */
  get pendingBytes(): number {
    return this.#pending === 0 ? 0 : this.#pendingBytes;
  }

  /**
   * @param data a string is `latin1`, one byte a character, and nobody's afterwards
   * @returns whether more may follow at once; if not, `transportFlushed` tells when
   */
  write(data: string | Buffer): boolean {
    if (this.isClosed) return true;
    if (this.#writing === undefined) return this.#writeQueued(data);
    if (typeof data !== "string" || !this.takesMore) {
      this.flush();
      return this.#writeNow(this.#writing, data);
    }
    const isFirst = this.#later === "";
    this.#later += data;
    // It may be flushed in here.
    if (isFirst) flushLater(this);
    else if (this.#later.length > laterCharsMax) this.flush();
    return this.takesMore;
  }

  /** Hands over now what would wait for the end of the turn. */
  flush(): void {
    if (this.#later === "" || this.#writing === undefined) return;
    const data = this.#later;
    this.#later = "";
    if (!this.isClosed) this.#writeNow(this.#writing, data);
  }

  /**
   * From now on nothing waits in the kernel for more to send with it (TCP_NODELAY). A connection that is closed
   * after one answer in one piece never needs it.
   */
  hurry(): void {
    if (this.#isHurried || this.isClosed) return;
    this.#isHurried = true;
    this.#socket.setNoDelay(true);
  }

  /** Stops to read; what is on its way waits in the kernel, and then in the other side. */
  pause(): void {
    if (this.isPaused || this.isClosed) return;
    this.isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.isPaused || this.isClosed) return;
    this.isPaused = false;
    this.#socket.resume();
  }

  /** From the next read on: a buffer of its own for what is large, or the shared one. */
  wantBulk(isWanted: boolean): void {
    this.#wantsBulk = isWanted;
  }

  /** What was just read is still on its way out of `to`: the next read goes elsewhere. */
  lendBuffer(to: Transport): void {
    const buffer = this.#reading;
    if (buffer === undefined || buffer === sharedBuffer) return;
    this.#reading = undefined;
    to.#borrowed.push(buffer);
  }

  /** Says that nothing more comes from here, after all that was written. */
  end(): void {
    if (this.isEnding || this.isClosed) return;
    this.isEnding = true;
    this.flush();
    this.#socket.end();
  }

  /** Closes at once. @param isHard with a reset: what looks like an end would pass for a whole answer */
  destroy(isHard = false): void {
    if (this.isClosed) return;
    this.flush();
    // TLS has no reset, and needs none: its end has a sign of its own.
    if (isHard && !(this.#socket instanceof TLSSocket)) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  #writeNow(writing: Writing, data: string | Buffer): boolean {
    this.#pending++;
    this.#isWriting = true;
    writing._write(data, typeof data === "string" ? "latin1" : "buffer", this.#written);
    this.#isWriting = false;
    this.#pendingBytes = data.length;
    return this.#pending === 0;
  }

  #writeQueued(data: string | Buffer): boolean {
    const socket = this.#socket;
    if (typeof data === "string") socket.write(data, "latin1");
    else socket.write(data);
    if (socket.writableLength === 0) return true;
    this.#pendingBytes = socket.writableLength;
    // `drain` is silent below the high-water mark; the end of an empty write is not.
    if (this.#pending === 0) {
      this.#pending = 1;
      socket.write(nothing, this.#written);
    }
    return false;
  }

  readonly #written: Written = (error) => {
    this.#pending--;
    if (error) {
      this.#reason ??= (error as NodeJS.ErrnoException).code ?? error.message;
      this.#socket.destroy();
    } else if (this.#pending === 0 && !this.#isWriting) {
      this.#returnBorrowed();
      this.owner.transportFlushed();
    }
  };

  #returnBorrowed(): void {
    for (const buffer of this.#borrowed) giveBulkBuffer(buffer);
    this.#borrowed.length = 0;
  }

  #onread(): { buffer: () => Buffer; callback: (count: number) => boolean } {
    return {
      // Asked once at first, then after each read, where undefined keeps the buffer of before.
      buffer: () => this.#nextWindow() as Buffer,
      callback: (count) => {
        this.#readBytes = count;
        const { bytes } = this.#reading as ReadBuffer;
        this.owner.transportRead(bytes, headRoom, headRoom + count);
        return true;
      },
    };
  }

  #nextWindow(): Buffer | undefined {
    let buffer = this.#reading;
    // Who is paused owns none: what it had may be lent, and nobody knows for how long.
    if (this.#wantsBulk && !this.isPaused && (this.#readBytes >= sharedBytes || !isBulkScarce())) {
      if (buffer === undefined || buffer === sharedBuffer) buffer = takeBulkBuffer();
    } else if (buffer !== sharedBuffer) {
      if (buffer) giveBulkBuffer(buffer);
      buffer = sharedBuffer;
    }
    this.#reading = buffer;
    if (buffer === this.#armed) return undefined;
    this.#armed = buffer;
    return buffer.window;
  }

  #closed(): void {
    this.isClosed = true;
    if (this.#reading && this.#reading !== sharedBuffer) giveBulkBuffer(this.#reading);
    this.#reading = undefined;
    this.#returnBorrowed();
    this.place?.giveBack();
    this.owner.transportClosed(this.#reason);
  }
}
