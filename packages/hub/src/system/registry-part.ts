/** The registry as the hub offers it: its own on the hub's port, or the place of another one. */
import { isLoopback, PropagitError, type Address, type RegistryPlace } from "@propagit/protocol";
import type { Wire, World } from "@propagit/runtime";
import { mountRegistry, Registry } from "@propagit/registry";
import type { Store } from "@propagit/store";
import type { FastifyInstance } from "fastify";

/** A registry within the hub's process. */
export interface RegistryPart {
  accept(wire: Wire): void;
  /** Its HTTP API, under `/v1`. */
  mount(app: FastifyInstance): { stop(): void };
  stop(): Promise<void>;
}

export interface RegistryPartOptions {
  readonly store: Store;
  readonly secret: string;
  readonly clusterKey: string;
}

/** @throws DATA_UNUSABLE */
export async function openRegistryPart(
  world: World,
  { store, secret, clusterKey }: RegistryPartOptions,
): Promise<RegistryPart> {
  const registry = new Registry(world, { store, clusterKey });
  await registry.ready();
  return {
    accept: (wire) => registry.accept(wire),
    mount: (app) => mountRegistry(app, registry, { secret }),
    stop: async () => {
      await registry.stop(new PropagitError("LINK_LOST", "the hub ends"));
    },
  };
}

/**
 * What drones and proxies are told. A registry on the hub's own loopback is found at the name by which
 * they know the hub; one without a secret is only good there, or when the operator says so.
 */
export function placeOf(
  external: Address | undefined,
  hubPort: number,
  openRegistry: boolean,
): RegistryPlace {
  if (!external) return { port: hubPort, open: false, own: true };
  const { host, port } = external;
  if (isLoopback(host)) return { port, open: true };
  return { host, port, open: openRegistry };
}
