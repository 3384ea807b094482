/** Follows the registry that the hub names; another one when the hub names another. */
import {
  formatAddress,
  toPropagitError,
  type Address,
  type Credential,
  type EndpointUpdate,
  type RegistryPlace,
} from "@propagit/protocol";
import { connectIn, type RegistryClient } from "@propagit/registry";
import type { LinkState, World } from "@propagit/runtime";

export interface RegistryFollowerOptions {
  /** The hub as this proxy dials it: where the registry is when the place names no host. */
  readonly hub: Address;
  readonly credential: Credential;
  readonly onUpdate: (update: EndpointUpdate) => void;
  /** Called when it may have come or gone. */
  readonly onState?: () => void;
}

interface Followed {
  readonly address: Address;
  readonly isOpen: boolean;
  readonly client: RegistryClient;
}

export class RegistryFollower {
  readonly #world: World;
  readonly #options: RegistryFollowerOptions;
  #followed: Followed | undefined;
  #hasHeard = false;
  /** What was last said, so that it is not said again at every attempt. */
  #said = "";

  constructor(world: World, options: RegistryFollowerOptions) {
    this.#world = world;
    this.#options = options;
  }

  /** Whether what is known is what is: connected, and told once what there is. */
  get isUp(): boolean {
    return this.#hasHeard && (this.#followed?.client.isUp ?? false);
  }

  /** Follows the registry at a place, unless it does already. */
  follow(place: RegistryPlace): void {
    const { hub } = this.#options;
    const address = place.own ? hub : { host: place.host ?? hub.host, port: place.port };
    if (isSame(this.#followed, address, place.open)) return;
    void this.stop();
    const client = connectIn(this.#world, address, {
      credential: this.#options.credential,
      acceptsOpen: place.open,
      changed: (state) => {
        this.#sayState(address, state);
        this.#options.onState?.();
      },
    });
    this.#hasHeard = false;
    client.watch((update) => {
      this.#options.onUpdate(update);
      if (this.#hasHeard) return;
      this.#hasHeard = true;
      this.#options.onState?.();
    });
    this.#followed = { address, isOpen: place.open, client };
  }

  async stop(): Promise<void> {
    const followed = this.#followed;
    this.#followed = undefined;
    try {
      await followed?.client.close();
    } catch (thrown) {
      this.#world.log.warn(`leaving the registry failed: ${toPropagitError(thrown).message}`);
    }
  }

  #sayState(address: Address, state: LinkState): void {
    const where = formatAddress(address);
    if (state.kind === "up") this.#say("info", `follows registry ${where}`);
    if (state.kind !== "waiting") return;
    const { message } = state.reason;
    this.#say(
      "warn",
      `registry ${where} is away: ${message}; keeps the last endpoints, keeps trying`,
    );
  }

  #say(level: "info" | "warn", message: string): void {
    if (message === this.#said) return;
    this.#said = message;
    this.#world.log[level](message);
  }
}

function isSame(followed: Followed | undefined, address: Address, isOpen: boolean): boolean {
  if (!followed) return false;
  const { host, port } = followed.address;
  return host === address.host && port === address.port && followed.isOpen === isOpen;
}
