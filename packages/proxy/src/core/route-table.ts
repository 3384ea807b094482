/** What the proxy knows, arranged for looking up: made anew after a change, never changed in place. */
import {
  deploymentMetaKey,
  environmentDefault,
  formatAddress,
  type Deployment,
  type Endpoint,
  type Route,
  type RouteBook,
  type Share,
} from "@propagit/protocol";
import { hostPlacesOf, type HostPlaces } from "./host-route.js";
import type { FormerShares } from "./route-switch.js";
import { knownNames, type ServiceNames } from "./service-names.js";

export interface RouteTable {
  /** By lower-case name, as host names come. */
  readonly repos: ReadonlyMap<string, RepoEntry>;
  readonly hosts: HostPlaces;
  readonly addresses: ReadonlySet<string>;
}

export interface RepoEntry {
  readonly repo: string;
  /** By lower-case name; there is none without a route or something that runs. */
  readonly places: ReadonlyMap<string, Place>;
  /** All that run, those of production first, then the newest release. */
  readonly running: readonly Variant[];
}

/** One environment of a repository, where visitors are sent. */
export interface Place {
  readonly repo: string;
  readonly environment: string;
  /** Empty until something is promoted. */
  readonly variants: readonly Variant[];
  /** The variants before, the last ones first: for when nobody of the new ones is known yet. */
  readonly former: readonly FormerVariants[];
}

interface FormerVariants {
  readonly variants: readonly Variant[];
  /** Monotonic, in ms. */
  readonly until: number;
}

/** Something that visitors can be sent to: a share, or what runs under its commit's own name. */
export interface Variant extends Share {
  /** What a visitor draws for: the commit, and which of its deployments when several have shares. */
  readonly drawKey: string;
  readonly services: ServicesOfCommit | undefined;
  /** Names that it was ever registered under. */
  readonly known: readonly string[];
}

/** Endpoints of one deployment, or of one commit, by service. */
export type ServicesOfCommit = ReadonlyMap<string, readonly Target[]>;

/** Where a request can go. */
export interface Target {
  /** `host:port`: pools, health and load are kept by it, whatever the record's id. */
  readonly address: string;
  readonly commit: string;
  readonly service: string;
}

/** What a table is made of, beside the route book. */
export interface TableParts {
  readonly endpoints: Iterable<Endpoint>;
  readonly names?: ServiceNames;
  readonly former?: FormerShares;
}

export function buildTable(book: RouteBook, parts: TableParts): RouteTable {
  const { names = new Map(), former = new Map() } = parts;
  const finder = new EndpointFinder(parts.endpoints, book.deployments, names);
  const builder = new RepoBuilder(finder, former);
  for (const route of book.routes) builder.addRoute(route);
  for (const deployment of book.deployments.toSorted(byRank)) builder.addDeployment(deployment);
  const hosts = hostPlacesOf(book.routes, (route) => builder.placeOf(route));
  return { repos: builder.repos, hosts, addresses: finder.addresses };
}

/** Key of an environment of a repository in books. */
export function placeKey({ repo, environment = environmentDefault }: PlaceName): string {
  return `${repo}/${environment}`;
}

interface PlaceName {
  readonly repo: string;
  readonly environment?: string;
}

interface Draft {
  readonly repo: string;
  readonly places: Map<string, Place>;
  readonly running: Variant[];
}

class RepoBuilder {
  readonly repos = new Map<string, Draft>();
  readonly #finder: EndpointFinder;
  readonly #former: FormerShares;
  /** Of all routes, also of those that a twin's name hides. */
  readonly #routed = new Map<string, Place>();

  constructor(finder: EndpointFinder, former: FormerShares) {
    this.#finder = finder;
    this.#former = former;
  }

  addRoute(route: Route): void {
    const place = this.#placeOfRoute(route);
    this.#routed.set(placeKey(route), place);
    this.#draftOf(route)?.places.set(place.environment.toLowerCase(), place);
  }

  addDeployment(deployment: Deployment): void {
    const { repo, environment = environmentDefault, commit, id } = deployment;
    const draft = this.#draftOf(deployment);
    if (!draft) return;
    const key = environment.toLowerCase();
    const place: Place = { repo, environment, variants: [], former: [] };
    if (!draft.places.has(key)) draft.places.set(key, place);
    const share = { commit, weight: 1, ...(id !== undefined && { deployment: id }) };
    draft.running.push(this.#finder.variantOf(deployment, share, commit));
  }

  placeOf(route: Route): Place {
    return this.#routed.get(placeKey(route)) ?? this.#placeOfRoute(route);
  }

  #placeOfRoute(route: Route): Place {
    const { repo, environment = environmentDefault } = route;
    const former = (this.#former.get(placeKey(route)) ?? []).map(({ shares, until }) => ({
      until,
      variants: this.#variantsOf(route, shares),
    }));
    return { repo, environment, variants: this.#variantsOf(route, route.shares), former };
  }

  #variantsOf(name: PlaceName, shares: readonly Share[]): readonly Variant[] {
    return shares.map((share) => {
      const twins = shares.filter(({ commit }) => commit === share.commit);
      // A change of settings alone makes another deployment, and moves nobody to another variant.
      const drawKey = twins.length > 1 ? `${share.commit} ${share.deployment ?? ""}` : share.commit;
      return this.#finder.variantOf(name, share, drawKey);
    });
  }

  /** Names that differ in case only share a host name: the all-lower-case one has it. */
  #draftOf({ repo }: PlaceName): Draft | undefined {
    const key = repo.toLowerCase();
    const known = this.repos.get(key);
    if (known?.repo === repo) return known;
    if (known && repo !== key) return undefined;
    const draft: Draft = { repo, places: new Map(), running: [] };
    this.repos.set(key, draft);
    return draft;
  }
}

/** Endpoints by what they belong to. */
class EndpointFinder {
  readonly addresses = new Set<string>();
  /** By commit: those of each deployment, and under "" those that do not say which. */
  readonly #commits = new Map<string, Map<string, Map<string, Target[]>>>();
  /** Ids of deployments by environment and commit. */
  readonly #deployments = new Map<string, string[]>();
  readonly #names: ServiceNames;

  constructor(
    endpoints: Iterable<Endpoint>,
    deployments: readonly Deployment[],
    names: ServiceNames,
  ) {
    this.#names = names;
    for (const endpoint of endpoints) this.#add(endpoint);
    for (const { id, commit, ...name } of deployments) {
      if (id === undefined) continue;
      const key = `${placeKey(name)} ${commit}`;
      this.#deployments.set(key, [...(this.#deployments.get(key) ?? []), id]);
    }
  }

  variantOf(name: PlaceName, share: Share, drawKey: string): Variant {
    const ids = this.#deploymentsOf(name, share);
    const groups = this.#commits.get(share.commit);
    const wanted = ids === undefined ? [...(groups?.values() ?? [])] : groupsOf(groups, ids);
    const known = knownNames(this.#names, [share.commit, ...(ids ?? [])]);
    return { ...share, drawKey, services: joined(wanted), known };
  }

  /** Undefined: all, since nobody says which there are. */
  #deploymentsOf(name: PlaceName, { commit, deployment }: Share): readonly string[] | undefined {
    if (deployment !== undefined) return [deployment];
    return this.#deployments.get(`${placeKey(name)} ${commit}`);
  }

  #add({ commit, service, host, port, meta }: Endpoint): void {
    if (commit === undefined) return;
    const address = formatAddress({ host, port });
    this.addresses.add(address);
    const groups = mapIn(this.#commits, commit);
    const services = mapIn(groups, meta[deploymentMetaKey] ?? "");
    const targets = services.get(service) ?? [];
    targets.push({ address, commit, service });
    services.set(service, targets);
  }
}

type Groups = ReadonlyMap<string, ServicesOfCommit>;

/** Whoever does not say which deployment it is may be any of them. */
function groupsOf(groups: Groups | undefined, ids: readonly string[]): ServicesOfCommit[] {
  return [...ids, ""].flatMap((id) => groups?.get(id) ?? []);
}

function joined(groups: readonly ServicesOfCommit[]): ServicesOfCommit | undefined {
  const [first, ...others] = groups;
  if (others.length === 0) return first;
  const all = new Map<string, Target[]>();
  for (const [service, targets] of groups.flatMap((group) => [...group])) {
    all.set(service, [...(all.get(service) ?? []), ...targets]);
  }
  return all;
}

function mapIn<K, V>(maps: Map<string, Map<K, V>>, key: string): Map<K, V> {
  const known = maps.get(key);
  if (known) return known;
  const fresh = new Map<K, V>();
  maps.set(key, fresh);
  return fresh;
}

/** Production first, then the newest release. */
function byRank(left: Deployment, right: Deployment): number {
  const rank = ({ environment = environmentDefault }: Deployment) =>
    Number(environment !== environmentDefault);
  return rank(left) - rank(right) || (right.release ?? 0) - (left.release ?? 0);
}
