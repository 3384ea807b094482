/**
 * A copy of a request for another endpoint, whose answer is thrown away. It is sent when the body is whole, so
 * that a slow visitor holds no connection there; one that is too long is not sent at all. Nothing that becomes
 * of it is seen by the visitor.
 */
import { requestHeadText } from "../core/rewrite.js";
import type { ResponseHead } from "../core/response-head.js";
import type { AttemptFailure, Forward } from "../exchange.js";
import type { EngineCore } from "./core.js";
import type { EndpointConnection } from "./endpoint-connection.js";
import type { EndpointPool } from "./endpoint-pool.js";
import type { EndpointUser } from "./endpoint-user.js";
import type { Ticking } from "./sweep.js";
import type { VisitorSide } from "./visitor-side.js";

type Place = NonNullable<Forward["shadow"]>;

export class Shadow implements EndpointUser, Ticking {
  readonly takesChunks = true;
  readonly #core: EngineCore;
  readonly #pool: EndpointPool;
  readonly #methodId: number;
  readonly #place: Place;
  #text: string;
  #connection: EndpointConnection | undefined;
  #deadlineMs = 0;
  #isOver = false;
  #hasAnswered = false;

  private constructor(core: EngineCore, visitor: VisitorSide, place: Place) {
    const { head, bytes, forwarding } = visitor;
    const { address, target, host, requestEdits } = place;
    this.#place = place;
    this.#core = core;
    this.#pool = core.pools.of(address);
    this.#methodId = head.methodId;
    this.#text = requestHeadText(bytes, head, {
      fates: forwarding.fates,
      lines: forwarding.linesOf(bytes, head),
      edits: requestEdits,
      target,
      host,
      keepsFraming: true,
      keepsUpgrade: false,
      keepsExpect: false,
    });
  }

  /** Undefined when it is not for copying, or too many are under way. */
  static of(core: EngineCore, visitor: VisitorSide, place: Place): Shadow | undefined {
    const isTooLong = visitor.head.contentLength > core.limits.shadowBytesMax;
    if (isTooLong || visitor.head.upgradeStart >= 0) return undefined;
    if (core.counters.shadows >= core.limits.shadowsMax) return undefined;
    return new Shadow(core, visitor, place);
  }

  add(body: Buffer | string): void {
    if (this.#isOver) return;
    this.#text += typeof body === "string" ? body : body.toString("latin1");
    if (this.#text.length <= this.#core.limits.shadowBytesMax) return;
    this.#isOver = true;
    this.#text = "";
  }

  /** The request is whole. */
  send(): void {
    if (this.#isOver || this.#deadlineMs > 0) return;
    const { sweep, limits, counters } = this.#core;
    counters.shadows += 1;
    this.#pool.inFlight += 1;
    this.#deadlineMs = sweep.nowMs + (this.#place.headMs ?? limits.answerHeadMs);
    sweep.add(this);
    const connection = this.#pool.take(this);
    if (connection !== undefined) this.endpointReady(connection);
  }

  endpointReady(connection: EndpointConnection): void {
    this.#connection = connection;
    connection.asked.methodId = this.#methodId;
    connection.asked.isUpgrade = false;
    connection.transport.write(this.#text);
    this.#text = "";
  }

  endpointMissing(kind: AttemptFailure["kind"], reason: string): void {
    this.#failed(kind, reason);
  }

  answerHead(_bytes: Buffer, head: ResponseHead, _to: number, isLast: boolean): void {
    if (head.isInterim) return;
    this.#hasAnswered = true;
    this.#place.observer?.answered?.(head.status);
    if (isLast) this.answerDone();
  }

  answerBody(): void {
    // Thrown away.
  }

  answerDone(): void {
    const connection = this.#connection;
    this.#over();
    connection?.release(connection.transport.isFlushed);
  }

  endpointBroke(kind: "broken" | "malformed", reason: string): void {
    this.#failed(kind, reason);
  }

  endpointFlushed(): void {
    // All was written at once.
  }

  tick(nowMs: number): void {
    if (nowMs < this.#deadlineMs) return;
    this.#pool.cancel(this);
    this.#connection?.destroy();
    this.#failed("head-timeout", "it did not answer in time");
  }

  #failed(kind: AttemptFailure["kind"], reason: string): void {
    const sent = this.#connection !== undefined;
    this.#over();
    if (this.#hasAnswered) return;
    this.#place.observer?.failed?.({ kind, sent, mayRepeat: false, reason });
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#connection = undefined;
    this.#core.counters.shadows -= 1;
    this.#pool.inFlight -= 1;
    this.#core.sweep.delete(this);
  }
}
