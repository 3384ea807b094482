/**
 * The proxy as it is measured: the real director over the real table, with everything on that a request can
 * meet on its way: routing by host, a split with a sticky cookie, header rewriting, counters.
 *
 *     node served.js '{"port":…,"backends":[…],"routes":1,"changeMs":0,"workers":1}'
 *
 * Says "ready" on its channel. `{change: true}` moves the route of `change.localhost` from one commit to the
 * other, as an update of the book from the hub would.
 */
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { ProxyServer, RouteTable, takeFeed, type Feed } from "@propagit/proxy";
import type { Endpoint, Route } from "@propagit/protocol";
import { nodeWorld, silentLog } from "@propagit/runtime";

export interface ServedSettings {
  readonly port: number;
  readonly backend: number;
  readonly routes: number;
  /** A change of some route so often; 0: never. */
  readonly changeMs: number;
  readonly workers: number;
  /** Visitors may speak HTTP/2 in the clear. */
  readonly h2c: boolean;
}

const commits = ["a".repeat(40), "b".repeat(40), "c".repeat(40)] as const;
const world = nodeWorld(silentLog);

class Served {
  readonly #settings: ServedSettings;
  readonly #table = new RouteTable({ domain: "localhost" });
  readonly #server: ProxyServer;
  #revision = 1;

  constructor(settings: ServedSettings) {
    this.#settings = settings;
    this.#server = new ProxyServer({
      world,
      table: this.#table,
      settings: {
        domain: "localhost",
        h2c: settings.h2c,
        limits: {
          answerHeadMs: 30_000,
          connectionsMax: 50_000,
          connectionsPerAddressMax: 0,
          headMs: 600_000,
          keepAliveMs: 600_000,
        },
      },
      awareness: { stale: () => [], blocked: () => undefined },
    });
    this.#take({ kind: "book", update: this.#book() });
    this.#take({
      kind: "endpoints",
      updates: [
        {
          kind: "snapshot",
          at: { epoch: "life", revision: 1 },
          settled: true,
          endpoints: this.#endpoints(),
        },
      ],
    });
    if (settings.changeMs > 0) {
      let round = 0;
      setInterval(() => this.change(`app-${round++ % settings.routes}`, round), settings.changeMs);
    }
  }

  async listen(place: { readonly port: number } | { readonly fd: number }): Promise<number> {
    const { fd } = await this.#server.engine.listen(place);
    return fd;
  }

  /** Another share gets most; odd rounds one commit, even ones the other. */
  change(repo: string, round: number): void {
    this.#revision += 1;
    const isOdd = round % 2 === 1;
    const route: Route = {
      repo,
      shares: [{ commit: isOdd ? commits[1] : commits[0], weight: 1 }],
    };
    const change = { kind: "change", revision: this.#revision } as const;
    const nothing = { deployments: [], droppedRoutes: [], droppedDeployments: [] };
    this.#take({ kind: "book", update: { ...change, ...nothing, routes: [route] } });
  }

  #take(feed: Feed): void {
    takeFeed(this.#table, feed, world.clock.monotonic());
    this.#server.took(feed);
  }

  #book() {
    const repos = Array.from({ length: this.#settings.routes }, (_, index) => `app-${index}`);
    const split = [
      { commit: commits[0], weight: 90 },
      { commit: commits[1], weight: 10 },
    ];
    const routes: Route[] = repos.map((repo) => ({ repo, shares: split }));
    routes.push({ repo: "shop", shares: split });
    routes.push({ repo: "change", shares: [{ commit: commits[0], weight: 1 }] });
    const deployments = routes.flatMap(({ repo }) => commits.map((commit) => ({ repo, commit })));
    return { kind: "snapshot", book: "book", revision: 1, routes, deployments } as const;
  }

  #endpoints(): Endpoint[] {
    return commits.map((commit, index) => ({
      id: `endpoint-${index}`,
      service: "http",
      version: "0.0.0",
      commit,
      host: "127.0.0.1",
      port: this.#settings.backend,
      meta: {},
    }));
  }
}

async function main(): Promise<void> {
  const settings = JSON.parse(process.argv[2] ?? "{}") as ServedSettings;
  const served = new Served(settings);
  const { port, workers } = settings;
  const fd = await served.listen({ port });
  // This thread serves as well, as worker number one.
  const others = Array.from({ length: workers - 1 }, async () => {
    const worker = new Worker(new URL(import.meta.url), { workerData: { settings, fd } });
    await new Promise((resolve) => worker.once("message", resolve));
  });
  await Promise.all(others);
  let round = 0;
  process.on("message", () => served.change("change", ++round));
  process.once("SIGTERM", () => process.exit(0));
  process.send?.("ready");
}

async function inThread(): Promise<void> {
  const { settings, fd } = workerData as { readonly settings: ServedSettings; readonly fd: number };
  await new Served(settings).listen({ fd });
  if (!parentPort) throw new Error("not in a thread");
  parentPort.postMessage("ready", []);
}

await (isMainThread ? main() : inThread());
