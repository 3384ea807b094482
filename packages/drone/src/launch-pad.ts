/** What every instance of a drone gets from it: where to fetch, ports, an environment, a token. */
import {
  fetchPassword,
  formatAddress,
  isLoopback,
  mintToken,
  parseAddress,
  type Address,
  type Credential,
} from "@propagit/protocol";
import type { Conversation } from "@propagit/runtime";
import { buildEnvironment, type Environment } from "./core/environment.js";
import type { InstanceRules, PortNumbers } from "./core/instance-state.js";
import type { DroneSettings } from "./core/options.js";
import type { CommandPlace } from "./drone-part.js";
import { PortBook } from "./port-book.js";
import type { DroneWorld, GitSource, Joined } from "./world.js";

export interface LaunchPadParts {
  readonly settings: DroneSettings;
  readonly credential: Credential;
  /** The address that is published for this machine. */
  readonly host: string;
  /** The drone's own environment, of which instances get a short allow-list. */
  readonly environment: Readonly<Record<string, string | undefined>>;
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

  /** A repository at the hub, by the way on which it was reached; the password is good while that connection lasts. */
  source(repo: string, { peer }: Conversation, hub: Address): GitSource {
    return {
      url: `http://${formatAddress(hub)}/${repo}`,
      password: peer && fetchPassword(this.#world.crypto, peer.sessionKey),
    };
  }

  /** @param registry `host:port` of the registry */
  environment(
    { identity, plan, folder, ports, variables }: CommandPlace,
    joined: Joined,
    registry: string,
  ): Environment {
    const { settings, host, environment } = this.#parts;
    return buildEnvironment({
      own: environment,
      folder,
      host,
      ports: numbered(plan.rules?.ports ?? [], ports),
      repo: identity.repo,
      commit: identity.commit,
      environment: identity.environment,
      release: identity.release,
      service: identity.service,
      process: identity.process,
      drone: joined.drone,
      registry,
      token: this.#tokenFor(identity, joined, registry),
      variables: { ...plan.variables, ...variables },
      extra: settings.env,
    });
  }

  /** With it an app registers itself, and no more than itself. */
  #tokenFor(
    { repo, commit, process, deployment }: CommandPlace["identity"],
    { drone, registry }: Joined,
    address: string,
  ): string | undefined {
    const { credential } = this.#parts;
    // A registry on this machine may have a secret, for all the hub knows; one without takes no notice.
    const isOpen = registry.open && !isLoopback(parseAddress(address).host);
    if (isOpen || credential.id !== "cluster") return undefined;
    const scope = { repo, commit, drone, process, deployment };
    return mintToken(this.#world.crypto, credential.key, scope);
  }
}

function numbered(
  rules: InstanceRules["ports"],
  ports: PortNumbers,
): { name: string; port: number }[] {
  return rules.flatMap(({ name }) => {
    const port = ports[name];
    return port === undefined ? [] : [{ name, port }];
  });
}
