/**
 * A link: a client's conversation that comes back by itself.
 *
 *     connecting --established--> introducing --introduced--> up --lost--> waiting --back-off--> connecting
 *                                                      any state --stop--> stopped
 *
 * After every connect the owner introduces itself again, before anything else is called; so the other
 * side never has to remember anybody across a restart.
 *
 * Where there are several ways to the other side, an attempt is a round over all of them, best first. A link
 * that is up by a worse one looks for a better one every few minutes, and moves when that has proven itself.
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
import { betterThan, roundOf } from "./core/ways.js";
import { dial, hangUp } from "./dial.js";
import { connectMsMax } from "./network.js";
import { randomBetween } from "./random.js";
import type { World } from "./world.js";

export interface LinkOptions {
  /** Where the other side always is; the last of the ways when it is none of them. */
  readonly address: Address;
  /** Where else it is, the best way first; asked anew for each round. Default: nowhere. */
  readonly ways?: () => readonly Address[];
  /** One of `sessionPaths`. */
  readonly path: string;
  /** Added to the path after a `?`. */
  readonly query?: () => string;
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
      /** The one that was tried. */
      readonly address: Address;
      /** Nothing is wrong: it ended itself for a better way, which is tried next. */
      readonly movesTo?: Address;
    }
  | { readonly kind: "stopped"; readonly reason: ErrorData };

/**
 * A connection that ends sooner is a failed attempt like another: two peers that push each other off the
 * same place shall not do so several times a second for ever. A guess.
 */
const goodMsMin = 10_000;

/** Bound on reaching a way when there is another one. */
const wayMsMax = 3_000;
/** Between two ways of a round: a thousand peers that lost the same one do not meet at the next at once. */
const nextWayMsMax = 250;
/** A better way is tried so long after it was heard of, and from then on so often; a guess. */
const lookSoonMs = { min: 2_000, max: 15_000 };
const lookMs = { min: 60_000, max: 180_000 };

/** One attempt: the way of a round that is tried. */
interface Attempt {
  readonly round: number;
  readonly ways: readonly Address[];
  readonly index: number;
}

export class Link {
  readonly #world: World;
  readonly #options: LinkOptions;
  #state: LinkState = { kind: "connecting", attempt: 1 };
  #conversation: Conversation | undefined;
  #address: Address;
  #timer: Timer | undefined;
  /** Until a better way is looked for. */
  #look: Timer | undefined;
  /** The better way that it ends itself for. */
  #movesTo: Address | undefined;
  #wasUp = false;
  /** Why the last attempt failed; undefined while nothing did. */
  #lastReason: ErrorData | undefined;
  #waiters: { resolve: (up: Conversation) => void; reject: (error: PropagitError) => void }[] = [];

  constructor(world: World, options: LinkOptions) {
    this.#world = world;
    this.#options = options;
    this.#address = options.address;
    void this.#connect(this.#newRound(1));
  }

  get state(): LinkState {
    return this.#state;
  }

  /** The way that it is up by, or that was tried last. */
  get address(): Address {
    return this.#address;
  }

  /** The ways are others than before: a better one is tried soon. */
  waysChanged(): void {
    if (this.#state.kind === "up" && this.#better().length > 0) this.#lookLater(lookSoonMs);
  }

  /**
   * The conversation, once it is up.
   *
   * @throws UNREACHABLE when it is not up within `limitMs`, with the last reason; LINK_LOST when stopped
   */
  async up(limitMs: number): Promise<Conversation> {
    // One that just ended still counts as up until its reason was looked at.
    if (this.#state.kind === "up" && this.#state.conversation.isOpen)
      return this.#state.conversation;
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
    this.#look?.cancel();
    this.#set({ kind: "stopped", reason: error.toData() });
    this.#conversation?.end(error);
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }

  async #connect(attempt: Attempt): Promise<void> {
    this.#set({ kind: "connecting", attempt: attempt.round });
    const address = attempt.ways[attempt.index] ?? this.#options.address;
    this.#address = address;
    try {
      const conversation = await this.#converse(address, attempt);
      this.#wasUp = true;
      this.#lastReason = undefined;
      this.#set({ kind: "up", conversation });
      for (const waiter of this.#waiters.splice(0)) waiter.resolve(conversation);
      const upAt = this.#world.clock.monotonic();
      this.#lookLater(this.#better().length > 0 ? lookSoonMs : lookMs);
      const reason = await conversation.over;
      const isGood = this.#movesTo || this.#world.clock.monotonic() - upAt >= goodMsMin;
      this.#retry(reason, address, isGood ? afterGood(attempt) : attempt);
    } catch (thrown) {
      this.#conversation?.end(toPropagitError(thrown));
      this.#retry(toPropagitError(thrown).toData(), address, attempt);
    }
  }

  async #converse(address: Address, { ways, index }: Attempt): Promise<Conversation> {
    const { role, credential, acceptsOpen, handlers, tellingHandlers } = this.#options;
    const limitMs = index + 1 < ways.length ? wayMsMax : connectMsMax;
    const wire = await this.#world.network.connect(address, this.#path, limitMs);
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

  /** The next way of the round at once, or the next round after a rest. */
  #retry(reason: ErrorData, address: Address, { round, ways, index }: Attempt): void {
    this.#look?.cancel();
    if (this.#isStopped()) return;
    this.#lastReason = reason;
    const isRoundOver = index + 1 >= ways.length;
    const retryMs = isRoundOver
      ? backoffMs(reconnectBackoff, round, this.#world.random.fraction())
      : randomBetween(this.#world.random, 1, nextWayMsMax);
    const movesTo = this.#movesTo;
    this.#movesTo = undefined;
    const where = { address, ...(movesTo && { movesTo }) };
    this.#set({ kind: "waiting", reason, retryMs, again: this.#wasUp, ...where });
    if (this.#isStopped()) return;
    this.#timer = this.#world.clock.after(retryMs, () => {
      void this.#connect(
        isRoundOver ? this.#newRound(round + 1) : { round, ways, index: index + 1 },
      );
    });
  }

  #newRound(round: number): Attempt {
    const { ways, address } = this.#options;
    return { round, ways: roundOf(ways?.() ?? [], address), index: 0 };
  }

  #lookLater({ min, max }: typeof lookMs): void {
    this.#look?.cancel();
    if (!this.#options.ways || this.#isStopped()) return;
    const inMs = randomBetween(this.#world.random, min, max);
    this.#look = this.#world.clock.after(inMs, () => void this.#lookForBetter());
  }

  /** A way counts as better once somebody at its end has proven to be the other side. */
  async #lookForBetter(): Promise<void> {
    const { conversation } = this.#state.kind === "up" ? this.#state : {};
    for (const address of conversation ? this.#better() : []) {
      if (!(await this.#leadsThere(address))) continue;
      if (!conversation?.isOpen) return;
      this.#movesTo = address;
      return conversation.end(
        new PropagitError("LINK_LOST", `it moves to ${formatAddress(address)}`),
      );
    }
    if (conversation?.isOpen) this.#lookLater(lookMs);
  }

  async #leadsThere(address: Address): Promise<boolean> {
    const { role, credential, acceptsOpen } = this.#options;
    try {
      const path = this.#path;
      const probe = await dial(this.#world, { address, path, role, credential, acceptsOpen });
      await hangUp(probe);
      return true;
    } catch {
      return false;
    }
  }

  #better(): readonly Address[] {
    const { ways, address } = this.#options;
    return ways ? betterThan(this.#address, ways(), address) : [];
  }

  get #path(): string {
    const { path, query } = this.#options;
    return query ? `${path}?${query()}` : path;
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

/** One that was up for a while is a new beginning: a short rest, then a round with the best way first. */
function afterGood({ ways }: Attempt): Attempt {
  return { round: 1, ways, index: ways.length - 1 };
}
