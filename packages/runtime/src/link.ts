/**
 * A link: a client's conversation that comes back by itself.
 *
 *     connecting --established--> introducing --introduced--> up --lost--> waiting --back-off--> connecting
 *                                                      any state --stop--> stopped
 *
 * After every connect the owner introduces itself again, before anything else is called; so the other
 * side never has to remember anybody across a restart.
 */
import {
  formatAddress,
  PropagitError,
  toPropagitError,
  type Address,
  type Credential,
  type ErrorData,
  type MethodName,
  type Params,
  type Result,
  type Role,
  type Telling,
  type TellingName,
} from "@propagit/protocol";
import type { Timer } from "./clock.js";
import {
  Conversation,
  type CallOptions,
  type Handlers,
  type TellingHandlers,
} from "./conversation.js";
import { backoffMs, reconnectBackoff } from "./core/backoff.js";
import type { World } from "./world.js";

export interface LinkOptions {
  readonly address: Address;
  /** One of `sessionPaths`. */
  readonly path: string;
  readonly role: Role;
  readonly credential: Credential;
  readonly acceptsOpen: boolean;
  readonly handlers?: Handlers;
  readonly tellingHandlers?: TellingHandlers;
  /** Called after every connect; the link is up when it has resolved, and tries again when it rejects. */
  readonly introduce?: (conversation: Conversation) => Promise<void>;
  /** Told of every change, so that a daemon can say it. */
  readonly changed?: (state: LinkState) => void;
}

export type LinkState =
  | { readonly kind: "connecting"; readonly attempt: number }
  | { readonly kind: "up"; readonly conversation: Conversation }
  /** `again`: whether this link was up before. */
  | {
      readonly kind: "waiting";
      readonly reason: ErrorData;
      readonly retryMs: number;
      readonly again: boolean;
    }
  | { readonly kind: "stopped"; readonly reason: ErrorData };

/**
 * A connection that ends sooner is a failed attempt like another: two peers that push each other off the
 * same place shall not do so several times a second for ever. A guess.
 */
const goodMsMin = 10_000;

/** Bound on reaching the address, before the handshake's own bound begins. */
export const connectMsMax = 8_000;

export class Link {
  readonly #world: World;
  readonly #options: LinkOptions;
  #state: LinkState = { kind: "connecting", attempt: 1 };
  #conversation: Conversation | undefined;
  #timer: Timer | undefined;
  #wasUp = false;
  /** Why the last attempt failed; undefined while nothing did. */
  #lastReason: ErrorData | undefined;
  #waiters: { resolve: (up: Conversation) => void; reject: (error: PropagitError) => void }[] = [];

  constructor(world: World, options: LinkOptions) {
    this.#world = world;
    this.#options = options;
    void this.#connect(1);
  }

  get state(): LinkState {
    return this.#state;
  }

  /**
   * The conversation, once it is up.
   *
   * @throws UNREACHABLE when it is not up within `limitMs`, with the last reason; LINK_LOST when stopped
   */
  async up(limitMs: number): Promise<Conversation> {
    if (this.#state.kind === "up") return this.#state.conversation;
    if (this.#state.kind === "stopped") throw PropagitError.fromData(this.#state.reason);
    return new Promise((resolve, reject) => {
      const waiter = {
        resolve: (conversation: Conversation) => {
          timer.cancel();
          resolve(conversation);
        },
        reject: (error: PropagitError) => {
          timer.cancel();
          reject(error);
        },
      };
      const timer = this.#world.clock.after(limitMs, () => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        reject(this.#notUp(limitMs));
      });
      this.#waiters.push(waiter);
    });
  }

  /** Calls as soon as the link is up; fails when that, or the answer, takes longer than `limitMs`. */
  async call<M extends MethodName>(
    method: M,
    params: Params<M>,
    options: CallOptions<M> = {},
  ): Promise<Result<M>> {
    const conversation = await this.up(options.limitMs || connectMsMax);
    return conversation.call(method, params, options);
  }

  /** Says something if the link is up; what is said while it is down is not kept. */
  tell<T extends TellingName>(method: T, params: Telling<T>): void {
    if (this.#state.kind === "up") this.#state.conversation.tell(method, params);
  }

  /** Ends it for good; open calls fail with the reason. */
  stop(error = new PropagitError("LINK_LOST", "this side ended the connection")): void {
    if (this.#state.kind === "stopped") return;
    this.#timer?.cancel();
    this.#set({ kind: "stopped", reason: error.toData() });
    this.#conversation?.end(error);
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }

  async #connect(attempt: number): Promise<void> {
    this.#set({ kind: "connecting", attempt });
    try {
      const conversation = await this.#converse();
      this.#wasUp = true;
      this.#lastReason = undefined;
      this.#set({ kind: "up", conversation });
      for (const waiter of this.#waiters.splice(0)) waiter.resolve(conversation);
      const upAt = this.#world.clock.monotonic();
      const reason = await conversation.over;
      const isGood = this.#world.clock.monotonic() - upAt >= goodMsMin;
      this.#retry(reason, isGood ? 1 : attempt);
    } catch (thrown) {
      this.#conversation?.end(toPropagitError(thrown));
      this.#retry(toPropagitError(thrown).toData(), attempt);
    }
  }

  async #converse(): Promise<Conversation> {
    const { address, path, role, credential, acceptsOpen, handlers, tellingHandlers } =
      this.#options;
    const wire = await this.#world.network.connect(address, path, connectMsMax);
    const conversation = new Conversation(this.#world, wire, {
      side: { kind: "client", role, credential, acceptsOpen },
      ...(handlers && { handlers }),
      ...(tellingHandlers && { tellingHandlers }),
    });
    this.#conversation = conversation;
    if (this.#isStopped()) conversation.end(new PropagitError("LINK_LOST", "stopped meanwhile"));
    await conversation.established;
    await this.#options.introduce?.(conversation);
    return conversation;
  }

  #retry(reason: ErrorData, attempt: number): void {
    if (this.#isStopped()) return;
    this.#lastReason = reason;
    const retryMs = backoffMs(reconnectBackoff, attempt, this.#world.random.fraction());
    this.#set({ kind: "waiting", reason, retryMs, again: this.#wasUp });
    if (this.#isStopped()) return;
    this.#timer = this.#world.clock.after(retryMs, () => {
      void this.#connect(attempt + 1);
    });
  }

  #set(state: LinkState): void {
    if (this.#isStopped()) return;
    this.#state = state;
    this.#options.changed?.(state);
  }

  // A method, because the state changes behind the compiler's back while a promise is awaited.
  #isStopped(): boolean {
    return this.#state.kind === "stopped";
  }

  #notUp(limitMs: number): PropagitError {
    const where = formatAddress(this.#options.address);
    if (this.#lastReason) return PropagitError.fromData(this.#lastReason);
    return new PropagitError("UNREACHABLE", `no connection to ${where} within ${limitMs / 1000} s`);
  }
}
