/**
 * What a proxy knows, arranged for looking up, and changed in place: an update costs what it changes, whether
 * there are ten routes or ten thousand.
 *
 *     book ──────> repositories > environments (places) > variants ─┐
 *       `────────> host names and paths ──> places                  | look into, when they are asked
 *     registry ──> endpoints by commit <────────────────────────────┘
 */
import {
  environmentDefault,
  keyOfDeployment,
  keyOfRoute,
  type BookUpdate,
  type Deployment,
  type EndpointUpdate,
  type Route,
} from "@propagit/protocol";
import type { CommitEndpoints } from "./commit-endpoints.js";
import { EndpointIndex } from "./endpoint-index.js";
import type { EndpointState } from "./endpoint-state.js";
import { Folded } from "./folded.js";
import { HostIndex, type HostPlace } from "./host-index.js";
import { HostLookups, type HostLookup } from "./host-lookup.js";
import { prefixOf } from "./path.js";
import { emptyPlace, placeOf, type Destination, type Place } from "./place.js";
import { compilePolicy, defaultPolicy, type Policy } from "./policy.js";
import { RepoEntry, type EnvironmentEntry, type Running } from "./repo-index.js";
import { isSameData } from "./same-data.js";
import type { SavedTable } from "./saved-table.js";
import { QueryEndpoints, type StandaloneRoute } from "./standalone.js";
import { CommitSource, Variant } from "./variant.js";

export interface TableOptions {
  /** Host names of repositories are below it. */
  readonly domain?: string;
  /** Instead of guessing which service takes visitors. */
  readonly service?: string;
  /** The proxy's own. */
  readonly zone?: string;
  /** Of the listener for TLS; default 443. */
  readonly tlsPort?: number;
  /** Unknown to visitors: spreads what they may not choose themselves. */
  readonly secret?: string;
}

/** Where a book stands: revisions count within one life of the ledger. */
export interface BookPosition {
  readonly book: string | undefined;
  readonly revision: number;
}

type Snapshot = BookUpdate & { kind: "snapshot" };

export class RouteTable {
  readonly options: TableOptions;
  readonly #endpoints = new EndpointIndex();
  readonly #repos = new Folded<RepoEntry>();
  readonly #hosts = new HostIndex();
  readonly #lookups: HostLookups;
  readonly #environments = new Map<string, EnvironmentEntry>();
  readonly #running = new Map<string, Running>();
  readonly #usualPolicy: Policy;
  #position: BookPosition | undefined;
  #pieces: readonly Snapshot[] = [];
  #standalone: readonly (readonly [HostPlace, QueryEndpoints])[] = [];

  constructor(options: TableOptions = {}) {
    this.options = options;
    this.#lookups = new HostLookups(this.#repos, this.#hosts, options.domain);
    this.#usualPolicy = defaultPolicy(options.secret ?? "");
  }

  /** Takes up what was saved in an earlier life: kept, but endpoints are to be confirmed. */
  static restore(saved: SavedTable, options: TableOptions = {}): RouteTable {
    const table = new RouteTable(options);
    table.#restore(saved);
    return table;
  }

  /** Whether there are routes to go by, fresh or kept. */
  get hasBook(): boolean {
    return this.#position !== undefined || this.#standalone.length > 0;
  }

  get position(): BookPosition | undefined {
    return this.#position;
  }

  /** `host:port` of everything that visitors could be sent to. */
  get addresses(): ReadonlyMap<string, unknown> {
    return this.#endpoints.addresses;
  }

  /** Of a snapshot that is not whole yet. */
  get pieces(): readonly BookUpdate[] {
    return this.#pieces;
  }

  /**
   * A snapshot may come in pieces; nothing changes before the last one. The first one ever is made ready piece by
   * piece, so that other work of the thread goes on between them: nobody is led by any book before it is whole.
   */
  takeBook(update: BookUpdate, now: number): void {
    if (update.kind === "change") return this.#change(update, now);
    const [first] = this.#pieces;
    const isNext = first?.book === update.book && first.revision === update.revision;
    const pieces = isNext ? [...this.#pieces, update] : [update];
    this.#pieces = update.more === true ? pieces : [];
    if (update.more !== true) this.#replace(pieces, now);
    else if (!this.hasBook) this.#put(update, now);
  }

  takeEndpoints(updates: readonly EndpointUpdate[], now: number): void {
    for (const update of updates) this.#endpoints.take(update, now);
  }

  /** Nobody new goes there, as if they were gone, until the registry says something of them. */
  leave(addresses: Iterable<string>): void {
    for (const address of addresses) this.#endpoints.leave(address);
  }

  get leaving(): ReadonlySet<string> {
    return this.#endpoints.leaving;
  }

  /** Routes of a command line, instead of those before. */
  takeStandalone(routes: readonly StandaloneRoute[]): void {
    for (const [host, query] of this.#standalone) {
      this.#hosts.remove(host);
      this.#endpoints.removeQuery(query);
    }
    this.#standalone = routes.map((route) => this.#standaloneOf(route));
    for (const [host, query] of this.#standalone) {
      this.#hosts.add(host);
      this.#endpoints.addQuery(query);
    }
    this.#lookups.forget();
  }

  lookUp(host: string): HostLookup {
    if (!this.hasBook) return this.#lookups.nowhere;
    return this.#lookups.find(host);
  }

  repoOf(place: Place): RepoEntry | undefined {
    return this.#environments.get(place.key)?.repo;
  }

  /** Whether one is known for a service of a deployment, and not about to go; how healthy it is, is not asked. */
  hasEndpoint(deployment: Deployment, service: string): boolean {
    const { commit, id } = deployment;
    const endpoints = this.#endpoints.find(commit);
    const ids = endpoints?.deploymentsOf(keyOfRoute(deployment), id);
    return endpoints?.servicesOf(ids)?.has(service) ?? false;
  }

  stateOf(address: string): EndpointState | undefined {
    return this.#endpoints.stateOf(address);
  }

  isEndpointHost(host: string): boolean {
    return this.#endpoints.isEndpointHost(host);
  }

  /** All of it, to be saved. */
  snapshot(): SavedTable {
    const { book, revision = 0 } = this.#position ?? {};
    const routes = [...this.#environments.values()].flatMap(({ route }) => route ?? []);
    const deployments = [...this.#running.values()].map(({ deployment }) => deployment);
    return {
      ...(book !== undefined && { bookId: book }),
      book: { revision, routes, deployments },
      endpoints: [...this.#endpoints.records],
      names: new Map([...this.#endpoints.commits()].flatMap(({ names }) => [...names])),
    };
  }

  #restore({ bookId, book, endpoints, names }: SavedTable): void {
    const never = Number.NEGATIVE_INFINITY;
    this.#endpoints.remember(endpoints);
    for (const route of book.routes) this.#putRoute(route, never);
    for (const deployment of book.deployments) this.#putDeployment(deployment);
    this.#position = { book: bookId, revision: book.revision };
    const owners = new Map<string, string>();
    for (const { commit, deployment } of book.routes.flatMap(({ shares }) => shares)) {
      owners.set(deployment ?? commit, commit).set(commit, commit);
    }
    for (const { commit, id = commit } of book.deployments)
      owners.set(id, commit).set(commit, commit);
    for (const [key, known] of names) {
      this.#endpoints.find(owners.get(key) ?? key)?.remember(key, known);
    }
  }

  #put({ routes, deployments }: BookUpdate, now: number): void {
    for (const route of routes) this.#putRoute(route, now);
    for (const deployment of deployments) this.#putDeployment(deployment);
  }

  #change(update: BookUpdate & { kind: "change" }, now: number): void {
    this.#put(update, now);
    for (const key of update.droppedRoutes) this.#dropRoute(key);
    for (const key of update.droppedDeployments) this.#dropDeployment(key);
    this.#position = { book: this.#position?.book, revision: update.revision };
    this.#pieces = [];
  }

  /** What is the same stays as it is, with all that is counted for it. */
  #replace(pieces: readonly Snapshot[], now: number): void {
    for (const piece of pieces) this.#put(piece, now);
    const routed = new Set(pieces.flatMap(({ routes }) => routes.map(keyOfRoute)));
    const running = new Set(pieces.flatMap(({ deployments }) => deployments.map(keyOfDeployment)));
    for (const key of this.#environments.keys()) if (!routed.has(key)) this.#dropRoute(key);
    for (const key of this.#running.keys()) if (!running.has(key)) this.#dropDeployment(key);
    const [{ book, revision } = { book: undefined, revision: 0 }] = pieces;
    this.#position = { book, revision };
  }

  #putRoute(route: Route, now: number): void {
    const { environment = environmentDefault } = route;
    const entry = this.#environmentOf(route.repo, environment);
    if (entry.route && isSameData(entry.route, route)) return;
    const secret = this.options.secret ?? "";
    const policy = compilePolicy({ rules: route.rules ?? {}, former: entry.place.policy, secret });
    const held: CommitEndpoints[] = [];
    const before = entry.route && { route: entry.route, place: entry.place };
    const place = placeOf({
      route,
      policy,
      ...(before && { before }),
      now,
      variantOf: (to) => this.#variantOf(entry.place.key, to, held),
    });
    this.#holdFormer(place, held);
    this.#release(entry);
    Object.assign(entry, { route, place, held });
    this.#putHosts(entry, route);
    this.#lookups.forget();
  }

  #putHosts(entry: EnvironmentEntry, { hosts = [], rules = {} }: Route): void {
    const { place } = entry;
    const parent = { rules, policy: place.policy };
    const secret = this.options.secret ?? "";
    const made = hosts.map((one): HostPlace => {
      const { service, rewrite, redirect } = one;
      const host = one.host.toLowerCase();
      const prefix = prefixOf(one.path ?? "");
      const known = entry.hosts.find((old) => old.host === host && old.prefix === prefix);
      const former = known && { former: known.policy };
      const policy = one.rules
        ? compilePolicy({ rules: one.rules, parent, secret, ...former })
        : place.policy;
      return {
        host,
        prefix,
        place,
        policy,
        ...(service !== undefined && { service }),
        ...(rewrite !== undefined && { rewrite }),
        ...(redirect && { redirect }),
      };
    });
    for (const old of entry.hosts) this.#hosts.remove(old);
    for (const one of made) this.#hosts.add(one);
    entry.hosts = made;
  }

  #dropRoute(key: string): void {
    const entry = this.#environments.get(key);
    if (!entry?.route) return;
    for (const host of entry.hosts) this.#hosts.remove(host);
    this.#release(entry);
    const { repo, environment } = entry.place;
    const place = emptyPlace(repo, environment, this.#usualPolicy);
    Object.assign(entry, { route: undefined, place, held: [], hosts: [] });
    this.#dropIfEmpty(entry);
    this.#lookups.forget();
  }

  #putDeployment(deployment: Deployment): void {
    const key = keyOfDeployment(deployment);
    const known = this.#running.get(key);
    if (known && isSameData(known.deployment, deployment)) return;
    const { repo, environment: name = environmentDefault, commit, id } = deployment;
    const environment = this.#environmentOf(repo, name);
    const held: CommitEndpoints[] = [];
    const to = { commit, weight: 1, drawKey: commit, ...(id !== undefined && { deployment: id }) };
    const variant = this.#variantOf(environment.place.key, to, held);
    const [endpoints] = held;
    if (!endpoints) return;
    if (id !== undefined) endpoints.addDeployment(environment.place.key, id);
    environment.running += 1;
    if (known) this.#dropDeployment(key);
    const running = { deployment, environment, endpoints, variant };
    this.#running.set(key, running);
    environment.repo.add(key, running);
    this.#lookups.forget();
  }

  #dropDeployment(key: string): void {
    const known = this.#running.get(key);
    if (!known) return;
    const { deployment, environment, endpoints } = known;
    this.#running.delete(key);
    environment.repo.remove(key);
    environment.running -= 1;
    if (deployment.id !== undefined)
      endpoints.removeDeployment(environment.place.key, deployment.id);
    this.#endpoints.release(endpoints);
    this.#dropIfEmpty(environment);
    this.#lookups.forget();
  }

  #environmentOf(repo: string, environment: string): EnvironmentEntry {
    const key = keyOfRoute({ repo, environment });
    const known = this.#environments.get(key);
    if (known) return known;
    const owner = this.#repos.exact(repo) ?? new RepoEntry(repo);
    this.#repos.set(repo, owner);
    const place = emptyPlace(repo, environment, this.#usualPolicy);
    const empty = { route: undefined, hosts: [], held: [], running: 0 };
    const fresh: EnvironmentEntry = { repo: owner, environment, place, ...empty };
    owner.environments.set(environment, fresh);
    this.#environments.set(key, fresh);
    return fresh;
  }

  #dropIfEmpty({ repo, environment, place, route, running }: EnvironmentEntry): void {
    if (route || running > 0) return;
    this.#environments.delete(place.key);
    repo.environments.delete(environment);
    if (repo.environments.size === 0) this.#repos.delete(repo.repo);
  }

  #variantOf(placeKey: string, to: Destination, held: CommitEndpoints[]): Variant {
    const endpoints = this.#endpoints.acquire(to.commit);
    held.push(endpoints);
    const { zone } = this.options;
    const source = new CommitSource(endpoints, placeKey, to.deployment);
    return new Variant(source, { ...to, ...(zone !== undefined && { zone }) });
  }

  /** Those before are looked into as long as they may be asked. */
  #holdFormer({ former }: Place, held: CommitEndpoints[]): void {
    for (const { source, commit } of former.flatMap(({ variants }) => variants)) {
      if (source instanceof CommitSource) held.push(this.#endpoints.acquire(commit));
    }
  }

  #release({ held }: EnvironmentEntry): void {
    for (const endpoints of held) this.#endpoints.release(endpoints);
  }

  #standaloneOf(route: StandaloneRoute): readonly [HostPlace, QueryEndpoints] {
    const { host, prefix, query: text, fits } = route;
    const query = new QueryEndpoints(fits);
    const { zone } = this.options;
    const options = { commit: "", weight: 1, drawKey: text, ...(zone !== undefined && { zone }) };
    const policy = this.#usualPolicy;
    const variants = [new Variant(query, options)];
    const place = { ...emptyPlace(text, environmentDefault, policy), variants };
    return [{ host, prefix, place, policy }, query];
  }
}
