/**
 * The proxy's knowledge: follows hub and registry, keeps the table, says how stale it is, and answers the hub
 * while it moves visitors. Who serves by it, this thread or others, is told what the table is told.
 *
 *     hub ------> HubFollower ------+
 *     registry -> RegistryFollower -+-> TableKeeper --feeds--> Serving (engines and directors)
 *                                         |  Reporter <--counts--'
 *                                         `- SwitchDesk <-> hub
 */
import { PropagitError, type Address, type Credential, type ErrorData } from "@propagit/protocol";
import type { Conversation, World } from "@propagit/runtime";
import type { Staleness } from "./answers.js";
import type { RouteTable, TableOptions } from "./core/route-table.js";
import { isTooStale } from "./core/staleness.js";
import { commitStatsOf, type CommitStats, type CountSource } from "./counters.js";
import type { Feed } from "./feed.js";
import { HubFollower, type ProxySelf } from "./hub-follower.js";
import { RegistryFollower } from "./registry-follower.js";
import { Reporter } from "./reporter.js";
import { SwitchDesk, type Servers } from "./switch-desk.js";
import { TableKeeper } from "./table-keeper.js";

export interface ProxyDaemonOptions {
  readonly source: TableSource;
  readonly dataFolder: string;
  readonly domain?: string;
  readonly service?: string;
  readonly zone?: string;
  readonly tlsPort?: number;
  /** Unknown to visitors; see `TableOptions`. */
  readonly secret?: string;
  /** Longest time without a word from the hub; then nobody is served. Default: for ever. */
  readonly staleMaxMs?: number;
}

/** Where the table comes from. */
export type TableSource =
  | { readonly kind: "hub"; readonly hub: Address; readonly credential: Credential }
  | {
      readonly kind: "registry";
      readonly registry: Address;
      readonly credential: Credential;
      /** It has no secret. */
      readonly isOpen: boolean;
      /** As `parseStandaloneRoute` reads them. */
      readonly routes: readonly string[];
    };

/** Who serves visitors by the table. */
export interface Visited extends Servers {
  readonly counts: CountSource;
  /** What the table has just taken. */
  took(feed: Feed): void;
}

export interface FollowOptions {
  readonly serving: Visited;
  readonly self: ProxySelf;
  /** Called after each connect to the hub. */
  readonly onMet?: (conversation: Conversation) => void;
}

export interface ProxyStats {
  readonly commits: readonly CommitStats[];
  /** What the table is stale by: of hub and registry those that are away. */
  readonly stale: Staleness;
}

export class ProxyDaemon {
  readonly keeper: TableKeeper;
  readonly #world: World;
  readonly #options: ProxyDaemonOptions;
  readonly #registry: RegistryFollower;
  #hub: HubFollower | undefined;
  #reporter: Reporter | undefined;
  #counts: CountSource | undefined;

  constructor(world: World, options: ProxyDaemonOptions) {
    const { source, dataFolder } = options;
    this.#world = world;
    this.#options = options;
    this.keeper = new TableKeeper(world, dataFolder, tableOptionsOf(options));
    this.#registry = new RegistryFollower(world, {
      hub: source.kind === "hub" ? source.hub : source.registry,
      credential: source.credential,
      onUpdate: (update) => this.keeper.takeUpdate(update),
      // The hub shows what a proxy is stale by.
      onState: () => this.#hub?.tellSoon(),
    });
  }

  get table(): RouteTable {
    return this.keeper.table;
  }

  /** Takes up the saved table; to be called before anything is served. */
  async load(): Promise<void> {
    const { source } = this.#options;
    await this.keeper.load();
    if (source.kind === "registry") this.keeper.takeStandalone(source.routes);
  }

  /** Starts to follow hub and registry; resolves with the first failure, or nothing once it is up. */
  follow(options: FollowOptions): Promise<ErrorData | undefined> {
    const { serving } = options;
    const { source } = this.#options;
    this.#counts = serving.counts;
    this.keeper.onFeed((feed) => serving.took(feed));
    if (source.kind === "hub") return this.#followHub(source, options);
    const { host, port } = source.registry;
    this.#registry.follow({ host, port, open: source.isOpen });
    return Promise.resolve(undefined);
  }

  /** @param how a proxy that is succeeded says no goodbye: the hub waits for it as for one that was lost */
  async stop({ isSucceeded } = { isSucceeded: false }): Promise<void> {
    this.#reporter?.stop();
    await this.#hub?.stop({ isSucceeded });
    await this.#registry.stop();
    await this.keeper.stop();
  }

  /** Why nobody may be served now. */
  blocked(): PropagitError | undefined {
    if (!this.keeper.hasBook) {
      const why = this.#hub?.whyNot ?? "not connected yet";
      const message = `the proxy has no routes yet, its hub is away: ${why}`;
      return new PropagitError("UNREACHABLE", message);
    }
    const { staleMaxMs } = this.#options;
    if (staleMaxMs === undefined) return undefined;
    const now = this.#world.clock.monotonic();
    if (!isTooStale({ staleMaxMs, lastWordAt: this.#hub?.lastWordAt, now })) return undefined;
    const message = `the proxy has had no word from its hub for ${staleMaxMs / 1000} s`;
    return new PropagitError("UNREACHABLE", message, {
      hint: "it serves again once it hears of its hub; --stale-max says how long it goes on without",
    });
  }

  stats(): ProxyStats {
    return { commits: commitStatsOf(this.#counts?.all() ?? []), stale: this.stale() };
  }

  /** Of hub and registry those that are away. */
  stale(): Staleness {
    const hasHub = this.#options.source.kind === "hub";
    if ((!hasHub || this.#hub?.isUp) && this.#registry.isUp) return upToDate;
    return [
      ...(!hasHub || this.#hub?.isUp ? [] : (["hub"] as const)),
      ...(this.#registry.isUp ? [] : (["registry"] as const)),
    ];
  }

  #followHub(
    { hub, credential }: TableSource & { kind: "hub" },
    { serving, self, onMet }: FollowOptions,
  ): Promise<ErrorData | undefined> {
    const { clock, random } = this.#world;
    const { keeper } = this;
    const { identity: proxy } = self;
    const reporter = new Reporter({ clock, counts: serving.counts, proxy, life: random.hex(32) });
    this.#reporter = reporter;
    const { handlers } = new SwitchDesk(clock, keeper, serving);
    const follower = new HubFollower(this.#world, {
      hub,
      credential,
      self,
      handlers,
      since: () => sinceOf(keeper.table),
      standing: () => ({
        revision: keeper.table.position?.revision ?? 0,
        stale: [...this.stale()],
      }),
      onPlace: (place) => this.#registry.follow(place),
      onBook: (update) => keeper.takeBook(update),
      onMet: (conversation) => {
        reporter.met(conversation);
        onMet?.(conversation);
      },
    });
    this.#hub = follower;
    return follower.firstOutcome;
  }
}

const upToDate: Staleness = [];

function tableOptionsOf(options: ProxyDaemonOptions): TableOptions {
  const { domain, service, zone, tlsPort, secret } = options;
  return {
    ...(domain !== undefined && { domain }),
    ...(service !== undefined && { service }),
    ...(zone !== undefined && { zone }),
    ...(tlsPort !== undefined && { tlsPort }),
    ...(secret !== undefined && { secret }),
  };
}

function sinceOf({ position }: RouteTable): { book: string; revision: number } | undefined {
  if (position?.book === undefined) return undefined;
  return { book: position.book, revision: position.revision };
}
