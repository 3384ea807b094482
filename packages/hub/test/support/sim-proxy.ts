/** A proxy in the simulator: follows the book, answers what a switch asks, and counts visitors that it makes up. */
import {
  controlVariant,
  LatencyHistogram,
  type Address,
  type BookUpdate,
  type Credential,
  type Route,
  type Share,
  type TrafficCount,
} from "@propagit/protocol";
import { Link, sessionPaths, type Timer, type World } from "@propagit/runtime";
import { BookDouble } from "./book-double.js";

export interface SimProxyOptions {
  readonly hub: Address;
  readonly credential: Credential;
  readonly identity: string;
  readonly name: string;
  /** Visitors a second. Default 100. */
  readonly perSecond?: number;
  /** Whether it says that it sees what it is asked for. Default: always. */
  readonly sees?: boolean;
  /** How long it takes to say what it sees. Default: no time. */
  readonly seesAfterMs?: number;
}

/** How a commit treats its visitors. */
export interface Treatment {
  /** Probability that a request fails. */
  readonly failing: number;
  readonly ms: number;
}

const fine: Treatment = { failing: 0.003, ms: 20 };

export class SimProxy {
  readonly book = new BookDouble();
  readonly treatments = new Map<string, Treatment>();
  perSecond: number;
  readonly #world: World;
  readonly #link: Link;
  readonly #counts = new Map<string, TrafficCount & { readonly times: LatencyHistogram }>();
  readonly #life: string;
  readonly #identity: string;
  #timer: Timer;

  constructor(world: World, { identity, name, hub, credential, ...options }: SimProxyOptions) {
    this.#world = world;
    this.#identity = identity;
    this.#life = world.random.hex(32);
    this.perSecond = options.perSecond ?? 100;
    const { sees = true, seesAfterMs = 0 } = options;
    this.#link = new Link(world, {
      address: hub,
      path: sessionPaths.hub,
      role: "proxy",
      credential,
      acceptsOpen: false,
      introduce: async (conversation) => {
        await conversation.call("hub.meet", {
          identity,
          name,
          version: "1.0.0",
          address: { port: 80 },
        });
        const onPart = (update: BookUpdate) => void this.book.take(update);
        const updates = conversation.call("hub.routes", {}, { limitMs: 0, onPart });
        updates.catch(() => undefined);
      },
      handlers: {
        "proxy.sees": async ({ deployments }) => {
          if (seesAfterMs > 0) {
            await new Promise<void>((resolve) => void world.clock.after(seesAfterMs, resolve));
          }
          return {
            revision: this.book.revision,
            missing: sees ? [] : deployments.map(({ id }) => ({ deployment: id, service: "web" })),
          };
        },
        "proxy.drained": () => ({ inFlight: 0 }),
      },
      changed: () => undefined,
    });
    this.#timer = this.#second();
  }

  /** Of the environment's visitors, in percent, by commit. */
  get shares(): Readonly<Record<string, number>> {
    const shares = this.#route?.shares ?? [];
    const total = shares.reduce((sum, { weight }) => sum + weight, 0);
    return Object.fromEntries(
      shares.map(({ commit, weight }) => [commit, Math.round((weight / total) * 100)]),
    );
  }

  /** Ends without a word. */
  die(): void {
    this.#timer.cancel();
    this.#link.stop();
  }

  get #route(): Route | undefined {
    return this.book.book.routes.find(({ repo }) => repo === "webapp");
  }

  #second(): Timer {
    return this.#world.clock.after(1_000, () => {
      this.#timer = this.#second();
      const route = this.#route;
      if (!route) return;
      for (let visit = 0; visit < this.perSecond; visit++) this.#visit(route);
      const counts = [...this.#counts.values()].map(({ times, ...count }) => ({
        ...count,
        latency: times.encode(),
      }));
      this.#link.tell("hub.report", { proxy: this.#identity, life: this.#life, counts });
    });
  }

  #visit(route: Route): void {
    const { random } = this.#world;
    const share = this.#pick(route.shares);
    if (!share) return;
    const { control } = route;
    const isControl = control?.commit === share.commit && random.fraction() * 100 < control.percent;
    const count = this.#countOf(share, isControl ? controlVariant : undefined);
    const { failing, ms } = this.treatments.get(share.commit) ?? fine;
    const isFailed = random.fraction() < failing;
    const status = isFailed ? 4 : 1;
    count.times.add(ms * (0.5 + random.fraction()));
    const statuses = count.statuses.map((times, at) => (at === status ? times + 1 : times));
    this.#counts.set(keyOf(share, count.variant), {
      ...count,
      requests: count.requests + 1,
      failed: count.failed + Number(isFailed),
      statuses,
    });
  }

  #pick(shares: readonly Share[]): Share | undefined {
    const total = shares.reduce((sum, { weight }) => sum + weight, 0);
    let left = this.#world.random.fraction() * total;
    return shares.find(({ weight }) => (left -= weight) < 0) ?? shares.at(-1);
  }

  #countOf(share: Share, variant: string | undefined) {
    const known = this.#counts.get(keyOf(share, variant));
    if (known) return known;
    const { commit, deployment } = share;
    const none = { requests: 0, refused: 0, cut: 0, late: 0, failed: 0, left: 0, retries: 0 };
    return {
      repo: "webapp",
      environment: "production",
      commit,
      ...none,
      inFlight: 0,
      ...(deployment !== undefined && { deployment }),
      ...(variant !== undefined && { variant }),
      statuses: [0, 0, 0, 0, 0],
      latency: { first: 0, counts: [] },
      times: new LatencyHistogram(),
    };
  }
}

function keyOf({ commit, deployment = "" }: Share, variant = ""): string {
  return `${commit} ${deployment} ${variant}`;
}
