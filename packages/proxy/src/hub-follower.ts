/**
 * Follows the hub: where the registry is, and the book of routes. Answers its questions while it moves visitors.
 *
 *     connect -> hub.meet -> hub.routes -> first update: up -> change, change, … -> lost -> back-off -> connect
 *                                                               `--> hub.proxy: goes by that revision
 */
import {
  formatAddress,
  PropagitError,
  toPropagitError,
  type Address,
  type BookUpdate,
  type Credential,
  type ErrorCode,
  type ErrorData,
  type Params,
  type RegistryPlace,
  type Telling,
} from "@propagit/protocol";
import {
  Link,
  sessionPaths,
  within,
  type Conversation,
  type Handlers,
  type LinkState,
  type Timer,
  type World,
} from "@propagit/runtime";

/** Who this proxy is, as the hub is told. */
export type ProxySelf = Required<
  Pick<Params<"hub.meet">, "identity" | "name" | "version" | "address">
> &
  Pick<Params<"hub.meet">, "zone">;

export interface HubFollowerOptions {
  readonly hub: Address;
  readonly credential: Credential;
  readonly self: ProxySelf;
  /** What is known of the book, so that only the difference is sent. */
  readonly since: () => Params<"hub.routes">["since"];
  readonly onPlace: (place: RegistryPlace) => void;
  readonly onBook: (update: BookUpdate) => void;
  /** What it goes by; told to the hub after changes. */
  readonly standing: () => Telling<"hub.proxy">;
  /** Answers the hub's calls. */
  readonly handlers?: Handlers;
  /** Called after each connect, when the hub knows this proxy. */
  readonly onMet?: (conversation: Conversation) => void;
}

/** Bound on the first book after a connect; a guess, far above what a hub needs. */
const firstBookMsMax = 10_000;
/** Changes within this time are acknowledged together. */
const tellMs = 50;
/** Bound on saying goodbye. */
const leaveMsMax = 1_000;

/** What trying again does not mend: a proxy that begins with it ends. */
export const lastingCodes: ReadonlySet<ErrorCode> = new Set(["DENIED", "UNPROVEN", "BAD_VERSION"]);

export class HubFollower {
  /** Resolves with the first failure, or with nothing once the hub is followed for the first time. */
  readonly firstOutcome: Promise<ErrorData | undefined>;
  readonly #world: World;
  readonly #options: HubFollowerOptions;
  readonly #link: Link;
  #resolveFirst!: (failure: ErrorData | undefined) => void;
  #state: LinkState | undefined;
  #conversation: Conversation | undefined;
  /** When the hub was last heard on a connection that is over. */
  #heardAt: number | undefined;
  #hasOutcome = false;
  /** What was last said, so that it is not said again at every attempt. */
  #said = "";
  #tellTimer: Timer | undefined;

  constructor(world: World, options: HubFollowerOptions) {
    this.#world = world;
    this.#options = options;
    this.firstOutcome = new Promise((resolve) => {
      this.#resolveFirst = resolve;
    });
    this.#link = new Link(world, {
      address: options.hub,
      path: sessionPaths.hub,
      role: "proxy",
      credential: options.credential,
      acceptsOpen: false,
      ...(options.handlers && { handlers: options.handlers }),
      introduce: (conversation) => this.#introduce(conversation),
      changed: (state) => this.#changed(state),
    });
  }

  get isUp(): boolean {
    return this.#state?.kind === "up";
  }

  /** Why the hub is not followed right now. */
  get whyNot(): string {
    return this.#state?.kind === "waiting" ? this.#state.reason.message : "not connected yet";
  }

  /** When the hub was last heard, if only by a sign of life; monotonic. Undefined: never in this life. */
  get lastWordAt(): number | undefined {
    return this.#conversation?.heardAt ?? this.#heardAt;
  }

  /** Tells the hub soon what this proxy goes by. */
  tellSoon(): void {
    this.#tellTimer ??= this.#world.clock.after(tellMs, () => {
      this.#tellTimer = undefined;
      this.#link.tell("hub.proxy", this.#options.standing());
    });
  }

  /** Says goodbye, so that nobody waits for this proxy; unless another one comes in its place. */
  async stop({ isSucceeded } = { isSucceeded: false }): Promise<void> {
    this.#tellTimer?.cancel();
    const { state } = this.#link;
    if (state.kind === "up" && !isSucceeded) {
      // Over this very connection: of one that has just ended, nobody waits for the next.
      const goodbye = state.conversation.call("hub.leave", {}, { limitMs: leaveMsMax });
      await goodbye.catch(() => undefined);
    }
    this.#link.stop();
  }

  async #introduce(conversation: Conversation): Promise<void> {
    const { registry } = await meet(conversation, this.#options.self);
    this.#options.onPlace(registry);
    const { clock } = this.#world;
    await within(clock, firstBookMsMax, "the hub's first route book", this.#watch(conversation));
    this.#conversation = conversation;
    void this.#rememberWord(conversation);
    this.#options.onMet?.(conversation);
  }

  /** When it is over, the last word of it counts. */
  async #rememberWord(conversation: Conversation): Promise<void> {
    await conversation.over;
    this.#heardAt = conversation.heardAt;
    if (this.#conversation === conversation) this.#conversation = undefined;
  }

  /** Resolves with the first update; ends the conversation when updates end, so that the link tries again. */
  #watch(conversation: Conversation): Promise<void> {
    return new Promise((resolve, reject) => {
      const onPart = (update: BookUpdate) => {
        this.#options.onBook(update);
        if (update.kind === "snapshot" && update.more) return;
        this.tellSoon();
        resolve();
      };
      const since = this.#options.since();
      const params = since ? { since } : {};
      const updates = conversation.call("hub.routes", params, { limitMs: 0, onPart });
      const ended = updates.then(() => {
        throw new PropagitError("BAD_FRAME", "the hub ended its routes");
      });
      ended.catch((thrown: unknown) => {
        conversation.end(toPropagitError(thrown));
        reject(toPropagitError(thrown));
      });
    });
  }

  #changed(state: LinkState): void {
    this.#state = state;
    if (state.kind === "up") {
      this.#say("info", `follows hub ${formatAddress(this.#options.hub)}`);
      this.#resolveFirst(undefined);
    }
    if (state.kind === "waiting") {
      // Whoever started it ends with that, and says it.
      const isEnd = !this.#hasOutcome && lastingCodes.has(state.reason.code);
      if (!isEnd) this.#say("warn", this.#awayMessage(state.reason.message));
      this.#resolveFirst(state.reason);
    }
    this.#hasOutcome ||= state.kind === "up" || state.kind === "waiting";
  }

  #awayMessage(reason: string): string {
    const where = formatAddress(this.#options.hub);
    return `hub ${where} is away: ${reason}; keeps the last routes and keeps trying`;
  }

  #say(level: "info" | "warn", message: string): void {
    if (message === this.#said) return;
    this.#said = message;
    this.#world.log[level](message);
  }
}

/** @throws BAD_VERSION when the hub does not know what a proxy says of itself */
async function meet(conversation: Conversation, self: ProxySelf) {
  try {
    return await conversation.call("hub.meet", self);
  } catch (thrown) {
    const error = toPropagitError(thrown);
    if (error.code !== "BAD_FRAME") throw error;
    throw new PropagitError(
      "BAD_VERSION",
      "the hub is of a former version, which does not know its proxies",
      {
        hint: "update the hub first, then the proxies",
        cause: error,
      },
    );
  }
}
