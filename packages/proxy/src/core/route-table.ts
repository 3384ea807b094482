/** What the proxy knows, arranged for looking up: made anew after a change, never changed in place. */
import { formatAddress, type Endpoint, type RouteBook, type Share } from "@propagit/protocol";
import type { ServiceNames } from "./service-names.js";

export interface RouteTable {
  /** By lower-case name, as host names come. */
  readonly repos: ReadonlyMap<string, RepoEntry>;
  /** Endpoints by commit, then by service. */
  readonly endpoints: ReadonlyMap<string, ServicesOfCommit>;
  /** What each commit was ever registered under. */
  readonly names: ServiceNames;
}

export interface RepoEntry {
  readonly repo: string;
  /** Empty until a commit is promoted. */
  readonly shares: readonly Share[];
  /** Commits that are deployed. */
  readonly commits: readonly string[];
}

/** Endpoints of one commit by service. */
export type ServicesOfCommit = ReadonlyMap<string, readonly Target[]>;

/** Where a request can go. */
export interface Target {
  /** `host:port`: pools, health and load are kept by it, whatever the record's id. */
  readonly address: string;
  readonly commit: string;
  readonly service: string;
}

export function buildTable(
  book: RouteBook,
  endpoints: Iterable<Endpoint>,
  names: ServiceNames = new Map(),
): RouteTable {
  return { repos: reposOf(book), endpoints: targetsOf(endpoints), names };
}

/** All addresses of a table. */
export function addressesOf(table: RouteTable): Set<string> {
  const services = [...table.endpoints.values()].flatMap((byService) => [...byService.values()]);
  return new Set(services.flat().map(({ address }) => address));
}

function reposOf(book: RouteBook): ReadonlyMap<string, RepoEntry> {
  const repos = new Map<string, { repo: string; shares: readonly Share[]; commits: string[] }>();
  const entryOf = (repo: string) => {
    const key = repo.toLowerCase();
    const known = repos.get(key);
    // Names that differ in case only share a host name: the all-lower-case one has it.
    if (known && (known.repo === repo || repo !== key)) return known;
    const entry = { repo, shares: [], commits: [] };
    repos.set(key, entry);
    return entry;
  };
  for (const { repo, shares } of book.routes) {
    const entry = entryOf(repo);
    if (entry.repo === repo) entry.shares = shares;
  }
  for (const { repo, commit } of book.deployments) {
    const entry = entryOf(repo);
    if (entry.repo === repo) entry.commits.push(commit);
  }
  return repos;
}

function targetsOf(endpoints: Iterable<Endpoint>): ReadonlyMap<string, ServicesOfCommit> {
  const commits = new Map<string, Map<string, Target[]>>();
  for (const { commit, service, host, port } of endpoints) {
    if (commit === undefined) continue;
    const services = commits.get(commit) ?? new Map<string, Target[]>();
    const targets = services.get(service) ?? [];
    targets.push({ address: formatAddress({ host, port }), commit, service });
    commits.set(commit, services.set(service, targets));
  }
  return commits;
}
