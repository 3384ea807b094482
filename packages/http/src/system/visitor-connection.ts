/**
 * One visitor's connection of HTTP/1: requests one after the other, each driven by the exchange.
 *
 *     (proxy header) ──> head ──whole──> exchange ──answer whole, request whole──> head
 *                         │ bad, too slow    │ the answer says close, or the request is not whole
 *                         v                  v
 *     lingering: our FIN is said, what still comes is thrown away ──his FIN, or the bound──> closed
 *
 * What was read and cannot be used yet waits in `Input`: half a head, a body that nobody takes, the next request.
 */
import type { Forwarding } from "../core/forwarding.js";
import { bad, incomplete } from "../core/head.js";
import { ProxyHeader } from "../core/proxy-protocol.js";
import type { RequestHead } from "../core/request-head.js";
import type { ResponseHead } from "../core/response-head.js";
import type { Answer, Edits } from "../exchange.js";
import { AnswerWriter } from "./answer-writer.js";
import type { EngineCore, Refusal, Visitor } from "./core.js";
import { Exchange } from "./exchange.js";
import { noBytes, type HeadView } from "./head-view.js";
import { takeProxyHeader } from "./proxy-header.js";
import { Input } from "./input.js";
import { ownAnswerText } from "./own-answer.js";
import { RequestInHand } from "./request-in-hand.js";
import { RequestBody } from "./request-body.js";
import { patienceMs } from "./stalls.js";
import type { Transport, TransportOwner } from "./transport.js";
import { forwardingOf, type VisitorOptions } from "./visitor-options.js";
import type { VisitorSide } from "./visitor-side.js";

/** Requests behind the one that is answered may lie here up to that; then nothing more is read. */
const pipelinedBytesMax = 16 * 1024;
/** Bodies of which more is to come are read into a buffer of their own. */
const bulkBytesMin = 16 * 1024;

type State = "proxy" | "head" | "exchange" | "lingering" | "detached" | "closed";

export class VisitorConnection implements TransportOwner, VisitorSide, Visitor {
  readonly #core: EngineCore;
  readonly #options: VisitorOptions;
  #transport!: Transport;
  #state: State;
  readonly #input = new Input();
  readonly #request: RequestInHand;
  #isRunning = false;
  #proxied: ProxyHeader | undefined;
  /** Made with the first request: many connections are opened in advance and never used. */
  #exchange: Exchange | undefined;
  #body: RequestBody | undefined;
  #isHeadBegun = false;
  #isHalfClosed = false;
  #isBodyWanted = false;
  readonly #answers = new AnswerWriter();
  #deadlineMs: number;

  constructor(core: EngineCore, options: VisitorOptions) {
    this.#core = core;
    this.#request = new RequestInHand(core);
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

  get head(): RequestHead {
    return this.#request.head;
  }

  get bytes(): Buffer {
    return this.#request.bytes;
  }

  get view(): HeadView {
    return this.#request.view;
  }

  get forwarding(): Forwarding {
    return this.view.forwarding;
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
    if (this.isIdle && this.#transport.isFlushed) this.#transport.destroy();
    // He is still taking the last answer.
    else if (this.isIdle) this.#close();
  }

  destroy(): void {
    this.#transport.destroy();
  }

  tick(nowMs: number): void {
    if (this.#state === "exchange") return this.#exchange?.tick(nowMs);
    // Longer while he still takes the last answer.
    const patience = patienceMs(this.pendingBytes, this.#core.limits);
    if (nowMs >= this.#deadlineMs + patience) this.#tooLate();
  }

  transportRead(bytes: Buffer, from: number, to: number): void {
    this.#input.take(bytes, from, to);
    this.#run();
  }

  transportEnded(): void {
    if (this.#state === "detached") return;
    // Who said that this was his last request may say so again; anybody else is gone.
    const isLast = this.#state === "exchange" && this.isBodyDone && !this.head.keepAlive;
    this.#isHalfClosed = isLast || (this.#state === "lingering" && !this.#transport.isFlushed);
    if (!this.#isHalfClosed) this.#transport.destroy();
  }

  transportFlushed(): void {
    if (this.#state === "exchange") return this.#exchange?.visitorFlushed();
    this.#allow(this.#state === "lingering" ? "lingerMs" : "keepAliveMs");
    if (this.#state === "head") this.#takeNext();
  }

  transportClosed(reason: string | undefined): void {
    this.#state = "closed";
    this.#exchange?.visitorLeft(reason ?? "he closed the connection");
    this.#leave();
  }

  restoreHead(): void {
    this.#request.restoreHead();
  }

  takeBodyText(bytesMax: number): string {
    const body = this.#body as RequestBody;
    const { at: from, end } = this.#input;
    if (body.isDone || from >= end) return "";
    const to = body.scan(this.#input.bytes, from, Math.min(end, from + bytesMax));
    // What is bad stays bad: the next look at it refuses the request.
    if (to === bad) return "";
    this.#input.at = to;
    return this.#input.bytes.toString("latin1", from, to);
  }

  wantBody(): void {
    this.#isBodyWanted = true;
    this.#transport.wantBulk(this.#body?.hasLeft(bulkBytesMin) === true);
    if (!this.#input.isEmpty) this.#run();
    if (this.#isBodyWanted) this.#transport.resume();
  }

  lendTo(to: Transport): void {
    this.#transport.lendBuffer(to);
  }

  borrowFrom(from: Transport): void {
    from.lendBuffer(this.#transport);
  }

  sendInterim(bytes: Buffer, head: ResponseHead): void {
    this.#answers.interim(this.#transport, this.head, bytes, head);
  }

  beginAnswer(
    bytes: Buffer,
    head: ResponseHead,
    edits: Edits | undefined,
    to: number,
    isLast: boolean,
  ): boolean {
    this.#answers.prepare(this.head, edits, this.#mustClose());
    return this.#answers.begin(this.#transport, this.head, bytes, head, to, isLast);
  }

  answerBody(bytes: Buffer, from: number, to: number): boolean {
    return this.#answers.body(this.#transport, bytes, from, to);
  }

  endAnswer(trailers: readonly string[]): void {
    this.#answers.end(this.#transport, trailers);
    if (this.#answers.closes || this.#core.isStopping) this.#close();
    else this.#next();
  }

  answerOwn(answer: Answer): void {
    // What of the body is here already is taken with it.
    this.takeBodyText(this.#input.length);
    this.#answers.prepare(this.head, undefined, this.#mustClose());
    this.#answers.own(this.#transport, this.head, answer);
    this.endAnswer([]);
  }

  cut(): void {
    this.#transport.destroy(this.#answers.endsWithConnection);
  }

  detach(): { readonly transport: Transport; readonly rest: string } {
    this.#state = "detached";
    this.#transport.hurry();
    this.#leave();
    const rest = this.#input.bytes.toString("latin1", this.#input.at, this.#input.end);
    this.#input.skip();
    return { transport: this.#transport, rest };
  }

  #run(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    while (!this.#input.isEmpty && this.#step());
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
        this.#input.skip();
        return false;
      case "detached":
        return false;
      default:
        return this.#state satisfies never;
    }
  }

  #readProxy(): boolean {
    this.#proxied ??= new ProxyHeader();
    const after = takeProxyHeader(this.#core, this.#input, this.#proxied, this.#transport);
    if (after === bad) this.#transport.destroy();
    if (after < 0) return false;
    this.#state = "head";
    return true;
  }

  #readHead(): boolean {
    // Who does not take his answers gets no more of them: they would lie here.
    if (!this.#transport.takesMore) {
      this.#transport.pause();
      return false;
    }
    const after = this.#request.parse(this.#input);
    if (after === incomplete) {
      if (!this.#isHeadBegun) this.#allow("headMs");
      this.#isHeadBegun = true;
      return false;
    }
    if (after === bad) {
      this.#input.skip();
      const { badStatus: status, badReason: reason } = this.head;
      this.#refuse({ kind: "malformed", status, reason });
      return false;
    }
    this.#input.at = after;
    this.#begin();
    return true;
  }

  #begin(): void {
    this.#isHeadBegun = false;
    this.#isBodyWanted = false;
    this.#state = "exchange";
    if (this.#exchange === undefined) this.#prepare();
    (this.#body as RequestBody).start(this.head);
    this.#request.show(this.#input.bytes);
    (this.#exchange as Exchange).begin();
  }

  /** What only those need who ask for something. */
  #prepare(): void {
    const forwarding = forwardingOf(this.#core, this.#options, this.#transport, this.#proxied);
    this.#request.prepare(forwarding);
    this.#body = new RequestBody();
    this.#exchange = new Exchange(this.#core, this);
  }

  #readBody(): boolean {
    const body = this.#body as RequestBody;
    if (body.isDone) {
      if (this.#input.length > pipelinedBytesMax) this.#transport.pause();
      return false;
    }
    // While an endpoint is looked for again, nobody takes it.
    if (!this.#isBodyWanted || this.#exchange?.takesBody !== true) {
      this.#transport.pause();
      return false;
    }
    const from = this.#input.at;
    const to = body.scan(this.#input.bytes, from, this.#input.end);
    if (to === bad) {
      this.#exchange?.visitorMalformed(body.badReason);
      return false;
    }
    this.#input.at = to;
    this.#giveBody(from, body);
    return true;
  }

  #giveBody(from: number, body: RequestBody): void {
    const exchange = this.#exchange as Exchange;
    const isTaken = exchange.requestBody(this.#input.since(from));
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
    const input = this.#input;
    const { bytes } = this.#request;
    const isLent = bytes === input.bytes && bytes !== noBytes && !input.isOwn;
    if (this.#state === "exchange" && isLent) this.#request.keep();
    input.keep();
  }

  #mustClose(): boolean {
    const isOver = !this.head.keepAlive || this.#isHalfClosed || this.#core.isStopping;
    return isOver || !this.isBodyDone;
  }

  #next(): void {
    this.#state = "head";
    this.#allow("keepAliveMs");
    this.#request.giveBack();
    this.#takeNext();
  }

  #takeNext(): void {
    this.#transport.resume();
    if (!this.#input.isEmpty) this.#run();
  }

  #allow(limit: "headMs" | "keepAliveMs" | "lingerMs"): void {
    this.#deadlineMs = this.#core.sweep.nowMs + this.#core.limits[limit];
  }

  /** After the last answer: at once when nothing can come that would take it back, else with time to hear it. */
  #close(): void {
    this.#request.giveBack();
    const isClean = this.#body?.isDone === true && this.#input.isEmpty;
    this.#transport.flush();
    if (isClean && this.#transport.isFlushed && !this.#options.isSecure) {
      this.#transport.destroy();
      return;
    }
    this.#state = "lingering";
    this.#allow("lingerMs");
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

  #leave(): void {
    this.#core.visitors.delete(this);
    this.#core.sweep.delete(this);
  }
}
