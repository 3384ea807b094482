/** The registry as a daemon of its own: sessions and HTTP on one port. */
import { join } from "node:path";
import { isLoopback, PropagitError, type Address } from "@propagit/protocol";
import {
  acceptWires,
  lockFolder,
  nodeWorld,
  sessionPaths,
  stretchSecret,
  type Log,
} from "@propagit/runtime";
import { openMemoryStore, openSqliteStore, type Store } from "@propagit/store";
import { Registry } from "../registry.js";
import { mountRegistry } from "./http-api.js";
import { listen, type ListenHost, type Listening } from "./listen.js";

export interface ServeRegistryOptions {
  /** 0 for any. */
  readonly port: number;
  /** Address to listen on; default: all with a secret, loopback without one. */
  readonly host?: string;
  /** Who does not know it neither reads nor writes; without one everybody who can connect does both. */
  readonly secret?: string;
  /** Leases and records outlive a restart there; without it only their owners remember them. */
  readonly dataFolder?: string;
  readonly log: Log;
}

export interface ServedRegistry {
  /** Where to connect to, with the port that was chosen. */
  readonly address: Address;
  /** Frees nothing: the next registry at this place finds the owners still there. */
  stop(): Promise<void>;
}

/**
 * Starts a registry and resolves when it answers.
 *
 * @throws PORT_IN_USE, DATA_IN_USE, DATA_UNUSABLE, BAD_USAGE
 */
export async function serveRegistry(options: ServeRegistryOptions): Promise<ServedRegistry> {
  const { log, secret, host, port, dataFolder } = options;
  if (secret === "") throw new PropagitError("BAD_USAGE", "the secret is empty");
  const data = await openData(dataFolder);
  const registry = new Registry(nodeWorld(log), {
    store: data.store,
    ...(secret !== undefined && { clusterKey: stretchSecret(secret) }),
  });
  try {
    await registry.ready();
    const server = await serve(registry, options);
    warnOfStrangers(options);
    return {
      address: { host: host ?? "localhost", port: server.port },
      async stop() {
        await registry.stop(new PropagitError("LINK_LOST", "the registry ends"));
        await server.close();
        await data.close();
      },
    };
  } catch (thrown) {
    await registry.stop(new PropagitError("LINK_LOST", `no registry on port ${port}`));
    await data.close();
    throw thrown;
  }
}

async function serve(registry: Registry, options: ServeRegistryOptions): Promise<Listening> {
  const { secret, port } = options;
  // Here, as it is large, and whoever only follows a registry holds it in memory otherwise.
  const { default: fastify } = await import("fastify");
  const app = fastify({ logger: false });
  const api = mountRegistry(app, registry, secret === undefined ? {} : { secret });
  await app.ready();
  const wires: { closeAll(): void }[] = [];
  const listening = await listen({
    handler: (request, response) => app.routing(request, response),
    prepare: (server) => {
      const accept = { [sessionPaths.registry]: registry.accept.bind(registry) };
      wires.push(acceptWires(server, accept));
    },
    hosts: hostsOf(options),
    port,
  });
  return {
    port: listening.port,
    async close() {
      api.stop();
      for (const each of wires) each.closeAll();
      await listening.close();
      await app.close();
    },
  };
}

/** Both loopbacks, so that `localhost` finds it whichever of the two a client tries. */
const loopbacks: readonly ListenHost[] = [
  { host: "127.0.0.1", isOptional: false },
  { host: "::1", isOptional: true },
];
/** No host is Node's word for `::`, which takes IPv4 as well, or 0.0.0.0 where there is no IPv6. */
const everywhere: readonly ListenHost[] = [{ host: undefined, isOptional: false }];

function hostsOf({ host, secret }: ServeRegistryOptions): readonly ListenHost[] {
  if (host === "localhost" || (host === undefined && secret === undefined)) return loopbacks;
  return host === undefined ? everywhere : [{ host, isOptional: false }];
}

function warnOfStrangers({ host, secret, log }: ServeRegistryOptions): void {
  if (secret !== undefined || host === undefined || isLoopback(host)) return;
  log.warn(
    `there is no secret: everybody who can reach ${host} can register services here and send your visitors to them; give one with --secret`,
  );
}

interface Data {
  readonly store: Store;
  close(): Promise<void>;
}

async function openData(folder: string | undefined): Promise<Data> {
  if (folder === undefined) {
    const store = openMemoryStore();
    return { store, close: () => store.close() };
  }
  const lock = await lockFolder(folder);
  try {
    const store = await openSqliteStore(join(folder, "registry.sqlite"));
    return {
      store,
      async close() {
        await store.close();
        await lock.release();
      },
    };
  } catch (thrown) {
    await lock.release();
    throw thrown;
  }
}
