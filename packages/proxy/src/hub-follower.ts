/**
 * Follows the hub: where the registry is, and the route book, whole each time.
 *
 *     connect -> hub.meet -> hub.routes -> first book: up -> book, book, … -> lost -> back-off -> connect
 */
import {
  formatAddress,
  PropagitError,
  toPropagitError,
  type Address,
  type Credential,
  type ErrorData,
  type RegistryPlace,
  type RouteBook,
} from "@propagit/protocol";
import {
  Link,
  sessionPaths,
  within,
  type Conversation,
  type LinkState,
  type World,
} from "@propagit/runtime";

export interface HubFollowerOptions {
  readonly hub: Address;
  readonly credential: Credential;
  readonly onPlace: (place: RegistryPlace) => void;
  readonly onBook: (book: RouteBook) => void;
}

/** Bound on the first book after a connect; a guess, far above what a hub needs. */
const firstBookMsMax = 10_000;

export class HubFollower {
  /** Resolves with the first failure, or with nothing once the hub is followed for the first time. */
  readonly firstOutcome: Promise<ErrorData | undefined>;
  readonly #world: World;
  readonly #options: HubFollowerOptions;
  readonly #link: Link;
  #resolveFirst!: (failure: ErrorData | undefined) => void;
  #state: LinkState | undefined;
  /** What was last said, so that it is not said again at every attempt. */
  #said = "";

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

  stop(): void {
    this.#link.stop();
  }

  async #introduce(conversation: Conversation): Promise<void> {
    const { registry } = await conversation.call("hub.meet", {});
    this.#options.onPlace(registry);
    const { clock } = this.#world;
    await within(clock, firstBookMsMax, "the hub's first route book", this.#watch(conversation));
  }

  /** Resolves with the first book; ends the conversation when the books end, so that the link tries again. */
  #watch(conversation: Conversation): Promise<void> {
    return new Promise((resolve, reject) => {
      const onPart = (book: RouteBook) => {
        this.#options.onBook(book);
        resolve();
      };
      const books = conversation.call("hub.routes", {}, { limitMs: 0, onPart });
      const ended = books.then(() => {
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
      this.#say("warn", this.#awayMessage(state.reason.message));
      this.#resolveFirst(state.reason);
    }
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
