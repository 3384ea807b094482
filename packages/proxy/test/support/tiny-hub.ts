/** A hub and a registry that say what a test wants them to say, over real frames. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  keyOfDeployment,
  keyOfRoute,
  type BookUpdate,
  type Deployment,
  type Endpoint,
  type EndpointUpdate,
  type RegistryPlace,
  type Route,
  type RouteBook,
  type Telling,
} from "@propagit/protocol";
import {
  acceptWires,
  Conversation,
  sessionPaths,
  type Handlers,
  type Wire,
  type World,
} from "@propagit/runtime";

export interface TinyHubOptions {
  readonly clusterKey?: string;
  readonly place: RegistryPlace;
}

type Tell<T> = (what: T) => void;
type PlainUpdate = EndpointUpdate extends infer U
  ? U extends EndpointUpdate
    ? Omit<U, "at">
    : never
  : never;

export class TinyHub {
  place: RegistryPlace;
  /** Another registry than its own. */
  named: RegistryPlace | undefined;
  book: RouteBook = { revision: 0, routes: [], deployments: [] };
  /** What a watcher gets first; the next life of the registry changes it. */
  settled = true;
  /** Wires taken by the registry's side. */
  watches = 0;
  /** What proxies told, the last ones last. */
  readonly reports: Telling<"hub.report">[] = [];
  readonly standings: Telling<"hub.proxy">[] = [];
  /** That of the proxy that met it last: to call it. */
  proxy: Conversation | undefined;
  readonly #world: World;
  readonly #clusterKey: string | undefined;
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #bookTellers = new Set<Tell<BookUpdate>>();
  readonly #updateTellers = new Set<Tell<EndpointUpdate>>();
  #epoch = "first life";
  #revision = 0;

  constructor(world: World, options: TinyHubOptions) {
    this.#world = world;
    this.#clusterKey = options.clusterKey;
    this.place = options.place;
  }

  readonly acceptHub = (wire: Wire): void => {
    this.#converse(wire, {
      "hub.meet": (_params, { conversation }) => {
        this.proxy = conversation;
        return { registry: this.named ?? this.place };
      },
      "hub.leave": () => ({}),
      "hub.routes": (_params, call) => {
        call.part({ kind: "snapshot", book: "the book", ...this.book });
        return listen(this.#bookTellers, (update) => call.part(update), call.signal);
      },
    });
  };

  readonly acceptRegistry = (wire: Wire): void => {
    this.watches += 1;
    this.#converse(wire, {
      "registry.grant": ({ ttlMs }) => ({ lease: "0".repeat(32), ttlMs }),
      "registry.renew": () => ({ ttlMs: 15_000 }),
      "registry.revoke": () => ({}),
      "registry.watch": (_params, call) => {
        call.part(this.#snapshot());
        return listen(this.#updateTellers, (update) => call.part(update), call.signal);
      },
    });
  };

  /** Says which commits run and which shares visitors have; commits of shares run as well. */
  setRoutes(routes: readonly Route[], alsoRunning: RouteBook["deployments"] = []): void {
    const shared = routes.flatMap(({ repo, environment, shares }) =>
      shares.map(({ commit, deployment }) => ({
        repo,
        commit,
        ...(environment !== undefined && { environment }),
        ...(deployment !== undefined && { id: deployment }),
      })),
    );
    const before = this.book;
    this.book = {
      revision: before.revision + 1,
      routes: [...routes],
      deployments: [...shared, ...alsoRunning],
    };
    const change = changeBetween(before, this.book);
    for (const tell of this.#bookTellers) tell(change);
  }

  up(endpoint: Endpoint): void {
    this.#endpoints.set(endpoint.id, endpoint);
    this.#tell({ kind: "up", endpoint });
  }

  down(id: string): void {
    const endpoint = this.#endpoints.get(id);
    if (!endpoint) return;
    this.#endpoints.delete(id);
    this.#tell({ kind: "down", endpoint, reason: "freed" });
  }

  /** What the registry has, as a proxy should know it. */
  addresses(): string[] {
    return [...this.#endpoints.values()].map(({ host, port }) => `${host}:${port}`);
  }

  /** A registry that was killed and came back: it has forgotten everything and waits for owners. */
  forgetEverything(): void {
    this.#endpoints.clear();
    this.#epoch = `life after ${this.#epoch}`;
    this.#revision = 0;
    this.settled = false;
  }

  settle(): void {
    this.settled = true;
    this.#tell({ kind: "settled" });
  }

  #tell(update: PlainUpdate): void {
    this.#revision += 1;
    const at = { epoch: this.#epoch, revision: this.#revision };
    for (const tell of this.#updateTellers) tell({ ...update, at });
  }

  #snapshot(): EndpointUpdate {
    const at = { epoch: this.#epoch, revision: this.#revision };
    const endpoints = [...this.#endpoints.values()];
    return { kind: "snapshot", at, settled: this.settled, endpoints };
  }

  #converse(wire: Wire, handlers: Handlers): void {
    const side = { kind: "server", clusterKey: this.#clusterKey, heartbeatMs: 1_000 } as const;
    void new Conversation(this.#world, wire, {
      side,
      handlers,
      tellingHandlers: {
        "hub.report": (report) => void this.reports.push(report),
        "hub.proxy": (standing) => void this.standings.push(standing),
      },
    });
  }
}

/** Hub and registry on one real port. */
export async function serveTinyHub(
  hub: TinyHub,
  port = 0,
): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer();
  const wires = acceptWires(server, {
    [sessionPaths.hub]: hub.acceptHub,
    [sessionPaths.registry]: hub.acceptRegistry,
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const taken = (server.address() as AddressInfo).port;
  hub.place = { ...hub.place, port: taken };
  return {
    port: taken,
    close: () =>
      new Promise((resolve) => {
        wires.closeAll();
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** Until the caller cancels. */
function listen<T>(tellers: Set<Tell<T>>, tell: Tell<T>, signal: AbortSignal): Promise<object> {
  tellers.add(tell);
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => {
      tellers.delete(tell);
      resolve({});
    });
  });
}

function changeBetween(before: RouteBook, after: RouteBook): BookUpdate {
  const routes = new Set(after.routes.map(keyOfRoute));
  const deployments = new Set(after.deployments.map((one: Deployment) => keyOfDeployment(one)));
  return {
    kind: "change",
    ...after,
    droppedRoutes: before.routes.map(keyOfRoute).filter((key) => !routes.has(key)),
    droppedDeployments: before.deployments
      .map((one: Deployment) => keyOfDeployment(one))
      .filter((key) => !deployments.has(key)),
  };
}
