/** Registries and clients in a simulation, that can die without a word and be followed. */
import type { Endpoint, EndpointUpdate } from "@propagit/protocol";
import { PropagitError } from "@propagit/protocol";
import { sessionPaths, type Simulation, type World } from "@propagit/runtime";
import { openMemoryStore, type Store } from "@propagit/store";
import {
  connectIn,
  Registry,
  type ConnectInOptions,
  type RegistryClient,
} from "../../src/index.js";
import { emptyMirror, mirror, type Mirror } from "../../src/core/mirror.js";

export const registryAddress = { host: "registry", port: 6000 };

/** What runs until it is killed: then its timers never fire and its writes never arrive. */
interface Mortal {
  readonly world: World;
  readonly kill: () => void;
}

function mortal(world: World): Mortal {
  let isAlive = true;
  return {
    world: {
      ...world,
      clock: {
        now: () => world.clock.now(),
        monotonic: () => world.clock.monotonic(),
        after: (delayMs, action) =>
          world.clock.after(delayMs, () => {
            if (isAlive) action();
          }),
      },
      network: {
        async connect(address, path, limitMs) {
          const wire = await world.network.connect(address, path, limitMs);
          if (isAlive) return wire;
          wire.close();
          return new Promise<never>(() => undefined);
        },
      },
    },
    kill: () => {
      isAlive = false;
    },
  };
}

export interface RunningRegistry {
  readonly registry: Registry;
  /** As kill -9 does. */
  readonly kill: () => void;
  /** In order. */
  stop(): Promise<void>;
}

/** Starts a registry at `registryAddress`; the same store again is the same data folder. */
export function startRegistry(
  sim: Simulation,
  options: { readonly store?: Store; readonly clusterKey?: string } = {},
): RunningRegistry {
  const { world, kill } = mortal(sim.worldOf(registryAddress.host));
  const { store = openMemoryStore(), clusterKey } = options;
  const registry = new Registry(world, { store, ...(clusterKey !== undefined && { clusterKey }) });
  const vanish = sim.network.serve(registryAddress, sessionPaths.registry, (wire) =>
    registry.accept(wire),
  );
  return {
    registry,
    kill: () => {
      kill();
      vanish();
    },
    stop: async () => {
      vanish();
      await registry.stop(new PropagitError("LINK_LOST", "the registry ends"));
    },
  };
}

export interface RunningClient {
  readonly client: RegistryClient;
  readonly host: string;
  readonly kill: () => void;
}

export function startClient(
  sim: Simulation,
  host: string,
  options: ConnectInOptions = {},
): RunningClient {
  const { world, kill } = mortal(sim.worldOf(host));
  let nextPort = 10_000;
  const client = connectIn(world, registryAddress, {
    acceptsOpen: true,
    findPort: async () => nextPort++,
    ...options,
  });
  return {
    client,
    host,
    kill: () => {
      kill();
      sim.network.dropHost(host);
    },
  };
}

/** Everything a watcher was told, and the table he made of it. */
export class Followed {
  readonly updates: EndpointUpdate[] = [];
  table: Mirror = emptyMirror;
  readonly stop: () => void;

  constructor(client: RegistryClient) {
    const watch = client.watch((update) => {
      this.updates.push(update);
      this.table = mirror(this.table, update);
    });
    this.stop = () => watch.stop();
  }

  get kinds(): readonly string[] {
    return this.updates.map(({ kind }) => kind);
  }

  get services(): readonly string[] {
    return servicesOf([...this.table.endpoints.values()]);
  }

  /** The first place where a change does not follow the one before it. */
  get gap(): string | undefined {
    for (const [index, update] of this.updates.entries()) {
      const before = this.updates[index - 1];
      if (update.kind === "snapshot") continue;
      if (!before) return "a change came before any snapshot";
      const isNext =
        before.at.epoch === update.at.epoch && before.at.revision + 1 === update.at.revision;
      if (!isNext) return `${JSON.stringify(before.at)} was followed by ${JSON.stringify(update)}`;
    }
    return undefined;
  }
}

export function servicesOf(endpoints: readonly Endpoint[]): readonly string[] {
  return endpoints.map(({ service }) => service).sort();
}
