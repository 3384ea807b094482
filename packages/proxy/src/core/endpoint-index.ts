/**
 * Endpoints arranged for looking up: by commit for routes of the book, by service for routes of a command
 * line, by address for what is learnt about them.
 */
import { formatAddress, zoneMetaKey, type Endpoint, type EndpointUpdate } from "@propagit/protocol";
import { CommitEndpoints } from "./commit-endpoints.js";
import { EndpointRecords } from "./endpoint-records.js";
import { newEndpointState, type EndpointState, type Target } from "./endpoint-state.js";
import { uniformOf } from "./hash.js";
import type { QueryEndpoints } from "./standalone.js";

interface AddressEntry {
  readonly state: EndpointState;
  readonly records: Map<string, { readonly endpoint: Endpoint; readonly target: Target }>;
  /** As if it were gone, until the registry says something of it. */
  isLeaving: boolean;
}

export class EndpointIndex {
  readonly #records = new EndpointRecords({
    came: (endpoint) => this.#came(endpoint),
    went: (endpoint, wasTold) => this.#went(endpoint, wasTold),
  });
  readonly #commits = new Map<string, CommitEndpoints>();
  readonly #addresses = new Map<string, AddressEntry>();
  /** Machines where endpoints run, and how many there. */
  readonly #hosts = new Map<string, number>();
  readonly #queries = new Set<QueryEndpoints>();
  /** When what comes now was heard of; before everything for what was there before us. */
  #sinceMs = Number.NEGATIVE_INFINITY;
  #hasHeard = false;

  get addresses(): ReadonlyMap<string, unknown> {
    return this.#addresses;
  }

  get records(): Iterable<Endpoint> {
    return this.#records.values();
  }

  stateOf(address: string): EndpointState | undefined {
    return this.#addresses.get(address)?.state;
  }

  /** Whether endpoints run on the machine of that address. */
  isEndpointHost(host: string): boolean {
    return this.#hosts.has(host);
  }

  remember(endpoints: readonly Endpoint[]): void {
    this.#records.remember(endpoints);
  }

  take(update: EndpointUpdate, now: number): void {
    // What the first snapshot holds is not new: it is only us who are.
    this.#sinceMs = this.#hasHeard ? now : Number.NEGATIVE_INFINITY;
    this.#records.take(update);
    this.#hasHeard = true;
  }

  /** Those as if they were gone. */
  get leaving(): ReadonlySet<string> {
    return new Set([...this.#addresses].flatMap(([at, { isLeaving }]) => (isLeaving ? [at] : [])));
  }

  /** Nobody new goes to these, as if they were gone, until the registry says something of them. */
  leave(address: string): void {
    const entry = this.#addresses.get(address);
    if (!entry || entry.isLeaving) return;
    for (const { endpoint, target } of entry.records.values()) this.#unplace(endpoint, target);
    entry.isLeaving = true;
  }

  /** Endpoints of a commit, for somebody who gives them back. */
  acquire(commit: string): CommitEndpoints {
    const known = this.#commits.get(commit) ?? new CommitEndpoints(commit);
    this.#commits.set(commit, known);
    known.uses += 1;
    return known;
  }

  release(endpoints: CommitEndpoints): void {
    endpoints.uses -= 1;
    if (endpoints.uses === 0) this.#commits.delete(endpoints.commit);
  }

  find(commit: string): CommitEndpoints | undefined {
    return this.#commits.get(commit);
  }

  commits(): Iterable<CommitEndpoints> {
    return this.#commits.values();
  }

  addQuery(query: QueryEndpoints): void {
    this.#queries.add(query);
    for (const { records, isLeaving } of this.#addresses.values()) {
      if (isLeaving) continue;
      for (const { endpoint, target } of records.values()) query.offer(endpoint, target);
    }
  }

  removeQuery(query: QueryEndpoints): void {
    this.#queries.delete(query);
  }

  #came(endpoint: Endpoint): void {
    const { id, host, commit, meta } = endpoint;
    const entry = this.#entryOf(endpoint);
    const zone = meta[zoneMetaKey];
    const target: Target = {
      address: entry.state.address,
      commit: commit ?? "",
      service: endpoint.service,
      ...(zone !== undefined && { zone }),
      state: entry.state,
    };
    if (entry.isLeaving) this.#comeBack(entry);
    entry.records.set(id, { endpoint, target });
    this.#hosts.set(host, (this.#hosts.get(host) ?? 0) + 1);
    if (commit !== undefined) this.acquire(commit).learn(endpoint);
    this.#place(endpoint, target);
  }

  #went(endpoint: Endpoint, wasTold: boolean): void {
    const { id, host, port, commit } = endpoint;
    const address = formatAddress({ host, port });
    const entry = this.#addresses.get(address);
    const record = entry?.records.get(id);
    if (!entry || !record) return;
    if (!entry.isLeaving) this.#unplace(endpoint, record.target);
    entry.records.delete(id);
    if (entry.isLeaving && wasTold) this.#comeBack(entry);
    if (entry.records.size === 0) this.#addresses.delete(address);
    const left = (this.#hosts.get(host) ?? 1) - 1;
    if (left > 0) this.#hosts.set(host, left);
    else this.#hosts.delete(host);
    const endpoints = commit === undefined ? undefined : this.#commits.get(commit);
    if (endpoints) this.release(endpoints);
  }

  #comeBack(entry: AddressEntry): void {
    entry.isLeaving = false;
    for (const { endpoint, target } of entry.records.values()) this.#place(endpoint, target);
  }

  #place(endpoint: Endpoint, target: Target): void {
    this.#commits.get(target.commit)?.add(endpoint, target);
    for (const query of this.#queries) query.offer(endpoint, target);
  }

  #unplace(endpoint: Endpoint, target: Target): void {
    this.#commits.get(target.commit)?.remove(endpoint, target);
    for (const query of this.#queries) query.withdraw(target);
  }

  #entryOf({ host, port }: Endpoint): AddressEntry {
    const address = formatAddress({ host, port });
    const known = this.#addresses.get(address);
    if (known) return known;
    const token = Math.floor(uniformOf(address) * 2 ** 52).toString(36);
    const state = newEndpointState(address, token, this.#sinceMs);
    const fresh: AddressEntry = { state, records: new Map(), isLeaving: false };
    this.#addresses.set(address, fresh);
    return fresh;
  }
}
