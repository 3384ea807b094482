/** The registry as a program sees it; `connect` in `client.ts` makes one. */
import type {
  Address,
  Credential,
  Endpoint,
  EndpointQuery,
  EndpointUpdate,
} from "@propagit/protocol";

export interface ConnectOptions {
  /** The shared secret; a registry without one is then accepted on loopback only (see `acceptsOpen`). */
  readonly secret?: string;
  /** A token as the drone gives it in REGISTRY_TOKEN; the default is that variable. */
  readonly token?: string;
  /** Instead of `secret`, for callers that have the stretched key already. */
  readonly credential?: Credential;
  /** Whether a registry without a secret is accepted; default: only when it is on loopback. */
  readonly acceptsOpen?: boolean;
  /** Lifetime of what is registered after the last renewal, in ms, 1,000–3,600,000; default 15,000. */
  readonly ttlMs?: number;
  /** A lease of an earlier life of this program, to go on with its records; when it has ended, a new one. */
  readonly lease?: string;
  /** Told which lease the records are under, whenever that is another one. */
  readonly leaseChanged?: (lease: string) => void;
}

export interface RegisterOptions {
  /** Where the service listens; chosen and proven free when not given. */
  readonly port?: number;
  /** Address to publish; default: as the registry sees this client. */
  readonly host?: string;
  readonly commit?: string;
  readonly meta?: Readonly<Record<string, string>>;
  /** Own id of the record; default random. The same id again replaces the record. */
  readonly id?: string;
  /** For a chosen port: both ends included; default 10000–65000 as the ancestor had it. */
  readonly portRange?: { readonly low: number; readonly high: number };
}

/** `name@range`, or the parts of a query. */
export type Query = string | EndpointQuery;

export interface RegistryView {
  readonly endpoints: readonly Endpoint[];
  /** False while a restarted registry still waits for owners to come back. */
  readonly settled: boolean;
}

export interface RegistryClient {
  readonly address: Address;
  /** Whether the registry can be reached right now. */
  readonly isUp: boolean;
  /**
   * Registers `name` or `name@version` and keeps it registered, across restarts of the registry, until
   * `free` or `close`. Resolves with the port once it is registered for the first time.
   *
   * @throws BAD_RECORD, BAD_NAME, PORT_TAKEN, NO_FREE_PORT, DENIED
   */
  register(service: string, options?: RegisterOptions): Promise<number>;
  /** As `register`, with the whole record. */
  registerEndpoint(service: string, options?: RegisterOptions): Promise<Endpoint>;
  /** Replaces the metadata of an own record. @throws NO_RECORD */
  set(id: string, meta: Readonly<Record<string, string>>): Promise<Endpoint>;
  /** Frees own records: by id, by port, or all of a service name. */
  free(which: string | number): Promise<void>;
  /** Frees a record that an earlier life made under the lease that this one goes on with. */
  disown(id: string): Promise<void>;
  /** Endpoints that fit, now. @throws BAD_PATTERN, UNREACHABLE */
  query(query?: Query): Promise<RegistryView>;
  /** Waits until at least one endpoint fits. @throws TIMED_OUT after `limitMs` (default 30,000) */
  get(query: Query, limitMs?: number): Promise<readonly Endpoint[]>;
  /**
   * Follows all changes: first a snapshot, then each change once and in order, also across
   * reconnects; a new snapshot only when the registry has a new life or forgot where we stood.
   */
  watch(onUpdate: (update: EndpointUpdate) => void): { stop(): void };
  /** Frees everything at once and ends; with `keepLease` leaves it all to a next life, as long as the lease lasts. */
  close(options?: { readonly keepLease?: boolean }): Promise<void>;
}
