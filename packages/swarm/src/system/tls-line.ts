/**
 * A line to a peer over TLS, after both sides have proven themselves.
 *
 * One write is under way at a time and the next begins when the system has taken it: so what is buffered here
 * is known to the byte, is not copied, and is gone at once when the line is closed.
 */
import type { TLSSocket } from "node:tls";
import type { Claim } from "../core/claim.js";
import { Rests } from "../core/rest.js";
import type { PeerLine, PeerLineHandlers } from "../world.js";
import { errnoOf } from "@propagit/runtime";
import { readOn, stopReading } from "./receive.js";
import { SendQueue } from "./send-queue.js";

/** Silence after which the system asks whether the other machine is still there; then ten times, each second. */
const keepAliveMs = 30_000;

export class TlsLine implements PeerLine {
  readonly claim: Claim;
  readonly remoteHost: string;
  readonly #socket: TLSSocket;
  readonly #queue = new SendQueue();
  #handlers: PeerLineHandlers | undefined;
  #isPaused = false;
  readonly #rests = new Rests();
  /** Runs while the line is not read, although it is not paused. */
  #rest: NodeJS.Timeout | undefined;
  #isDelivering = false;
  /** Came when nobody could take it: some records that were decrypted already when the line was paused. */
  #held: Uint8Array[] = [];
  #bufferedBytes = 0;
  /** Of the write that is under way. */
  #writingBytes = 0;
  /** The first reason wins. */
  #reason: string | undefined;
  #isClosed = false;

  /** @param socket secured; whoever reads it calls `receive` */
  constructor(socket: TLSSocket, claim: Claim, remoteHost: string) {
    this.#socket = socket;
    this.claim = claim;
    this.remoteHost = remoteHost;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, keepAliveMs);
    socket.on("error", (error) => {
      this.#reason ??= errnoOf(error) ?? error.message;
    });
    socket.on("end", () => this.#end("the other side closed it"));
    socket.on("close", () => this.#closed());
    socket.pause();
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  send(bytes: Uint8Array): void {
    if (this.#isEnded || bytes.length === 0) return;
    this.#bufferedBytes += bytes.length;
    this.#queue.push(bytes);
    if (this.#writingBytes === 0) this.#writeNext();
  }

  listen(handlers: PeerLineHandlers): void {
    this.#handlers = handlers;
    this.#deliver();
    if (this.#isClosed) handlers.closed(this.#reason ?? "closed");
    else if (!this.#isPaused) this.#socket.resume();
  }

  pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#deliver();
    if (!this.#isPaused && this.#handlers) this.#socket.resume();
  }

  close(): void {
    this.#end("closed on this side");
  }

  /** @param bytes good until it returns */
  receive(bytes: Uint8Array): void {
    if (this.#isEnded) return;
    const mustWait = this.#isPaused || this.#isDelivering || !this.#handlers;
    if (mustWait || this.#held.length > 0) this.#held.push(bytes.slice());
    else this.#take(bytes);
  }

  #take(bytes: Uint8Array): void {
    this.#handlers?.data(bytes);
    if (this.#isEnded) return;
    const expected = this.#handlers?.expectedBytes?.() ?? 0;
    this.#restFor(this.#rests.after(bytes.length, expected, performance.now()));
  }

  /** What was decrypted already comes all the same, and the last of it says for how long. */
  #restFor(ms: number): void {
    if (ms === 0 && !this.#rest) return;
    clearTimeout(this.#rest);
    this.#rest = undefined;
    if (ms > 0) {
      stopReading(this.#socket);
      this.#rest = setTimeout(() => this.#restFor(0), ms);
    } else if (!this.#isPaused) readOn(this.#socket);
  }

  get #isEnded(): boolean {
    return this.#isClosed || this.#reason !== undefined;
  }

  /** What was held, in its order, until somebody says stop. */
  #deliver(): void {
    if (this.#isDelivering || !this.#handlers) return;
    this.#isDelivering = true;
    while (!this.#isPaused && !this.#isEnded) {
      const next = this.#held.shift();
      if (!next) break;
      this.#take(next);
    }
    this.#isDelivering = false;
  }

  #writeNext(): void {
    const bytes = this.#queue.take();
    if (!bytes) return this.#handlers?.drained();
    this.#writingBytes = bytes.length;
    this.#socket.write(bytes, this.#written);
  }

  readonly #written = (error?: Error | null): void => {
    this.#bufferedBytes -= this.#writingBytes;
    this.#writingBytes = 0;
    if (!error && !this.#isEnded) this.#writeNext();
  };

  #end(reason: string): void {
    this.#reason ??= reason;
    clearTimeout(this.#rest);
    this.#queue.clear();
    this.#bufferedBytes = this.#writingBytes;
    this.#socket.destroy();
  }

  #closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#rest);
    this.#bufferedBytes = 0;
    this.#writingBytes = 0;
    this.#queue.clear();
    this.#held = [];
    this.#handlers?.closed(this.#reason ?? "closed");
  }
}
