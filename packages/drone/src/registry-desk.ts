/**
 * The drone's side of the registry: makes and frees records for instances, and notices which apps make
 * their own. Follows the registry to another place when the hub says so.
 */
import {
  formatAddress,
  processMetaKey,
  type Address,
  type EndpointUpdate,
} from "@propagit/protocol";
import type { RegistryClient } from "@propagit/registry";
import {
  announcedBy,
  applyUpdate,
  noAnnouncements,
  outlive,
  processOf,
  type Announcements,
} from "./core/announcements.js";
import type { Announced } from "./core/instance-state.js";
import type { DroneWorld, RegistryAccess } from "./world.js";

export interface RecordRequest {
  readonly process: string;
  readonly drone: string;
  readonly service: string;
  readonly version: string;
  readonly commit: string;
  readonly host: string;
  readonly port: number;
}

/** Called when the records by which a process announces itself may have changed. */
type OnAnnounced = (process: string) => void;

export class RegistryDesk {
  readonly #world: DroneWorld;
  readonly #onAnnounced: OnAnnounced;
  #client: RegistryClient | undefined;
  #place = "";
  #announcements: Announcements = noAnnouncements;
  /** Record ids that this drone made, by process. */
  readonly #own = new Map<string, string>();
  readonly #ownIds = new Set<string>();

  constructor(world: DroneWorld, onAnnounced: OnAnnounced) {
    this.#world = world;
    this.#onAnnounced = onAnnounced;
  }

  /** `host:port` for instances; empty before the hub has said where the registry is. */
  get place(): string {
    return this.#place;
  }

  /** Whether the place changed: then records must be made again there. */
  use(address: Address, access: RegistryAccess): boolean {
    const place = formatAddress(address);
    if (place === this.#place) return false;
    const former = this.#client;
    this.#place = place;
    this.#announcements = noAnnouncements;
    this.#own.clear();
    this.#client = this.#world.connectRegistry(address, access);
    this.#client.watch((update) => this.#hear(update));
    if (former) void this.#close(former);
    return former !== undefined;
  }

  /** Resolves when the record is there, however long the registry is away. */
  async register(request: RecordRequest): Promise<void> {
    const { process, drone, service, version, commit, host, port } = request;
    const id = this.#world.random.hex(32);
    this.#ownIds.add(id);
    this.#own.set(process, id);
    const client = this.#need();
    await client.registerEndpoint(`${service}@${version}`, {
      id,
      port,
      host,
      commit,
      meta: { [processMetaKey]: process, drone },
    });
    // Freed while it was on its way.
    if (this.#own.get(process) !== id) await client.free(id);
  }

  async free(process: string): Promise<void> {
    const id = this.#own.get(process);
    this.#own.delete(process);
    if (id !== undefined) await this.#client?.free(id);
  }

  announced(process: string): readonly Announced[] {
    return announcedBy(this.#announcements, process);
  }

  /** The process has ended; records that it left behind do not count any more. */
  outlive(process: string): void {
    this.#announcements = outlive(this.#announcements, process);
  }

  async close(): Promise<void> {
    if (this.#client) await this.#close(this.#client);
  }

  #hear(update: EndpointUpdate): void {
    const before = this.#announcements;
    this.#announcements = applyUpdate(before, update, (id) => this.#ownIds.has(id));
    // One that expired may be registered again; one that was freed never comes back.
    if (update.kind === "down" && update.reason === "freed")
      this.#ownIds.delete(update.endpoint.id);
    for (const process of concerned(before, this.#announcements, update)) {
      this.#onAnnounced(process);
    }
  }

  #need(): RegistryClient {
    if (!this.#client) throw new Error("cannot happen: no registry before the first join");
    return this.#client;
  }

  async #close(client: RegistryClient): Promise<void> {
    await client.close().catch((thrown: unknown) => {
      this.#world.log.warn(`closing the connection to the registry failed: ${String(thrown)}`);
    });
  }
}

/** Processes that an update may be about. */
function concerned(
  before: Announcements,
  after: Announcements,
  update: EndpointUpdate,
): ReadonlySet<string> {
  const endpoints =
    update.kind === "up" || update.kind === "down"
      ? [update.endpoint]
      : [...before.values(), ...after.values()].map(({ endpoint }) => endpoint);
  return new Set(endpoints.map(processOf).filter((process) => process !== undefined));
}
