/**
 * One connection to an endpoint: one request at a time, and the answer's framing followed as it comes.
 *
 *     connecting ──> idle ──take──> head ──final head──> body ──its end──> release ──> idle
 *         │            │              │ 1xx: again         │                  │ not to be used again
 *         └────────────┴──────────────┴─────ended, closed──┴──────────────────┴──> closed
 *                                     └─101──> detached: a tunnel's
 *
 * Bytes or an end on an idle connection mean that nobody can trust it: it is closed.
 */
import type { HeadLimits } from "../core/head.js";
import { ChunkedScanner } from "../core/chunked.js";
import { bad, incomplete } from "../core/head.js";
import { parseResponseHead, ResponseHead } from "../core/response-head.js";
import type { EndpointPool } from "./endpoint-pool.js";
import type { EndpointUser } from "./endpoint-user.js";
import { trailerText } from "./answer-text.js";
import { isBulkScarce } from "./read-buffers.js";
import { Transport, type TransportOwner } from "./transport.js";

/** Answers of which more than this is still to come are read into a buffer of their own. */
const bulkBytesMin = 16 * 1024;

/** An app sends one or two; nobody is held back by those that follow. */
const interimsMax = 100;

const noBytes = Buffer.alloc(0);
/** One answer's head is looked at at a time; of one that is not whole the bytes are kept, not the places. */
const sharedHead = new ResponseHead();

type State = "connecting" | "idle" | "head" | "body" | "detached" | "closed";

export class EndpointConnection implements TransportOwner {
  readonly transport: Transport;
  /** What the request was, for the reading of its answer. */
  readonly asked = { methodId: 0, isUpgrade: false };
  /** When it was last released, by the sweep's clock. */
  idleSinceMs = 0;
  deadlineMs: number;
  /** Served a request before this one. */
  wasUsed = false;
  /** Anything came since the request was sent. */
  hasAnswered = false;
  /** Data of the answer's body so far. */
  bodyBytes = 0;
  readonly #pool: EndpointPool;
  readonly #limits: HeadLimits;
  #state: State = "connecting";
  #user: EndpointUser | undefined;
  #kept: Buffer = noBytes;
  #kind: ResponseHead["body"] = "none";
  #left = 0;
  #chunks: ChunkedScanner | undefined;
  #interims = 0;
  #isReusable = false;
  #isDone = false;

  constructor(
    pool: EndpointPool,
    place: { readonly host: string; readonly port: number; readonly isFast: boolean },
    options: { readonly limits: HeadLimits; readonly deadlineMs: number },
  ) {
    this.#pool = pool;
    this.#limits = options.limits;
    this.deadlineMs = options.deadlineMs;
    this.transport = Transport.connect(place, this, () => {
      if (this.#state !== "connecting") return;
      this.#state = "idle";
      this.#pool.connected(this);
    });
  }

  get isIdle(): boolean {
    return this.#state === "idle";
  }

  get isConnecting(): boolean {
    return this.#state === "connecting";
  }

  /** For one request. */
  take(user: EndpointUser): void {
    this.#user = user;
    this.#state = "head";
    this.hasAnswered = false;
    this.#interims = 0;
    this.bodyBytes = 0;
    this.#isDone = false;
  }

  /**
   * After the answer's end: back to the pool if it may serve again.
   * @param isSent whether all of the request went out
   */
  release(isSent: boolean): void {
    this.#user = undefined;
    this.wasUsed = true;
    if (!this.#isReusable || !isSent || this.#state !== "body") return this.destroy();
    this.#state = "idle";
    // While there are enough: it is likely to be used again for as much.
    this.transport.wantBulk(this.bodyBytes > bulkBytesMin && !isBulkScarce());
    this.transport.resume();
    this.#pool.released(this);
  }

  /** Ends it, whatever it does; its user is told nothing. */
  destroy(): void {
    this.#user = undefined;
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.transport.destroy();
  }

  /** After a 101: the transport is the caller's. */
  detach(): Transport {
    this.#user = undefined;
    this.#state = "detached";
    this.#pool.lost(this);
    return this.transport;
  }

  transportRead(bytes: Buffer, from: number, to: number): void {
    if (this.#user === undefined) return this.destroy();
    this.hasAnswered = true;
    if (this.#kept.length === 0) return this.#process(bytes, from, to);
    const joined = Buffer.concat([this.#kept, bytes.subarray(from, to)]);
    this.#kept = noBytes;
    this.#process(joined, 0, joined.length);
  }

  transportEnded(): void {
    if (this.#state === "body" && this.#kind === "close" && this.#user !== undefined) {
      this.#isReusable = false;
      this.#user.answerDone();
    } else {
      this.#broke("broken", "the connection ended");
    }
  }

  transportFlushed(): void {
    this.#user?.endpointFlushed();
  }

  transportClosed(reason: string | undefined): void {
    const state = this.#state;
    if (state === "connecting") {
      this.#state = "closed";
      this.#pool.connectFailed(this, reason ?? "the connection ended");
      return;
    }
    this.#broke("broken", reasonOf(reason));
    this.#pool.lost(this);
  }

  /** @param why what a connection that does not come about failed of */
  giveUpConnecting(why: string): void {
    this.#state = "closed";
    this.transport.destroy();
    this.#pool.connectFailed(this, why);
  }

  #broke(kind: "broken" | "malformed", reason: string): void {
    const user = this.#user;
    this.destroy();
    user?.endpointBroke(kind, reason);
  }

  #process(bytes: Buffer, from: number, to: number): void {
    let at = from;
    while (at < to && this.#user !== undefined) {
      if (this.#state === "head") at = this.#readHead(bytes, at, to);
      else if (this.#state === "body") at = this.#readBody(bytes, at, to);
      else return;
      if (at < 0) return;
    }
  }

  /** Returns where to go on; negative: not now. */
  #readHead(bytes: Buffer, from: number, to: number): number {
    const head = sharedHead;
    head.reset();
    const after = parseResponseHead(bytes, from, to, head, this.asked, this.#limits);
    if (after === incomplete) {
      this.#kept = Buffer.from(bytes.subarray(from, to));
      return after;
    }
    if (after === bad) {
      this.#broke("malformed", head.badReason);
      return after;
    }
    if (head.isInterim) {
      this.#interims += 1;
      if (this.#interims > interimsMax) {
        this.#broke("malformed", `more than ${interimsMax} interim answers`);
        return bad;
      }
      this.#user?.answerHead(bytes, head, after, false);
      return after;
    }
    if (head.status === 101) {
      this.#user?.answerHead(bytes, head, to, true);
      return bad;
    }
    return this.#begin(bytes, head, after, to);
  }

  #begin(bytes: Buffer, head: ResponseHead, after: number, to: number): number {
    const user = this.#user as EndpointUser;
    this.#state = "body";
    this.#kind = head.body;
    this.#isReusable = head.keepAlive;
    this.#left = head.contentLength;
    if (head.body === "none") this.#isDone = true;
    else if (head.body === "chunked") this.#beginChunks(user.takesChunks);
    const isInPieces = head.body === "chunked" && !user.takesChunks;
    const bodyTo = isInPieces ? after : this.#scan(bytes, after, to);
    if (bodyTo < 0) return bodyTo;
    const isDone = this.#isDone;
    if (isDone && bodyTo < to) this.#isReusable = false;
    if (!isDone) this.transport.wantBulk(this.#kind !== "length" || this.#left > bulkBytesMin);
    const hasTrailers = this.#passesTrailers(user);
    user.answerHead(bytes, head, this.#passEnd(user, bodyTo), isDone && !hasTrailers);
    if (isDone && hasTrailers && this.#user === user) this.#end(user);
    return isDone ? bad : bodyTo;
  }

  #beginChunks(takesChunks: boolean): void {
    this.#chunks ??= new ChunkedScanner();
    this.#chunks.reset({ wantsRanges: !takesChunks, dropsForbidden: true });
  }

  #readBody(bytes: Buffer, from: number, to: number): number {
    const user = this.#user as EndpointUser;
    const bodyTo = this.#scan(bytes, from, to);
    if (bodyTo < 0) return bodyTo;
    const isDone = this.#isDone;
    if (isDone && bodyTo < to) this.#isReusable = false;
    if (this.#kind === "chunked" && !user.takesChunks) this.#giveRanges(user, bytes);
    else user.answerBody(bytes, from, this.#passEnd(user, bodyTo));
    // He may have been cut off, and this connection with him.
    if (isDone && this.#user === user) this.#end(user);
    return isDone ? bad : bodyTo;
  }

  #end(user: EndpointUser): void {
    if (this.#passesTrailers(user)) {
      const text = Buffer.from(trailerText(this.trailers), "latin1");
      user.answerBody(text, 0, text.length);
    }
    if (this.#user === user) user.answerDone();
  }

  /** Chunks go on as they came, but not what is behind them: some of it may have been left out. */
  #passesTrailers(user: EndpointUser): boolean {
    return this.#kind === "chunked" && user.takesChunks && this.#chunks?.hasTrailers === true;
  }

  #passEnd(user: EndpointUser, bodyTo: number): number {
    return this.#passesTrailers(user) ? (this.#chunks as ChunkedScanner).passEnd : bodyTo;
  }

  #giveRanges(user: EndpointUser, bytes: Buffer): void {
    const { ranges, rangeCount } = this.#chunks as ChunkedScanner;
    for (let range = 0; range < rangeCount && this.#user === user; range++) {
      user.answerBody(bytes, ranges[2 * range] as number, ranges[2 * range + 1] as number);
    }
  }

  /** Up to where the bytes belong to the body; `#isDone` when that is its end. */
  #scan(bytes: Buffer, from: number, to: number): number {
    switch (this.#kind) {
      case "none":
        return from;
      case "length": {
        const end = Math.min(to, from + this.#left);
        this.#left -= end - from;
        this.bodyBytes += end - from;
        this.#isDone = this.#left === 0;
        return end;
      }
      case "chunked":
        return this.#scanChunks(bytes, from, to);
      case "close":
        this.bodyBytes += to - from;
        return to;
      default:
        return this.#kind satisfies never;
    }
  }

  #scanChunks(bytes: Buffer, from: number, to: number): number {
    const chunks = this.#chunks as ChunkedScanner;
    const end = chunks.scan(bytes, from, to);
    this.bodyBytes = chunks.dataBytes;
    this.#isDone = chunks.isDone;
    if (end === bad) this.#broke("malformed", chunks.badReason);
    return end;
  }

  /** Names and values in turn, when the body came in chunks; without those that must not be trailers. */
  get trailers(): readonly string[] {
    return this.#kind === "chunked" ? (this.#chunks?.trailers ?? []) : [];
  }
}

function reasonOf(code: string | undefined): string {
  switch (code) {
    case undefined:
    case "ECONNRESET":
    case "EPIPE":
      return "the connection ended";
    case "ECONNREFUSED":
      return "nothing listens there";
    default:
      return code;
  }
}
