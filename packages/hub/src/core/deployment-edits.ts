/**
 * What is written when a deployment is no longer wanted, or gets its visitors: the rows that must change
 * together.
 */
import { environmentDefault, PropagitError, type HostRoute, type Route } from "@propagit/protocol";
import { changed, type Draft, type LedgerRows } from "./draft.js";
import {
  placeKey,
  releaseKey,
  type DeploymentRow,
  type EnvironmentRow,
  type ReleaseRow,
} from "./rows.js";
import { leadsTo, withoutShare } from "./shares.js";

/** Releases remembered as having been live. */
const liveMax = 200;
/** Of all repositories together; each remembers its releases. A guess. */
const environmentsMax = 10_000;

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

/** Before one is made that is not there yet. @throws OVERLOADED */
export function checkEnvironmentRoom(ledger: LedgerRows, repo: string, environment: string): void {
  const rows = ledger.rows("environments");
  if (rows.has(placeKey(repo, environment)) || rows.size < environmentsMax) return;
  throw new PropagitError("OVERLOADED", `the hub has ${environmentsMax} environments already`);
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

export function changeRelease(
  draft: Draft,
  { repo, environment, number }: Pick<ReleaseRow, "repo" | "environment" | "number">,
  changes: Parameters<typeof changed<ReleaseRow>>[1],
): void {
  const key = releaseKey(repo, environment, number);
  const row = draft.rows("releases").get(key);
  if (row) draft.put("releases", key, changed(row, changes));
}

/** Nothing is to run any more of these deployments; visitors are no longer sent there. */
export function undesire(draft: Draft, ids: ReadonlySet<string>): void {
  unroute(draft, ids);
  for (const id of ids) {
    draft.delete("deployments", id);
    draft.delete("placements", id);
  }
  for (const table of ["holds", "spawned"] as const) {
    for (const [key, { deployment }] of draft.rows(table)) {
      if (ids.has(deployment)) draft.delete(table, key);
    }
  }
  for (const row of draft.rows("releases").values()) {
    if (ids.has(row.deployment) && row.presence === "running") {
      changeRelease(draft, row, { presence: "kept" });
    }
  }
}

/** Takes their shares out of all routes. */
function unroute(draft: Draft, ids: ReadonlySet<string>): void {
  const rows = draft.rows("deployments");
  for (const [key, route] of draft.rows("routes")) {
    let left: Route | undefined = route;
    for (const id of ids) {
      const row = rows.get(id);
      if (left && row && isRouteOf(route, row)) left = withoutDeployment(rows, left, row, ids);
    }
    if (left === route) continue;
    if (left) draft.put("routes", key, left);
    else draft.delete("routes", key);
  }
}

/** A share that names no deployment stays while another one of its commit goes on. */
function withoutDeployment(
  rows: ReadonlyMap<string, DeploymentRow>,
  route: Route,
  { id, repo, environment, commit }: DeploymentRow,
  ids: ReadonlySet<string>,
): Route | undefined {
  const goesOn = [...rows.values()].some(
    (other) =>
      other.started &&
      !ids.has(other.id) &&
      other.repo === repo &&
      other.environment === environment &&
      other.commit === commit,
  );
  if (!goesOn) {
    const isThere = route.shares.some((share) => leadsTo(share, { commit, deployment: id }));
    return isThere ? withoutShare(route, { commit, deployment: id }) : route;
  }
  const shares = route.shares.filter(({ deployment }) => deployment !== id);
  if (shares.length === route.shares.length) return route;
  return shares.length === 0 ? undefined : { ...route, shares };
}

function isRouteOf(
  route: Route,
  { repo, environment }: Pick<DeploymentRow, "repo" | "environment">,
): boolean {
  return route.repo === repo && (route.environment ?? environmentDefault) === environment;
}

export interface NewRoute {
  readonly repo: string;
  readonly environment: string;
  readonly shares: Route["shares"];
  /** Beside the environment's own name. */
  readonly hosts: readonly HostRoute[];
  /** The release that most visitors get: it is live from now on. */
  readonly live: number;
  readonly now: number;
}

/** Visitors go there from now on: the route, who is live, and when others lost theirs. */
export function sendVisitors(draft: Draft, wanted: NewRoute): void {
  const { repo, environment, hosts, live, now } = wanted;
  const key = placeKey(repo, environment);
  const before = draft.rows("routes").get(key);
  const shares = [...wanted.shares];
  const after: Route = {
    repo,
    environment,
    shares,
    ...(hosts.length > 0 && { hosts: [...hosts] }),
  };
  draft.put("routes", key, after);
  const place = environmentOf(draft, repo, environment);
  if (place.live.at(-1) !== live) {
    draft.put("environments", key, { ...place, live: [...place.live, live].slice(-liveMax) });
  }
  for (const row of draft.rows("releases").values()) {
    if (row.repo !== repo || row.environment !== environment) continue;
    if (hasVisitors(after, row)) {
      if (row.leftAt !== undefined) changeRelease(draft, row, { leftAt: undefined });
    } else if (hasVisitors(before, row)) changeRelease(draft, row, { leftAt: now });
  }
}

/** Whether any visitor may be sent to a release. */
export function hasVisitors(route: Route | undefined, release: ReleaseRow): boolean {
  return route?.shares.some((share) => leadsTo(share, release)) ?? false;
}
