/**
 * The drone's side of the registry: makes and frees records for instances, and notices which apps make
 * their own. Follows the registry to another place when the hub says so.
 *
 * All records are under one lease, which is on disk: the next life of the drone goes on with it, so that
 * nobody notices that there was another one.
 */
import {
  deploymentMetaKey,
  formatAddress,
  processMetaKey,
  zoneMetaKey,
  toPropagitError,
  type Address,
  type Endpoint,
  type EndpointUpdate,
} from "@propagit/protocol";
import type { RegistryClient } from "@propagit/registry";
import { within } from "@propagit/runtime";
import {
  announcedBy,
  applyUpdate,
  noAnnouncements,
  outlive,
  processOf,
  type Announcements,
} from "./core/announcements.js";
import type { DroneWorld, RegistryAccess, RememberedLease } from "./world.js";

export interface RecordRequest {
  readonly process: string;
  readonly deployment: string;
  readonly drone: string;
  readonly zone: string | undefined;
  readonly version: string;
  readonly commit: string;
  readonly host: string;
  readonly records: readonly RecordPlace[];
}

export interface RecordPlace {
  readonly id: string;
  /** Its name in the registry. */
  readonly service: string;
  readonly port: number;
}

export interface DeskOwner {
  /** The records by which a process announces itself may have changed. */
  readonly announced: (process: string) => void;
  /** Whether an instance runs here whose records are none of the drone's. */
  readonly announcesItself: (process: string) => boolean;
  readonly name: () => string;
  /** Registers everything again; resolves once it is done. */
  readonly registerAll: () => Promise<unknown>;
}

/** Metadata key under which the records that a drone makes have its name. */
const droneMetaKey = "drone";
/** Bound on registering everything under a new lease before the old one ends. A guess. */
const switchMsMax = 10_000;

export class RegistryDesk {
  readonly #world: DroneWorld;
  readonly #owner: DeskOwner;
  #client: RegistryClient | undefined;
  readonly #first: Promise<RegistryClient>;
  #resolveFirst!: (client: RegistryClient) => void;
  #place = "";
  #ttlMs = 0;
  #lease: RememberedLease | undefined;
  #noted: Promise<void> = Promise.resolve();
  #announcements: Announcements = noAnnouncements;
  /** Ids of the records that this drone made, by process. */
  readonly #own = new Map<string, readonly string[]>();
  readonly #ownIds = new Set<string>();
  /** Of processes that had ended before it was known where the registry is. */
  readonly #toFree: string[] = [];
  /** What looks like a leftover and may be all that a process of an earlier life has; until that ends. */
  readonly #spared = new Map<string, readonly Endpoint[]>();

  constructor(world: DroneWorld, owner: DeskOwner) {
    this.#world = world;
    this.#owner = owner;
    this.#first = new Promise((resolve) => {
      this.#resolveFirst = resolve;
    });
  }

  /** `host:port` for instances; empty before it is known where the registry is. */
  get place(): string {
    return this.#place;
  }

  /** The lease of the earlier life; before the first `use`. */
  async load(): Promise<void> {
    this.#lease = await this.#world.memory.readLease();
  }

  /** Records of an earlier life: they are known before the registry shows them. */
  remember(process: string, ids: readonly string[]): void {
    this.#own.set(process, ids);
    for (const id of ids) this.#ownIds.add(id);
  }

  /** Whether the place changed; what is registered is registered again there. */
  use(address: Address, access: Omit<RegistryAccess, "lease" | "leaseChanged">): boolean {
    const place = formatAddress(address);
    const { ttlMs } = access;
    if (place === this.#place && ttlMs === this.#ttlMs) return false;
    const former = this.#client;
    const isMoved = place !== this.#place;
    const known = this.#lease;
    const isResumed = !former && known?.place === place && known.ttlMs === ttlMs;
    this.#place = place;
    this.#ttlMs = ttlMs;
    this.#announcements = noAnnouncements;
    const client = this.#world.connectRegistry(address, {
      ...access,
      lease: isResumed ? known.lease : undefined,
      leaseChanged: (lease) => this.#leaseChanged(client, { place, ttlMs, lease }),
    });
    this.#client = client;
    this.#resolveFirst(client);
    client.watch((update) => this.#hear(client, update));
    void freeAll(client, this.#toFree.splice(0));
    if (former) void this.#switchFrom(former, isMoved);
    return former !== undefined && isMoved;
  }

  /** Resolves when the records are there, however long the registry is away. */
  async register(request: RecordRequest): Promise<void> {
    const { process, records } = request;
    const ids = records.map(({ id }) => id);
    this.remember(process, ids);
    const client = await this.#reached();
    await Promise.all(records.map((record) => registerOne(client, request, record)));
    // Freed while it was on its way.
    if (this.#own.get(process) !== ids) await freeAll(client, ids);
  }

  async free(process: string): Promise<void> {
    const ids = this.#own.get(process) ?? [];
    this.#own.delete(process);
    if (this.#client) return freeAll(this.#client, ids);
    this.#toFree.push(...ids);
  }

  announced(process: string): readonly Endpoint[] {
    return announcedBy(this.#announcements, process);
  }

  /** The process has ended; records that it left behind do not count any more. */
  outlive(process: string): void {
    this.#announcements = outlive(this.#announcements, process);
    const spared = this.#spared.get(process) ?? [];
    this.#spared.delete(process);
    for (const endpoint of spared) if (this.#client) this.#disownLeftover(this.#client, endpoint);
  }

  async close(options: { readonly keepLease: boolean }): Promise<void> {
    if (this.#client) await this.#close(this.#client, options);
    await this.#noted;
  }

  /** A new lease in the same registry: the old records go when the new ones are there. */
  async #switchFrom(former: RegistryClient, isMoved: boolean): Promise<void> {
    const again = this.#owner.registerAll();
    if (!isMoved) {
      const { clock } = this.#world;
      await within(clock, switchMsMax, "registering anew", again).catch(() => undefined);
    }
    await this.#close(former, { keepLease: false });
  }

  #leaseChanged(client: RegistryClient, lease: RememberedLease): void {
    if (client !== this.#client) return;
    this.#lease = lease;
    this.#noted = this.#world.memory.writeLease(lease).catch((thrown: unknown) => {
      const { message } = toPropagitError(thrown);
      this.#world.log.warn(`the lease in the registry was not noted: ${message}`);
    });
  }

  #hear(client: RegistryClient, update: EndpointUpdate): void {
    if (client !== this.#client) return;
    const before = this.#announcements;
    this.#announcements = applyUpdate(before, update, (endpoint) => this.#isMade(endpoint));
    for (const endpoint of shownBy(update)) {
      const process = processOf(endpoint) ?? "";
      if (!this.#owner.announcesItself(process)) this.#disownLeftover(client, endpoint);
      else this.#spared.set(process, [...(this.#spared.get(process) ?? []), endpoint]);
    }
    // One that expired may be registered again; one that was given up and freed never comes back.
    if (update.kind === "down" && update.reason === "freed" && !this.#isWanted(update.endpoint)) {
      this.#ownIds.delete(update.endpoint.id);
    }
    for (const process of concerned(before, this.#announcements, update)) {
      this.#owner.announced(process);
    }
  }

  #isWanted(endpoint: Endpoint): boolean {
    const process = processOf(endpoint) ?? "";
    return this.#own.get(process)?.includes(endpoint.id) ?? false;
  }

  /** Apps put no drone into what they register. */
  #isMade({ id, meta }: Endpoint): boolean {
    return this.#ownIds.has(id) || meta[droneMetaKey] === this.#owner.name();
  }

  /**
   * A record under the lease of an earlier life, which was killed before it could free it. Where the note of
   * a process could not be written, its record looks like one that the app made; that one stays.
   */
  #disownLeftover(client: RegistryClient, { id, meta }: Endpoint): void {
    if (meta[droneMetaKey] !== this.#owner.name() || meta[processMetaKey] === undefined) return;
    if (this.#ownIds.has(id)) return;
    void client.disown(id).catch(() => undefined);
  }

  /** Before a hub took the drone in nobody knows where the registry is: an adopted instance waits for it. */
  async #reached(): Promise<RegistryClient> {
    return this.#client ?? this.#first;
  }

  async #close(client: RegistryClient, options: { readonly keepLease: boolean }): Promise<void> {
    await client.close(options).catch((thrown: unknown) => {
      this.#world.log.warn(`closing the connection to the registry failed: ${String(thrown)}`);
    });
  }
}

async function registerOne(
  client: RegistryClient,
  { process, deployment, drone, zone, version, commit, host }: RecordRequest,
  { id, service, port }: RecordPlace,
): Promise<void> {
  const meta = {
    [processMetaKey]: process,
    [deploymentMetaKey]: deployment,
    [droneMetaKey]: drone,
    ...(zone !== undefined && { [zoneMetaKey]: zone }),
  };
  await client.registerEndpoint(`${service}@${version}`, { id, port, host, commit, meta });
}

/** Also those of an earlier life, which this client has never registered. */
async function freeAll(client: RegistryClient, ids: readonly string[]): Promise<void> {
  await Promise.all(ids.flatMap((id) => [client.free(id), client.disown(id)]));
}

function shownBy(update: EndpointUpdate): readonly Endpoint[] {
  if (update.kind === "snapshot") return update.endpoints;
  return update.kind === "up" ? [update.endpoint] : [];
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
