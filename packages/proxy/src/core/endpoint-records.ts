/**
 * The endpoints as the registry tells of them. Silence is never emptiness: what was known stays until the
 * registry says that it is gone.
 *
 *     known before      snapshot (not settled)      settled
 *     A B C       -->   A B confirmed, C kept  -->  C dropped, nobody came back for it
 *
 * A change costs what changes, and a snapshot what it holds.
 */
import { formatAddress, type Endpoint, type EndpointUpdate } from "@propagit/protocol";
import { isSameData } from "./same-data.js";

/** Told what changes, in order; a record that is said anew goes and comes. */
export interface RecordsListener {
  came(endpoint: Endpoint): void;
  /** @param wasTold whether the registry said so itself */
  went(endpoint: Endpoint, wasTold: boolean): void;
}

export class EndpointRecords {
  readonly #listener: RecordsListener;
  readonly #records = new Map<string, Endpoint>();
  /** Those that nobody has confirmed since the registry or this proxy was restarted: ids by address. */
  readonly #unconfirmed = new Map<string, Set<string>>();

  constructor(listener: RecordsListener) {
    this.#listener = listener;
  }

  values(): Iterable<Endpoint> {
    return this.#records.values();
  }

  get size(): number {
    return this.#records.size;
  }

  /** Takes up earlier knowledge: kept, but to be confirmed. */
  remember(endpoints: readonly Endpoint[]): void {
    for (const endpoint of endpoints) {
      this.#put(endpoint);
      this.#doubt(endpoint);
    }
  }

  take(update: EndpointUpdate): void {
    switch (update.kind) {
      case "snapshot":
        this.#unconfirmed.clear();
        for (const endpoint of this.#records.values()) this.#doubt(endpoint);
        for (const { id } of update.endpoints) this.#trust(this.#records.get(id));
        for (const endpoint of update.endpoints) this.#confirm(endpoint);
        if (update.settled) this.#dropUnconfirmed();
        break;
      case "up":
        this.#confirm(update.endpoint);
        break;
      case "down":
        this.#drop(update.endpoint.id, true);
        break;
      case "settled":
        this.#dropUnconfirmed();
        break;
      default:
        update satisfies never;
    }
  }

  /** Two owners cannot hold one port: an old record whose port is another's now is not coming back. */
  #confirm(endpoint: Endpoint): void {
    this.#trust(this.#records.get(endpoint.id));
    for (const id of this.#unconfirmed.get(addressOf(endpoint)) ?? []) this.#drop(id, false);
    this.#put(endpoint);
  }

  #put(endpoint: Endpoint): void {
    const known = this.#records.get(endpoint.id);
    if (known && isSameData(known, endpoint)) return;
    if (known) this.#listener.went(known, false);
    this.#records.set(endpoint.id, endpoint);
    this.#listener.came(endpoint);
  }

  #drop(id: string, wasTold: boolean): void {
    const known = this.#records.get(id);
    if (!known) return;
    this.#trust(known);
    this.#records.delete(id);
    this.#listener.went(known, wasTold);
  }

  #dropUnconfirmed(): void {
    const ids = [...this.#unconfirmed.values()].flatMap((some) => [...some]);
    for (const id of ids) this.#drop(id, true);
  }

  #doubt(endpoint: Endpoint): void {
    const address = addressOf(endpoint);
    const ids = this.#unconfirmed.get(address);
    if (ids) ids.add(endpoint.id);
    else this.#unconfirmed.set(address, new Set([endpoint.id]));
  }

  #trust(endpoint: Endpoint | undefined): void {
    if (!endpoint) return;
    const address = addressOf(endpoint);
    const ids = this.#unconfirmed.get(address);
    ids?.delete(endpoint.id);
    if (ids?.size === 0) this.#unconfirmed.delete(address);
  }
}

function addressOf({ host, port }: Endpoint): string {
  return formatAddress({ host, port });
}
