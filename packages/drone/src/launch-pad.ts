/** What every instance of a drone gets from it: where to fetch, a port, an environment, a token. */
import {
  fetchPassword,
  formatAddress,
  isLoopback,
  mintToken,
  parseAddress,
  type Credential,
  type RegistryPlace,
} from "@propagit/protocol";
import type { Conversation } from "@propagit/runtime";
import { buildEnvironment, type Environment } from "./core/environment.js";
import type { InstanceIdentity } from "./core/instance-state.js";
import type { DroneSettings } from "./core/options.js";
import { PortBook } from "./port-book.js";
import type { DroneWorld, GitSource } from "./world.js";

export interface LaunchPadParts {
  readonly settings: DroneSettings;
  readonly credential: Credential;
  /** The address that is published for this machine. */
  readonly host: string;
  /** The drone's own environment, of which instances get a short allow-list. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** What is known since the hub took the drone in. */
export interface Joined {
  readonly drone: string;
  readonly registry: RegistryPlace;
  /** `host:port` of the registry. */
  readonly registryAddress: string;
}

export class LaunchPad {
  readonly ports: PortBook;
  readonly #world: Pick<DroneWorld, "crypto" | "ports">;
  readonly #parts: LaunchPadParts;

  constructor(world: Pick<DroneWorld, "crypto" | "ports">, parts: LaunchPadParts) {
    this.#world = world;
    this.#parts = parts;
    this.ports = new PortBook(world.ports, parts.settings.portRange);
  }

  /** A repository at the hub; the password is good while that connection lasts. */
  source(repo: string, { peer }: Conversation): GitSource {
    return {
      url: `http://${formatAddress(this.#parts.settings.hub)}/${repo}`,
      password: peer && fetchPassword(this.#world.crypto, peer.sessionKey),
    };
  }

  environment(
    identity: InstanceIdentity,
    joined: Joined,
    place: { readonly folder: string; readonly port: number },
  ): Environment {
    const { settings, host, environment } = this.#parts;
    return buildEnvironment({
      ...identity,
      ...place,
      own: environment,
      host,
      drone: joined.drone,
      registry: joined.registryAddress,
      token: this.#tokenFor(identity, joined),
      extra: settings.env,
    });
  }

  /** With it an app registers itself, and no more than itself. */
  #tokenFor(
    { repo, commit, process }: InstanceIdentity,
    { drone, registry, registryAddress }: Joined,
  ): string | undefined {
    const { credential } = this.#parts;
    // A registry on this machine may have a secret, for all the hub knows; one without takes no notice.
    const isOpen = registry.open && !isLoopback(parseAddress(registryAddress).host);
    if (isOpen || credential.id !== "cluster") return undefined;
    return mintToken(this.#world.crypto, credential.key, { repo, commit, drone, process });
  }
}
