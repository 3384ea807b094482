/**
 * One request and its answer, between a visitor and an endpoint, whatever protocol the visitor speaks.
 *
 *     deciding ──Answer──────────────────────────────────────────────> own answer
 *        │ Forward                    ┌── again: Forward ──┐                ^
 *        v                            v                    │                │ again: Answer, or none
 *     waiting ──connection──> sent ──broke, refused, too slow, no HTTP ─────┘
 *        │                      │ 1xx: passed on
 *        │                      ├──101──> tunnel
 *        │                      └──head──> answering ──its end──> done
 *        │                                     └──endpoint breaks off──> cut
 *     any state ──visitor leaves──> the endpoint's connection is ended at once
 *
 * An object serves a connection of HTTP/1 for all its requests, so nothing in here is made per request but what
 * an observer is told.
 */
import { isIdempotent } from "../core/methods.js";
import { methodOf } from "../core/request-views.js";
import type { ResponseHead } from "../core/response-head.js";
import type {
  Answer,
  AttemptFailure,
  Direction,
  ExchangeEnd,
  Forward,
  VisitorLife,
} from "../exchange.js";
import { Account } from "./account.js";
import { askAgain, askDirector, undecided } from "./deciding.js";
import type { EngineCore, Refusal } from "./core.js";
import type { EndpointConnection } from "./endpoint-connection.js";
import type { EndpointPool } from "./endpoint-pool.js";
import type { EndpointUser } from "./endpoint-user.js";
import { requestText } from "./request-text.js";
import { Shadow } from "./shadow.js";
import { stallBeforeAnswer, stallInAnswer, type Silence } from "./stalls.js";
import { Tunnel } from "./tunnel.js";
import type { VisitorSide } from "./visitor-side.js";

/** What Node writes as one string without an allocation of its own. */
const firstWriteBytesMax = 16 * 1024;
/** However often a director says `again`. */
const attemptsMax = 16;

type State = "idle" | "deciding" | "waiting" | "sent" | "answering" | "tunnel";

export class Exchange implements EndpointUser, VisitorLife {
  readonly #core: EngineCore;
  readonly #visitor: VisitorSide;
  #state: State = "idle";
  /** Which of the requests on this object, for answers that come later. */
  #turn = 0;
  readonly #account = new Account();
  #forward: Forward | undefined;
  #pool: EndpointPool | undefined;
  #connection: EndpointConnection | undefined;
  #abort: AbortController | undefined;
  #attempts = 0;
  #hasRetriedStale = false;
  /** What went out of the body together with the head. */
  #firstBody = "";
  /** Body went out after the head. */
  #hasStreamed = false;
  #shadow: Shadow | undefined;
  #progressMs = 0;

  constructor(core: EngineCore, visitor: VisitorSide) {
    this.#core = core;
    this.#visitor = visitor;
  }

  /** Whether anybody is there to take more of the body. */
  get takesBody(): boolean {
    return this.#connection !== undefined;
  }

  get takesChunks(): boolean {
    return this.#visitor.takesChunks;
  }

  /** For the director: made when he asks for it. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    return this.#abort.signal;
  }

  /** The head of a request is whole. */
  begin(): void {
    this.#turn += 1;
    this.#state = "deciding";
    this.#account.start();
    this.#progressMs = this.#core.sweep.nowMs;
    this.#core.counters.requests += 1;
    const direction = askDirector(this.#core, this.#visitor.view, this);
    if (direction instanceof Promise) this.#decideLater(direction);
    else this.#take(direction);
  }

  /** The last piece was the end of the request's body. */
  requestDone(): void {
    this.#shadow?.send();
  }

  /** A piece of the request's body. @returns whether more may come at once; else `wantBody` asks for it */
  requestBody(data: Buffer | string): boolean {
    const connection = this.#connection;
    this.#progressMs = this.#core.sweep.nowMs;
    if (connection === undefined) return false;
    const { bodyBytesMax } = this.#forward as Forward;
    if (bodyBytesMax !== undefined && this.#visitor.bodyBytes > bodyBytesMax) {
      this.#tooLarge(bodyBytesMax);
      return false;
    }
    this.#hasStreamed = true;
    this.#shadow?.add(data);
    const isTaken = connection.transport.write(data);
    if (!isTaken) this.#visitor.lendTo(connection.transport);
    return isTaken;
  }

  /** The body of the request cannot be read. */
  visitorMalformed(reason: string): void {
    this.#giveUp({ kind: "malformed", status: 400, reason });
  }

  visitorFlushed(): void {
    this.#progressMs = this.#core.sweep.nowMs;
    if (this.#state === "answering") this.#connection?.transport.resume();
  }

  visitorLeft(reason: string): void {
    if (this.#state === "idle" || this.#state === "tunnel") return;
    this.#abort?.abort();
    this.#pool?.cancel(this);
    this.#dropConnection();
    this.#finish("left", reason);
  }

  tick(nowMs: number): void {
    if (this.#state !== "sent" && this.#state !== "answering") return;
    const silence = {
      visitor: this.#visitor,
      silentMs: nowMs - this.#progressMs,
      limits: this.#core.limits,
      timeouts: this.#forward?.timeouts,
    };
    if (this.#state === "answering") this.#tickAnswering(silence);
    else if (this.#connection !== undefined) this.#tickSent(silence, this.#connection);
  }

  endpointReady(connection: EndpointConnection): void {
    this.#visitor.restoreHead();
    this.#send(connection);
  }

  endpointMissing(kind: AttemptFailure["kind"], reason: string): void {
    if (this.#state === "waiting") this.#failed(kind, reason, false);
  }

  answerHead(bytes: Buffer, head: ResponseHead, to: number, isLast: boolean): void {
    this.#progressMs = this.#core.sweep.nowMs;
    if (head.isInterim) return this.#visitor.sendInterim(bytes, head);
    const connection = this.#connection as EndpointConnection;
    this.#state = "answering";
    this.#account.head(head.status, isLast && head.status !== 101);
    this.#account.observer?.answered?.(head.status);
    if (head.status === 101) return this.#upgrade(bytes, head, to, connection);
    const edits = this.#forward?.answerEdits;
    const isTaken = this.#visitor.beginAnswer(bytes, head, edits, to, isLast);
    if (!isTaken) this.#slowDown(connection);
    if (isLast) this.#answered();
  }

  answerBody(bytes: Buffer, from: number, to: number): void {
    this.#progressMs = this.#core.sweep.nowMs;
    const connection = this.#connection as EndpointConnection;
    if (!this.#visitor.answerBody(bytes, from, to)) this.#slowDown(connection);
  }

  answerDone(): void {
    this.#answered();
  }

  endpointBroke(kind: "broken" | "malformed", reason: string): void {
    const connection = this.#connection;
    if (this.#state === "answering") {
      this.#account.answerBytes = connection?.bodyBytes ?? 0;
      this.#connection = undefined;
      return this.#cut(reason);
    }
    if (this.#state !== "sent" || connection === undefined) return;
    const isStale = kind === "broken" && connection.wasUsed && !connection.hasAnswered;
    this.#connection = undefined;
    if (isStale && !this.#hasRetriedStale && this.#mayRepeat(true)) {
      this.#hasRetriedStale = true;
      this.#state = "waiting";
      this.#pool?.takeFresh(this, this.#forward?.timeouts?.connectMs);
      return;
    }
    this.#failed(kind, reason, true);
  }

  endpointFlushed(): void {
    this.#progressMs = this.#core.sweep.nowMs;
    if (!this.#visitor.isBodyDone) this.#visitor.wantBody();
  }

  /** Of the tunnel that it became. */
  tunnelOver(answerBytes: number, reason: string | undefined): void {
    this.#account.answerBytes = answerBytes;
    this.#finish("complete", reason);
  }

  #decideLater(direction: Promise<Direction | undefined>): void {
    const turn = this.#turn;
    const decide = (decided: Direction | undefined) => {
      if (turn !== this.#turn || this.#state !== "deciding") return;
      this.#visitor.restoreHead();
      this.#take(decided);
    };
    void direction.then(decide);
  }

  #take(direction: Direction | undefined): void {
    if (direction === undefined) return this.#giveUp(undecided);
    this.#account.observer = direction.observer;
    if (direction.kind === "answer") this.#answerOwn(direction, "answered");
    else this.#start(direction);
  }

  #start(forward: Forward): void {
    this.#forward = forward;
    this.#attempts += 1;
    const declared = this.#visitor.head.contentLength;
    if (forward.bodyBytesMax !== undefined && declared > forward.bodyBytesMax) {
      return this.#tooLarge(forward.bodyBytesMax);
    }
    if (forward.shadow !== undefined && this.#attempts === 1) {
      this.#shadow = Shadow.of(this.#core, this.#visitor, forward.shadow);
    }
    const pool = this.#core.pools.of(forward.address);
    this.#usePool(pool);
    this.#state = "waiting";
    const connection = pool.take(this, forward.timeouts?.connectMs);
    if (connection !== undefined) this.#send(connection);
  }

  #usePool(pool: EndpointPool | undefined): void {
    if (this.#pool) this.#pool.inFlight -= 1;
    if (pool) pool.inFlight += 1;
    this.#pool = pool;
  }

  #send(connection: EndpointConnection): void {
    const visitor = this.#visitor;
    const { head } = visitor;
    const forward = this.#forward as Forward;
    this.#connection = connection;
    this.#state = "sent";
    this.#progressMs = this.#core.sweep.nowMs;
    connection.asked.methodId = head.methodId;
    connection.asked.isUpgrade = head.upgradeStart >= 0;
    const text = requestText(visitor, forward);
    if (this.#firstBody === "" && !visitor.isBodyDone) {
      this.#firstBody = visitor.takeBodyText(Math.max(0, firstWriteBytesMax - text.length));
      this.#shadow?.add(this.#firstBody);
    }
    if (visitor.isBodyDone) this.#shadow?.send();
    const isTaken = connection.transport.write(text + this.#firstBody);
    if (isTaken && !visitor.isBodyDone && this.#connection === connection) visitor.wantBody();
  }

  /** The visitor has not taken all: the endpoint waits until he has. */
  #slowDown(connection: EndpointConnection): void {
    this.#visitor.borrowFrom(connection.transport);
    connection.transport.pause();
  }

  /** The answer is whole; what of it is still on its way out is the visitor's side's. */
  #answered(): void {
    const connection = this.#connection as EndpointConnection;
    const { trailers } = connection;
    this.#connection = undefined;
    this.#account.answerBytes = connection.bodyBytes;
    // Before the visitor's next request, which may come at once.
    connection.release(this.#visitor.isBodyDone && connection.transport.isFlushed);
    this.#finish("complete");
    this.#visitor.endAnswer(trailers);
  }

  #upgrade(bytes: Buffer, head: ResponseHead, to: number, connection: EndpointConnection): void {
    // Taken before the head is written, perhaps in place.
    const toVisitor = bytes.toString("latin1", head.end, to);
    const protocol = bytes.toString("latin1", head.upgradeStart, head.upgradeEnd);
    this.#visitor.beginAnswer(bytes, head, this.#forward?.answerEdits, head.end, true);
    const endpoint = connection.detach();
    this.#connection = undefined;
    this.#state = "tunnel";
    const detached = this.#visitor.detach();
    if (detached === undefined) {
      endpoint.destroy();
      return this.#finish("cut", "its visitor cannot change the protocol");
    }
    const { transport: visitor, rest: toEndpoint } = detached;
    const isWebsocket = /^websocket$/i.test(protocol);
    const address = this.#forward?.address ?? "";
    const tunnel = new Tunnel(this.#core, this, { visitor, endpoint, address, isWebsocket });
    tunnel.start({ toEndpoint, toVisitor });
  }

  /** What went with the head is kept, what went after it is gone. */
  #mayRepeat(wasSent: boolean): boolean {
    if (this.#hasStreamed) return false;
    if (!wasSent) return true;
    this.#visitor.restoreHead();
    return isIdempotent(methodOf(this.#visitor.bytes, this.#visitor.head));
  }

  /** Nothing of an answer came. */
  #failed(kind: AttemptFailure["kind"], reason: string, sent: boolean): void {
    this.#connection = undefined;
    const mayRepeat = this.#attempts < attemptsMax && this.#mayRepeat(sent);
    const failure: AttemptFailure = { kind, sent, mayRepeat, reason };
    this.#account.observer?.failed?.(failure);
    const next = askAgain(this.#core, this.#forward, failure);
    if (next?.kind === "answer") return this.#answerOwn(next, "failed", reason);
    if (next !== undefined && mayRepeat) {
      this.#visitor.restoreHead();
      if (next.observer !== undefined) this.#account.observer = next.observer;
      return this.#start(next);
    }
    const status = kind === "head-timeout" ? 504 : 502;
    this.#giveUp({ kind: "unanswered", status, reason, failure });
  }

  #tooLarge(bytesMax: number): void {
    const reason = `its body is longer than ${bytesMax} bytes`;
    this.#giveUp({ kind: "too-large", status: 413, reason });
  }

  /** Ends with words of the proxy; an answer that has begun is cut instead. */
  #giveUp(refusal: Refusal): void {
    if (this.#state === "answering") return this.#cut(refusal.reason);
    this.#pool?.cancel(this);
    this.#dropConnection();
    const wasSentOn = this.#forward !== undefined;
    this.#answerOwn(this.#core.refuse({ ...refusal, wasSentOn }), "failed", refusal.reason);
  }

  #answerOwn(answer: Answer, how: "answered" | "failed", reason?: string): void {
    this.#account.head(answer.status, true);
    this.#account.answerBytes = answer.body.length;
    this.#finish(how, reason);
    this.#visitor.answerOwn(answer);
  }

  #cut(reason: string, how: "cut" | "left" = "cut"): void {
    this.#dropConnection();
    this.#finish(how, reason);
    this.#visitor.cut();
  }

  #dropConnection(): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    this.#connection = undefined;
    this.#account.answerBytes = connection.bodyBytes;
    connection.destroy();
  }

  #tickSent(silence: Silence, { transport }: EndpointConnection): void {
    const stall = stallBeforeAnswer(silence, transport);
    if (stall === undefined) return;
    const { whose, reason } = stall;
    if (whose === "visitor") return this.#giveUp({ kind: "body-timeout", status: 408, reason });
    this.#dropConnection();
    this.#failed("head-timeout", reason, true);
  }

  #tickAnswering(silence: Silence): void {
    const stall = stallInAnswer(silence);
    if (stall !== undefined) this.#cut(stall.reason, stall.whose === "visitor" ? "left" : "cut");
  }

  /** The one end of every exchange. */
  #finish(how: ExchangeEnd["how"], reason?: string): void {
    this.#state = "idle";
    this.#usePool(undefined);
    this.#account.end(how, this.#visitor.bodyBytes, reason);
    this.#forward = undefined;
    this.#abort = undefined;
    this.#attempts = 0;
    this.#hasRetriedStale = false;
    this.#firstBody = "";
    this.#hasStreamed = false;
    this.#shadow = undefined;
  }
}
