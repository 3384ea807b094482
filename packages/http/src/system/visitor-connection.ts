/**
 * One visitor's connection of HTTP/1: requests one after the other, each driven by the exchange.
 *
 *     (proxy header) ──> head ──whole──> exchange ──answer whole, request whole──> head
 *                         │ bad, too slow    │ the answer says close, or the request is not whole
 *                         v                  v
 *     lingering: our FIN is said, what still comes is thrown away ──his FIN, or the bound──> closed
 *
 * What was read and not used lies in `input[at, end)`: mostly in the shared read buffer, and copied when a read
 * ends with something left: half a head, a body that nobody takes yet, the request after this one.
 */
import { Forwarding } from "../core/forwarding.js";
import { bad, incomplete } from "../core/head.js";
import { methodIds } from "../core/methods.js";
import { parseProxyHeader, ProxyHeader } from "../core/proxy-protocol.js";
import { parseRequestHead, RequestHead } from "../core/request-head.js";
import type { ResponseHead } from "../core/response-head.js";
import type { Answer, Edits } from "../exchange.js";
import {
  endsWithConnection,
  framingFor,
  writeAnswerHead,
  writeBody,
  writeInterim,
  type AnswerStart,
} from "./answer-text.js";
import type { EngineCore, Refusal, Visitor } from "./core.js";
import { Exchange } from "./exchange.js";
import { HeadView, noBytes } from "./head-view.js";
import { mayProxy } from "./proxy-header.js";
import { hexOf } from "./hex.js";
import { ownAnswerText } from "./own-answer.js";
import { sharedBuffer } from "./read-buffers.js";
import { RequestBody } from "./request-body.js";
import type { Transport, TransportOwner } from "./transport.js";
import type { VisitorSide } from "./visitor-side.js";

/** Requests behind the one that is answered may lie here up to that; beyond it nothing more is read. */
const pipelinedBytesMax = 16 * 1024;
/** Bodies of which more is to come are read into a buffer of their own. */
const bulkBytesMin = 16 * 1024;
/** Heads that are kept for whoever needs one next. */
const spareHeadsMax = 256;

const noHead = new RequestHead();

type State = "proxy" | "head" | "exchange" | "lingering" | "detached" | "closed";

/** Whom the connection carries, if not him that it comes from; made when it is first asked for. */
export interface VisitorPlace {
  readonly address: string;
  readonly port: number;
}

export interface VisitorOptions {
  readonly isSecure: boolean;
  /** A PROXY header comes first. */
  readonly expectsProxy: boolean;
  readonly carried?: VisitorPlace | undefined;
}

export class VisitorConnection implements TransportOwner, VisitorSide, Visitor {
  readonly #core: EngineCore;
  readonly #options: VisitorOptions;
  #transport!: Transport;
  #state: State;
  #input: Buffer = noBytes;
  #at = 0;
  #end = 0;
  #isOwn = false;
  #isRunning = false;
  #proxied: ProxyHeader | undefined;
  /** Made with the first request: many connections are opened in advance and never used. */
  #view: HeadView | undefined;
  #exchange: Exchange | undefined;
  #body: RequestBody | undefined;
  #forwarding: Forwarding | undefined;
  #isHeadBegun = false;
  #isHalfClosed = false;
  #isBodyWanted = false;
  /** The head in latin1, when its bytes had to go. */
  #keptHead = "";
  readonly #answer: AnswerStart = {
    framing: "same",
    edits: undefined,
    closes: false,
    isOld: false,
  };
  #endsWithConnection = false;
  #deadlineMs: number;
  head: RequestHead = noHead;
  bytes: Buffer = noBytes;

  constructor(core: EngineCore, options: VisitorOptions) {
    this.#core = core;
    this.#options = options;
    this.#state = options.expectsProxy ? "proxy" : "head";
    this.#deadlineMs = core.sweep.nowMs + core.limits.headMs;
  }

  start(transport: Transport): void {
    this.#transport = transport;
    this.#core.visitors.add(this);
    this.#core.sweep.add(this);
  }

  get isIdle(): boolean {
    return this.#state === "head" && !this.#isHeadBegun;
  }

  get view(): HeadView {
    return this.#view as HeadView;
  }

  get forwarding(): Forwarding {
    return this.#forwarding as Forwarding;
  }

  get takesChunks(): boolean {
    return this.head.versionMinor === 1;
  }

  get isBodyDone(): boolean {
    return (this.#body as RequestBody).isDone;
  }

  get bodyBytes(): number {
    return (this.#body as RequestBody).bytes;
  }

  get pendingBytes(): number {
    return this.#transport.pendingBytes;
  }

  stop(): void {
    if (this.isIdle) this.#transport.destroy();
  }

  destroy(): void {
    this.#transport.destroy();
  }

  tick(nowMs: number): void {
    if (this.#state === "exchange") this.#exchange?.tick(nowMs);
    else if (nowMs >= this.#deadlineMs) this.#tooLate();
  }

  transportRead(bytes: Buffer, from: number, to: number): void {
    if (this.#at < this.#end) {
      this.#append(bytes, from, to);
    } else {
      this.#input = bytes;
      this.#at = from;
      this.#end = to;
      this.#isOwn = false;
    }
    this.#run();
  }

  transportEnded(): void {
    switch (this.#state) {
      case "exchange":
        // Who said that this was his last request may say so again; anybody else is gone.
        this.#isHalfClosed = this.isBodyDone && !this.head.keepAlive;
        if (!this.#isHalfClosed) this.#transport.destroy();
        return;
      case "detached":
        return;
      case "proxy":
      case "head":
      case "lingering":
      case "closed":
        return this.#transport.destroy();
      default:
        this.#state satisfies never;
    }
  }

  transportFlushed(): void {
    this.#exchange?.visitorFlushed();
  }

  transportClosed(reason: string | undefined): void {
    this.#state = "closed";
    this.#exchange?.visitorLeft(reason ?? "he closed the connection");
    this.#leave();
  }

  restoreHead(): void {
    if (this.#keptHead === "") return;
    const bytes = Buffer.from(this.#keptHead, "latin1");
    this.#keptHead = "";
    this.head.reset();
    parseRequestHead(bytes, 0, bytes.length, this.head, this.#core.limits);
    this.#show(bytes);
  }

  takeBodyText(bytesMax: number): string {
    const body = this.#body as RequestBody;
    if (body.isDone || this.#at >= this.#end) return "";
    const from = this.#at;
    const to = body.scan(this.#input, from, Math.min(this.#end, from + bytesMax));
    // What is bad stays bad: the next look at it refuses the request.
    if (to === bad) return "";
    this.#at = to;
    return this.#input.toString("latin1", from, to);
  }

  wantBody(): void {
    this.#isBodyWanted = true;
    this.#transport.wantBulk(this.#body?.hasLeft(bulkBytesMin) === true);
    if (this.#at < this.#end) this.#run();
    if (this.#isBodyWanted) this.#transport.resume();
  }

  lendTo(to: Transport): void {
    this.#transport.lendBuffer(to);
  }

  borrowFrom(from: Transport): void {
    from.lendBuffer(this.#transport);
  }

  sendInterim(bytes: Buffer, head: ResponseHead): void {
    if (this.head.versionMinor === 1) writeInterim(this.#transport, bytes, head);
  }

  beginAnswer(bytes: Buffer, head: ResponseHead, edits: Edits | undefined, to: number): boolean {
    const answer = this.#answer;
    this.#endsWithConnection = endsWithConnection(this.head, head);
    answer.framing = framingFor(this.head, head);
    answer.edits = edits;
    answer.isOld = this.head.versionMinor === 0;
    answer.closes = this.#endsWithConnection || this.#mustClose();
    return writeAnswerHead(this.#transport, bytes, head, to, answer);
  }

  answerBody(bytes: Buffer, from: number, to: number): boolean {
    return writeBody(this.#transport, bytes, from, to, this.#answer.framing);
  }

  endAnswer(trailers: readonly string[]): void {
    if (this.#answer.framing === "chunks") this.#transport.write(lastChunk(trailers));
    if (this.#answer.closes || this.#core.isStopping) this.#close();
    else this.#next();
  }

  answerOwn(answer: Answer): void {
    const isHead = this.head.methodId === methodIds.HEAD;
    const isOld = this.head.versionMinor === 0;
    this.takeBodyText(this.#end - this.#at);
    const closes = answer.close === true || this.#mustClose();
    this.#answer.framing = "same";
    this.#answer.closes = closes;
    const connection = closes ? "close" : isOld ? "keep-alive" : "";
    this.#transport.write(ownAnswerText(answer, { isHead, connection }));
    this.endAnswer([]);
  }

  cut(): void {
    // What ends with its connection would look whole.
    this.#transport.destroy(this.#endsWithConnection);
  }

  detach(): { readonly transport: Transport; readonly rest: string } {
    this.#state = "detached";
    this.#leave();
    const rest = this.#input.toString("latin1", this.#at, this.#end);
    this.#input = noBytes;
    return { transport: this.#transport, rest };
  }

  #run(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    while (this.#at < this.#end && this.#step());
    this.#isRunning = false;
    this.#keep();
  }

  /** Uses up some of the input; false when nothing more can be done with it now. */
  #step(): boolean {
    switch (this.#state) {
      case "proxy":
        return this.#readProxy();
      case "head":
        return this.#readHead();
      case "exchange":
        return this.#readBody();
      case "lingering":
      case "closed":
        this.#at = this.#end;
        return false;
      case "detached":
        return false;
      default:
        return this.#state satisfies never;
    }
  }

  #readProxy(): boolean {
    this.#proxied ??= new ProxyHeader();
    const after = parseProxyHeader(this.#input, this.#at, this.#end, this.#proxied);
    if (after === incomplete) return false;
    if (after === bad || !mayProxy(this.#core, this.#transport.remoteAddress)) {
      this.#transport.destroy();
      return false;
    }
    this.#at = after;
    this.#state = "head";
    return true;
  }

  #readHead(): boolean {
    if (this.head === noHead) this.head = this.#core.heads.pop() ?? new RequestHead();
    const { head } = this;
    const after = parseRequestHead(this.#input, this.#at, this.#end, head, this.#core.limits);
    if (after === incomplete) {
      if (!this.#isHeadBegun) this.#deadlineMs = this.#core.sweep.nowMs + this.#core.limits.headMs;
      this.#isHeadBegun = true;
      return false;
    }
    if (after === bad) {
      this.#at = this.#end;
      this.#refuse({ kind: "malformed", status: head.badStatus, reason: head.badReason });
      return false;
    }
    this.#at = after;
    this.#begin();
    return true;
  }

  #begin(): void {
    this.#isHeadBegun = false;
    this.#isBodyWanted = false;
    this.#keptHead = "";
    this.#state = "exchange";
    if (this.#exchange === undefined) this.#prepare();
    (this.#body as RequestBody).start(this.head);
    this.#show(this.#input);
    (this.#exchange as Exchange).begin();
  }

  /** What only those need who ask for something. */
  #prepare(): void {
    const { isSecure, carried } = this.#options;
    const proxied = this.#proxied?.isLocal === false ? this.#proxied : undefined;
    const transport = this.#transport;
    const connection = {
      address: carried?.address ?? proxied?.sourceAddress ?? transport.remoteAddress,
      isSecure: isSecure || proxied?.isSecure === true,
      port: carried?.port ?? proxied?.destinationPort ?? transport.localPort,
    };
    this.#forwarding = new Forwarding(connection, this.#core.forwarding, hexOf);
    this.#view = new HeadView("1", this.#forwarding, this);
    this.#body = new RequestBody();
    this.#exchange = new Exchange(this.#core, this);
  }

  #show(bytes: Buffer): void {
    const { view } = this;
    this.bytes = bytes;
    view.bytes = bytes;
    view.head = this.head;
  }

  #readBody(): boolean {
    const body = this.#body as RequestBody;
    if (body.isDone) {
      if (this.#end - this.#at > pipelinedBytesMax) this.#transport.pause();
      return false;
    }
    if (!this.#isBodyWanted) {
      this.#transport.pause();
      return false;
    }
    const from = this.#at;
    const to = body.scan(this.#input, from, this.#end);
    if (to === bad) {
      this.#exchange?.visitorMalformed(body.badReason);
      return false;
    }
    this.#at = to;
    this.#giveBody(from, to, body);
    return true;
  }

  #giveBody(from: number, to: number, body: RequestBody): void {
    const input = this.#input;
    const isShared = input === sharedBuffer.bytes;
    const data = isShared ? input.toString("latin1", from, to) : input.subarray(from, to);
    const exchange = this.#exchange as Exchange;
    const isTaken = exchange.requestBody(data);
    if (body.isDone) {
      this.#isBodyWanted = false;
      this.#transport.wantBulk(false);
      exchange.requestDone();
    } else if (!isTaken) {
      this.#isBodyWanted = false;
      this.#transport.pause();
    }
  }

  /** The read buffer is about to be used for somebody else: what is still needed of it is copied. */
  #keep(): void {
    const isUsedUp = this.#at >= this.#end;
    const isLent = this.bytes === this.#input && this.bytes !== noBytes && !this.#isOwn;
    if (this.#state === "exchange" && isLent) this.#keepHead();
    if (isUsedUp) {
      this.#input = noBytes;
      this.#at = 0;
      this.#end = 0;
    } else if (!this.#isOwn) {
      this.#input = Buffer.from(this.#input.subarray(this.#at, this.#end));
      this.#end -= this.#at;
      this.#at = 0;
      this.#isOwn = true;
    }
  }

  #keepHead(): void {
    const { head, bytes } = this;
    this.#keptHead = bytes.toString("latin1", head.start, head.end);
    this.#show(noBytes);
  }

  #append(bytes: Buffer, from: number, to: number): void {
    const count = to - from;
    if (!this.#isOwn || this.#input.length - this.#end < count) {
      const held = this.#end - this.#at;
      const grown = Buffer.allocUnsafe(Math.max(1024, 2 * (held + count)));
      this.#input.copy(grown, 0, this.#at, this.#end);
      this.#input = grown;
      this.#at = 0;
      this.#end = held;
      this.#isOwn = true;
    }
    bytes.copy(this.#input, this.#end, from, to);
    this.#end += count;
  }

  #mustClose(): boolean {
    const isOver = !this.head.keepAlive || this.#isHalfClosed || this.#core.isStopping;
    return isOver || !this.isBodyDone;
  }

  #next(): void {
    this.#state = "head";
    this.#deadlineMs = this.#core.sweep.nowMs + this.#core.limits.keepAliveMs;
    this.#giveBackHead();
    this.#transport.resume();
    if (this.#at < this.#end) this.#run();
  }

  /** After the last answer: at once when nothing can come that would take it back, else with time to hear it. */
  #close(): void {
    this.#giveBackHead();
    const isClean = this.#body?.isDone === true && this.#at >= this.#end;
    if (isClean && this.#transport.isFlushed && !this.#options.isSecure) {
      this.#transport.destroy();
      return;
    }
    this.#state = "lingering";
    this.#deadlineMs = this.#core.sweep.nowMs + this.#core.limits.lingerMs;
    this.#transport.wantBulk(false);
    this.#transport.resume();
    this.#transport.end();
  }

  #refuse(refusal: Refusal): void {
    const answer = this.#core.refuse(refusal);
    this.#transport.write(ownAnswerText(answer, { isHead: false, connection: "close" }));
    this.#close();
  }

  #tooLate(): void {
    if (this.#state !== "head" || !this.#isHeadBegun) return this.#transport.destroy();
    const reason = `its head was not whole within ${this.#core.limits.headMs / 1000} s`;
    this.#refuse({ kind: "head-timeout", status: 408, reason });
  }

  #giveBackHead(): void {
    const { heads } = this.#core;
    if (this.head !== noHead && heads.length < spareHeadsMax) heads.push(this.head);
    this.head = noHead;
    this.bytes = noBytes;
    this.#keptHead = "";
  }

  #leave(): void {
    this.#core.visitors.delete(this);
    this.#core.sweep.delete(this);
  }
}

function lastChunk(trailers: readonly string[]): string {
  let text = "0\r\n";
  for (let index = 0; index < trailers.length; index += 2) {
    text += `${trailers[index]}: ${trailers[index + 1]}\r\n`;
  }
  return `${text}\r\n`;
}
