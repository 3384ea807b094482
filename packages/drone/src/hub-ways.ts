/** Where the hub is reached: at the address that the drone was given, and by the ways that the hub told it. */
import { parseAddress, type Address, type RegistryPlace } from "@propagit/protocol";
import type { Link } from "@propagit/runtime";
import type { DroneSettings } from "./core/options.js";

export class HubWays {
  readonly #settings: Pick<DroneSettings, "hub" | "relay">;
  #told: readonly Address[] = [];
  #link: Link | undefined;

  constructor(settings: Pick<DroneSettings, "hub" | "relay">) {
    this.#settings = settings;
  }

  /** Best first. A relay stays where it was put for as long as it can. */
  get all(): readonly Address[] {
    const { relay, hub } = this.#settings;
    return relay ? [hub, ...this.#told] : this.#told;
  }

  /** Where it was reached, or is tried just now. */
  get upstream(): Address {
    return this.#link?.address ?? this.#settings.hub;
  }

  /** What the hub says, or said in an earlier life; what is no address is left out. */
  take(texts: readonly string[] = []): void {
    this.#told = texts.flatMap((text) => {
      try {
        return [parseAddress(text)];
      } catch {
        return [];
      }
    });
    this.#link?.waysChanged();
  }

  follow(link: Link): void {
    this.#link = link;
  }

  /** Where the registry is; with `ways` when it goes with the hub. */
  registry(place: RegistryPlace): {
    readonly address: Address;
    readonly ways?: () => readonly Address[];
  } {
    const { hub } = this.#settings;
    if (place.own) return { address: hub, ways: () => [this.upstream] };
    return { address: { host: place.host ?? hub.host, port: place.port } };
  }
}
