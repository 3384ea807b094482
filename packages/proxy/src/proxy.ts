/**
 * The proxy: knows the table, says where each request goes, and learns from how it went. It forwards
 * nothing itself; `system/` does, by asking here.
 */
import { shortCommit, type Address, type Credential, type ErrorData } from "@propagit/protocol";
import { decide, type Decision, type Question } from "./core/decision.js";
import { afterAnswer, afterFailure, allFine, type Health } from "./core/health.js";
import type { Target } from "./core/route-table.js";
import { visitorChars } from "./core/visitor.js";
import { Counters, type CommitStats, type VisitEnd } from "./counters.js";
import { HubFollower } from "./hub-follower.js";
import { RegistryFollower } from "./registry-follower.js";
import { TableKeeper } from "./table-keeper.js";
import type { World } from "@propagit/runtime";

export type { VisitEnd } from "./counters.js";

export interface ProxyDaemonOptions {
  readonly hub: Address;
  readonly credential: Credential;
  readonly dataFolder: string;
  readonly domain?: string;
  readonly service?: string;
}

export interface ProxyStats {
  readonly commits: readonly CommitStats[];
  /** What the table is stale by: of hub and registry those that are away. */
  readonly stale: readonly ("hub" | "registry")[];
}

/** One attempt at one endpoint. */
export interface Visit {
  /** It could not be connected to. */
  unreachable(reason: string): void;
  /** The head of an answer came. */
  answered(): void;
  /** It is over; counts once. */
  end(how: VisitEnd): void;
}

export class ProxyDaemon {
  readonly #world: World;
  readonly #options: ProxyDaemonOptions;
  readonly #keeper: TableKeeper;
  readonly #registry: RegistryFollower;
  readonly #counters = new Counters();
  #hub: HubFollower | undefined;
  #health: Health = allFine;
  #tableChanged: () => void = () => undefined;

  constructor(world: World, options: ProxyDaemonOptions) {
    this.#world = world;
    this.#options = options;
    this.#keeper = new TableKeeper(world, options.dataFolder, () => this.#tableChanged());
    this.#registry = new RegistryFollower(world, {
      hub: options.hub,
      credential: options.credential,
      onUpdate: (update) => this.#keeper.takeUpdate(update),
    });
  }

  /** Takes up the saved table; to be called before anything is served. */
  load(): Promise<void> {
    return this.#keeper.load();
  }

  /** Starts to follow hub and registry; resolves with the first failure, or nothing once it is up. */
  follow(): Promise<ErrorData | undefined> {
    this.#hub = new HubFollower(this.#world, {
      hub: this.#options.hub,
      credential: this.#options.credential,
      onPlace: (place) => this.#registry.follow(place),
      onBook: (book) => this.#keeper.takeBook(book),
    });
    return this.#hub.firstOutcome;
  }

  async stop(): Promise<void> {
    this.#hub?.stop();
    await this.#registry.stop();
    await this.#keeper.stop();
  }

  /** Says where a request goes, or why nowhere. */
  decide(question: Question): Decision {
    if (!this.#keeper.hasBook) {
      const why = this.#hub?.whyNot ?? "not connected yet";
      const message = `the proxy has no routes yet, its hub is away: ${why}`;
      return { kind: "refuse", code: "UNREACHABLE", message };
    }
    const { domain, service } = this.#options;
    const situation = {
      table: this.#keeper.table,
      health: this.#health,
      now: this.#world.clock.monotonic(),
      loadOf: (address: string) => this.#counters.loadOf(address),
      fraction: () => this.#world.random.fraction(),
      newVisitor: () => this.#world.random.hex(visitorChars),
      ...(domain !== undefined && { domain }),
      ...(service !== undefined && { service }),
    };
    return decide(situation, question);
  }

  /** Begins an attempt at an endpoint. */
  visit(target: Target): Visit {
    this.#counters.begin(target);
    let isOver = false;
    return {
      unreachable: (reason) => this.#leaveOut(target, reason),
      answered: () => {
        this.#health = afterAnswer(this.#health, target.address);
      },
      end: (how) => {
        if (isOver) return;
        isOver = true;
        this.#counters.end(target, how);
      },
    };
  }

  /** Sets what happens after a change of the table; called many times in a burst. */
  onTableChange(changed: () => void): void {
    this.#tableChanged = changed;
  }

  /** Every address that visitors could be sent to. */
  addresses(): ReadonlySet<string> {
    return this.#keeper.table.addresses;
  }

  stats(): ProxyStats {
    return { commits: this.#counters.stats(), stale: this.stale() };
  }

  /** Of hub and registry those that are away. */
  stale(): readonly ("hub" | "registry")[] {
    return [
      ...(this.#hub?.isUp ? [] : (["hub"] as const)),
      ...(this.#registry.isUp ? [] : (["registry"] as const)),
    ];
  }

  #leaveOut({ address, commit }: Target, reason: string): void {
    const now = this.#world.clock.monotonic();
    const health = afterFailure(this.#health, address, now);
    if (health === this.#health) return;
    this.#health = health;
    const what = `endpoint ${address} of commit ${shortCommit(commit)}`;
    this.#world.log.warn(`${what} cannot be connected to (${reason}); left out for a moment`);
  }
}
