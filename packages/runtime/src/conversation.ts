/**
 * A conversation: one wire with a session on it, and the calls that go back and forth in it.
 *
 * Both sides may call; answers, parts and cancellations find their call by number. When the wire ends,
 * every open call fails with the reason and every answer being worked on is told by its signal.
 */
import {
  check,
  checkKnown,
  isMethod,
  isTelling,
  methods,
  PropagitError,
  startSession,
  stepSession,
  tellings,
  toPropagitError,
  type Body,
  type ErrorData,
  type MethodName,
  type Params,
  type Part,
  type Peer,
  type Result,
  type SessionEvent,
  type SessionSide,
  type SessionState,
  type Telling,
  type TellingName,
} from "@propagit/protocol";
import { badFrame, foreignError, givenUp, hintFor } from "./call-errors.js";
import type { Timer } from "./clock.js";
import type { Wire } from "./network.js";
import type { World } from "./world.js";

/** Answers a call; what it throws becomes the caller's error. */
export type Handler<M extends MethodName> = (
  params: Params<M>,
  call: IncomingCall<M>,
) => Promise<Result<M>> | Result<M>;

export interface IncomingCall<M extends MethodName> {
  readonly conversation: Conversation;
  /** Sends one piece of the answer. */
  readonly part: (part: Part<M>) => void;
  /** Aborted when the caller cancels or is gone. */
  readonly signal: AbortSignal;
}

export type Handlers = { readonly [M in MethodName]?: Handler<M> };
export type TellingHandlers = {
  readonly [T in TellingName]?: (params: Telling<T>, conversation: Conversation) => void;
};

export interface ConversationOptions {
  readonly side: SessionSide;
  readonly handlers?: Handlers;
  readonly tellingHandlers?: TellingHandlers;
}

export interface CallOptions<M extends MethodName> {
  readonly onPart?: (part: Part<M>) => void;
  readonly signal?: AbortSignal;
  /** Bound on the whole call; 0 means none, for calls that last (watches, deploys). Default 10 s. */
  readonly limitMs?: number;
}

/** Calls being answered for one peer at the same time; a guess, far above what any part needs. */
const incomingCallsMax = 1_000;
/** Bytes that may wait for a slow peer before it is cut off. */
const bufferedBytesMax = 64 * 1024 * 1024;
const callLimitMsDefault = 10_000;
/** How often the session looks at the clock; a fraction of the shortest useful heartbeat. */
const tickMs = 1_000;

interface OpenCall {
  readonly method: MethodName;
  readonly onPart: ((part: never) => void) | undefined;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: PropagitError) => void;
}

export class Conversation {
  /** Resolves with the peer once it is proven; rejects when that fails. */
  readonly established: Promise<Peer>;
  /** Resolves with the first reason when it is over. */
  readonly over: Promise<ErrorData>;
  readonly remoteHost: string;

  readonly #world: World;
  readonly #wire: Wire;
  readonly #options: ConversationOptions;
  readonly #calls = new Map<number, OpenCall>();
  readonly #answering = new Map<number, AbortController>();
  #session: SessionState;
  #peer: Peer | undefined;
  #nextCall = 1;
  #timer: Timer | undefined;
  #resolveEstablished!: (peer: Peer) => void;
  #rejectEstablished!: (error: PropagitError) => void;
  #resolveOver!: (reason: ErrorData) => void;

  constructor(world: World, wire: Wire, options: ConversationOptions) {
    this.#world = world;
    this.#wire = wire;
    this.#options = options;
    this.remoteHost = wire.remoteHost;
    this.established = new Promise((resolve, reject) => {
      this.#resolveEstablished = resolve;
      this.#rejectEstablished = reject;
    });
    // Whoever only watches `over` must not be hit by an unhandled rejection.
    this.established.catch(() => undefined);
    this.over = new Promise((resolve) => {
      this.#resolveOver = resolve;
    });
    const first = startSession(options.side, world.random.hex(32), world.clock.monotonic());
    this.#session = first.state;
    this.#perform(first.effects);
    wire.listen({
      message: (text) => this.#feed({ kind: "message", text }),
      closed: (reason) => this.#feed({ kind: "lost", reason }),
    });
    this.#scheduleTick();
  }

  /** Who the other side proved to be; undefined before that. */
  get peer(): Peer | undefined {
    return this.#peer;
  }

  /** What was sent and has not left yet, because the other side reads slowly. */
  get bufferedBytes(): number {
    return this.#wire.bufferedBytes;
  }

  /** When the other side was last heard, if only by a sign of life; on the monotonic clock. */
  get heardAt(): number {
    return this.#session.heardAt;
  }

  get isOpen(): boolean {
    return this.#session.phase.kind === "open";
  }

  /**
   * Calls a method of the other side.
   *
   * @throws what the other side answered, LINK_LOST when it is gone, TIMED_OUT after `limitMs`
   */
  call<M extends MethodName>(
    method: M,
    params: Params<M>,
    options: CallOptions<M> = {},
  ): Promise<Result<M>> {
    const closed = this.#closedReason();
    if (closed) return Promise.reject(PropagitError.fromData(closed));
    if (options.signal?.aborted) return Promise.reject(givenUp(method));
    const id = this.#nextCall++;
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#calls.set(id, { method, onPart: options.onPart, resolve, reject });
    });
    try {
      this.#send({ kind: "call", id, method, params });
    } catch (thrown) {
      this.#takeCall(id)?.reject(toPropagitError(thrown));
    }
    return this.#bounded(id, method, answer, options) as Promise<Result<M>>;
  }

  /** Says something; it may be lost when the connection ends. @throws TOO_LARGE */
  tell<T extends TellingName>(method: T, params: Telling<T>): void {
    if (this.isOpen) this.#send({ kind: "tell", method, params });
  }

  end(error: PropagitError): void {
    this.#feed({ kind: "end", error: error.toData() });
  }

  async #bounded<M extends MethodName>(
    id: number,
    method: M,
    answer: Promise<unknown>,
    options: CallOptions<M>,
  ): Promise<unknown> {
    const limitMs = options.limitMs ?? callLimitMsDefault;
    const giveUp = (error: PropagitError) => {
      const call = this.#calls.get(id);
      this.#calls.delete(id);
      if (call && this.isOpen) this.#send({ kind: "cancel", id });
      call?.reject(error);
    };
    const timer =
      limitMs > 0
        ? this.#world.clock.after(limitMs, () => {
            giveUp(new PropagitError("TIMED_OUT", `no answer to ${method} in ${limitMs / 1000} s`));
          })
        : undefined;
    const aborted = () => giveUp(givenUp(method));
    options.signal?.addEventListener("abort", aborted, { once: true });
    try {
      return await answer;
    } finally {
      timer?.cancel();
      options.signal?.removeEventListener("abort", aborted);
    }
  }

  /** @throws TOO_LARGE */
  #send(body: Body): void {
    this.#feed({ kind: "send", body });
    if (this.#wire.bufferedBytes > bufferedBytesMax) {
      this.end(new PropagitError("OVERLOADED", "the other side reads too slowly"));
    }
  }

  #feed(event: SessionEvent): void {
    const step = stepSession(
      this.#world.crypto,
      this.#session,
      event,
      this.#world.clock.monotonic(),
    );
    this.#session = step.state;
    this.#perform(step.effects);
  }

  #perform(effects: ReturnType<typeof stepSession>["effects"]): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case "transmit":
          this.#wire.send(effect.text);
          break;
        case "established":
          this.#peer = effect.peer;
          this.#resolveEstablished(effect.peer);
          break;
        case "deliver":
          this.#deliver(effect.body);
          break;
        case "closed":
          this.#close(effect.reason);
          break;
        default:
          effect satisfies never;
      }
    }
  }

  #deliver(body: Body): void {
    switch (body.kind) {
      case "call":
        void this.#answer(body.id, body.method, body.params);
        break;
      case "cancel":
        this.#answering.get(body.id)?.abort();
        break;
      case "tell":
        this.#hear(body.method, body.params);
        break;
      case "part":
        this.#takePart(body.id, body.part);
        break;
      case "reply":
        this.#takeReply(body.id, body.result);
        break;
      case "fail":
        this.#takeCall(body.id)?.reject(foreignError(body.error));
        break;
      case "ping":
      case "bye":
        break;
      default:
        body satisfies never;
    }
  }

  async #answer(id: number, method: string, params: unknown): Promise<void> {
    const stop = new AbortController();
    try {
      if (this.#answering.has(id)) throw badFrame(`call ${id} was made twice`);
      if (this.#answering.size >= incomingCallsMax) {
        throw new PropagitError("OVERLOADED", `more than ${incomingCallsMax} calls at once`);
      }
      this.#answering.set(id, stop);
      const result = await this.#handle(id, method, params, stop.signal);
      if (this.isOpen) this.#send({ kind: "reply", id, result });
    } catch (thrown) {
      const error = toPropagitError(thrown);
      if (error.code === "INTERNAL") {
        this.#world.log.warn(`${method} failed: ${error.stack ?? error.message}`);
      }
      if (this.isOpen) this.#send({ kind: "fail", id, error: error.toData() });
    } finally {
      if (this.#answering.get(id) === stop) this.#answering.delete(id);
    }
  }

  #handle(id: number, method: string, params: unknown, signal: AbortSignal): unknown {
    const handler = isMethod(method) ? this.#options.handlers?.[method] : undefined;
    if (!isMethod(method) || !handler) throw badFrame(`there is no method ${method} here`);
    const { needs, params: schema } = methods[method];
    if (needs === "cluster" && typeof this.#peer?.access === "object") {
      throw new PropagitError("DENIED", `a token is not enough for ${method}`);
    }
    const checked = check(schema, params);
    if (!checked.ok) {
      throw badFrame(`${method} was called wrongly: ${checked.reason}`, hintFor(checked.reason));
    }
    const call = {
      conversation: this,
      signal,
      part: (part: unknown) => {
        if (this.isOpen && !signal.aborted) this.#send({ kind: "part", id, part });
      },
    };
    return (handler as (params: unknown, call: unknown) => unknown)(checked.value, call);
  }

  #hear(method: string, params: unknown): void {
    const handler = isTelling(method) ? this.#options.tellingHandlers?.[method] : undefined;
    if (!isTelling(method) || !handler) {
      return this.end(badFrame(`${method} is not heard here`));
    }
    const checked = checkKnown(tellings[method], params);
    if (!checked.ok) return this.end(badFrame(`${method} was told wrongly: ${checked.reason}`));
    this.#guard(method, () => {
      (handler as (params: unknown, conversation: Conversation) => void)(checked.value, this);
    });
  }

  /** What the owner does with a message may fail; that ends this conversation, not the process. */
  #guard(what: string, action: () => void): void {
    try {
      action();
    } catch (thrown) {
      const error = toPropagitError(thrown);
      this.#world.log.warn(`${what} could not be taken: ${error.stack ?? error.message}`);
      this.end(new PropagitError("INTERNAL", `${what} could not be taken: ${error.message}`));
    }
  }

  #takePart(id: number, part: unknown): void {
    const call = this.#calls.get(id);
    if (!call) return;
    const { part: schema } = methods[call.method] as { part?: Parameters<typeof check>[0] };
    const checked = schema ? checkKnown(schema, part) : undefined;
    if (!checked?.ok) return this.end(badFrame(`a wrong part of ${call.method} came`));
    this.#guard(`a part of ${call.method}`, () => call.onPart?.(checked.value as never));
  }

  #takeReply(id: number, result: unknown): void {
    const call = this.#takeCall(id);
    if (!call) return;
    const checked = checkKnown(methods[call.method].result, result);
    if (checked.ok) call.resolve(checked.value);
    else call.reject(badFrame(`the answer to ${call.method} is wrong: ${checked.reason}`));
  }

  /** Removes a call that is over; undefined when it was given up before. */
  #takeCall(id: number): OpenCall | undefined {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    return call;
  }

  #close(reason: ErrorData): void {
    this.#timer?.cancel();
    this.#wire.close();
    const error = PropagitError.fromData(reason);
    this.#rejectEstablished(error);
    for (const call of this.#calls.values()) call.reject(error);
    this.#calls.clear();
    for (const stop of this.#answering.values()) stop.abort();
    this.#answering.clear();
    this.#resolveOver(reason);
  }

  #closedReason(): ErrorData | undefined {
    const { phase } = this.#session;
    return phase.kind === "closed" ? phase.reason : undefined;
  }

  #scheduleTick(): void {
    if (this.#closedReason()) return;
    this.#timer = this.#world.clock.after(tickMs, () => {
      this.#feed({ kind: "tick" });
      this.#scheduleTick();
    });
  }
}
