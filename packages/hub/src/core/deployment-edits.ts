/**
 * What is written when a deployment is wanted, no longer wanted, or gets its visitors: the rows that must
 * change together. Decided from the rows as they are when the ledger's turn comes.
 */
import { environmentDefault, type HostRoute, type Route } from "@propagit/protocol";
import {
  placeKey,
  releaseKey,
  type DeploymentRow,
  type Edit,
  type EnvironmentRow,
  type ReleaseRow,
  type Row,
  type TableName,
} from "./rows.js";
import { leadsTo, withoutShare } from "./shares.js";

/** The ledger, as far as it is read. */
export interface LedgerRows {
  rows<T extends TableName>(table: T): ReadonlyMap<string, Row<T>>;
}

/** Releases remembered as having been live. */
const liveMax = 200;

/** All releases of a deployment, oldest first. */
export function releasesOf(ledger: LedgerRows, deployment: string): readonly ReleaseRow[] {
  return [...ledger.rows("releases").values()].filter((row) => row.deployment === deployment);
}

export function environmentOf(
  ledger: LedgerRows,
  repo: string,
  environment: string,
): EnvironmentRow {
  const known = ledger.rows("environments").get(placeKey(repo, environment));
  return known ?? { repo, environment, lastRelease: 0, live: [], settings: {}, scales: {} };
}

/** The release that visitors of an environment are sent to. */
export function currentRelease(
  ledger: LedgerRows,
  repo: string,
  environment: string,
): ReleaseRow | undefined {
  const number = environmentOf(ledger, repo, environment).live.at(-1);
  if (number === undefined) return undefined;
  return ledger.rows("releases").get(releaseKey(repo, environment, number));
}

export function editRelease(row: ReleaseRow, change: Partial<ReleaseRow>): Edit {
  const { repo, environment, number } = row;
  return {
    table: "releases",
    key: releaseKey(repo, environment, number),
    row: { ...row, ...change },
  };
}

/** Nothing is to run any more of these deployments; visitors are no longer sent there. */
export function undesire(ledger: LedgerRows, ids: ReadonlySet<string>): readonly Edit[] {
  const edits: Edit[] = [];
  for (const id of ids) {
    if (ledger.rows("deployments").has(id)) {
      edits.push({ table: "deployments", key: id, row: undefined });
    }
    if (ledger.rows("placements").has(id)) {
      edits.push({ table: "placements", key: id, row: undefined });
    }
  }
  for (const table of ["holds", "spawned"] as const) {
    for (const [key, { deployment }] of ledger.rows(table)) {
      if (ids.has(deployment)) edits.push({ table, key, row: undefined });
    }
  }
  for (const row of ledger.rows("releases").values()) {
    if (ids.has(row.deployment) && row.presence === "running") {
      edits.push(editRelease(row, { presence: "kept" }));
    }
  }
  return [...edits, ...unroute(ledger, ids)];
}

/** Takes their shares out of all routes. */
function unroute(ledger: LedgerRows, ids: ReadonlySet<string>): readonly Edit[] {
  const edits: Edit[] = [];
  const rows = ledger.rows("deployments");
  for (const [key, route] of ledger.rows("routes")) {
    let left: Route | undefined = route;
    for (const id of ids) {
      const row = rows.get(id);
      if (!left || !row || !isRouteOf(route, row)) continue;
      if (hasTwin(rows, row, ids)) left = withoutExactly(left, id);
      else left = withoutShare(left, { commit: row.commit, deployment: id });
    }
    if (left !== route) edits.push({ table: "routes", key, row: left });
  }
  return edits;
}

/** Another deployment of the same commit goes on, and takes the visitors of a share that names none. */
function hasTwin(
  rows: ReadonlyMap<string, DeploymentRow>,
  row: DeploymentRow,
  ids: ReadonlySet<string>,
): boolean {
  return [...rows.values()].some(
    (other) =>
      other.started &&
      !ids.has(other.id) &&
      other.repo === row.repo &&
      other.environment === row.environment &&
      other.commit === row.commit,
  );
}

function withoutExactly(route: Route, id: string): Route | undefined {
  const shares = route.shares.filter(({ deployment }) => deployment !== id);
  if (shares.length === route.shares.length) return route;
  return shares.length === 0 ? undefined : { ...route, shares };
}

export function isRouteOf(route: Route, { repo, environment }: DeploymentRow): boolean {
  return route.repo === repo && (route.environment ?? environmentDefault) === environment;
}

/** Whether any visitor may be sent there. */
export function isRouted(ledger: LedgerRows, row: DeploymentRow): boolean {
  const route = ledger.rows("routes").get(placeKey(row.repo, row.environment));
  return route?.shares.some((share) => leadsTo(share, { ...row, deployment: row.id })) ?? false;
}

export interface NewRoute {
  readonly repo: string;
  readonly environment: string;
  readonly shares: Route["shares"];
  /** Of the release that gets most of the visitors. */
  readonly hosts: readonly HostRoute[];
  /** Its number: it is live from now on. */
  readonly live: number;
  readonly now: number;
}

/** Visitors go there from now on: the route, who is live, and when others lost theirs. */
export function sendVisitors(ledger: LedgerRows, wanted: NewRoute): readonly Edit[] {
  const { repo, environment, shares, hosts, live, now } = wanted;
  const key = placeKey(repo, environment);
  const route: Route = {
    repo,
    environment,
    shares: [...shares],
    ...(hosts.length > 0 && { hosts: [...hosts] }),
  };
  const place = environmentOf(ledger, repo, environment);
  const edits: Edit[] = [{ table: "routes", key, row: route }];
  if (place.live.at(-1) !== live) {
    const row = { ...place, live: [...place.live, live].slice(-liveMax) };
    edits.push({ table: "environments", key, row });
  }
  const before = ledger.rows("routes").get(key);
  for (const row of ledger.rows("releases").values()) {
    if (row.repo !== repo || row.environment !== environment) continue;
    const change = departure(row, before, route, now);
    if (change) edits.push(editRelease(row, change));
  }
  return edits;
}

/** A release whose visitors come or go with a new route. */
function departure(
  row: ReleaseRow,
  before: Route | undefined,
  after: Route,
  now: number,
): { leftAt?: number } | undefined {
  const has = (route: Route | undefined) =>
    route?.shares.some((share) => leadsTo(share, row)) ?? false;
  if (has(after)) return row.leftAt === undefined ? undefined : { leftAt: undefined as never };
  return has(before) ? { leftAt: now } : undefined;
}
