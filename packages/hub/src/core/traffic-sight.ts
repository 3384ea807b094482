/**
 * Traffic as `top` shows it: what the proxies counted lately, beside what the routes want.
 *
 *     route   webapp: 74336bc 90, 40548da 10            wanted
 *     counts  webapp/74336bc  4,310 requests            observed: 89.7 % of those that the shares sent
 *             webapp/74336bc  control 480               the same visitors, counted apart for a rollout by steps
 *             webapp/40548da  direct 3                  asked for by name: in nobody's share
 */
import {
  controlVariant,
  environmentDefault,
  type Route,
  type SightRow,
  type TrafficSight,
} from "@propagit/protocol";
import { sharePercent } from "./shares.js";
import {
  countedNothing,
  isOf,
  type CountedGroup,
  type RowFilter,
  type TrafficCounts,
  type WindowCounts,
} from "./traffic-counts.js";

export interface SightSource {
  readonly counts: TrafficCounts;
  readonly routes: Iterable<Route>;
  /** Number of the newest release that runs a deployment. */
  readonly releaseOf: (deployment: string) => number | undefined;
  /** Proxies that are there, and those of them that are heard: one without visitors has nothing to count. */
  readonly proxies: number;
  readonly reporting: number;
}

/** Long enough for quiet services to show, short enough to see a change. */
const windowMs = 10_000;
/** As the protocol bounds them; the busiest stay. */
const rowsMax = 2_000;

/** What a row is about; those who are counted apart for a rollout by steps are visitors of the share. */
type Group = Pick<SightRow, "repo" | "environment" | "commit" | "deployment" | "variant">;

interface Grouped extends Group, CountedGroup {
  readonly wantedPercent: number | undefined;
}

export function trafficSight(source: SightSource, filter: RowFilter, now: number): TrafficSight {
  const grouped = groupsOf(source, filter, now).filter(isWorthShowing);
  const drawn = requestsByDraw(grouped);
  const rows = grouped
    .toSorted((left, right) => right.window.requests - left.window.requests)
    .slice(0, rowsMax)
    .map((one) => rowOf(source, one, drawn));
  const { proxies, reporting } = source;
  return { at: Math.max(0, Math.round(now)), windowMs, proxies, reporting, rows };
}

function groupsOf({ counts, routes }: SightSource, filter: RowFilter, now: number): Grouped[] {
  const seconds = windowMs / 1_000;
  const groups = new Map<string, Group>();
  const wanted = new Map<string, number>();
  const counted = counts.groups(
    (about) => (isOf(about, filter) ? keep(groups, groupOf(about)) : undefined),
    seconds,
    now,
  );
  for (const route of routes) {
    const { repo, environment = environmentDefault } = route;
    if (filter.repo !== undefined && filter.repo !== repo) continue;
    if (filter.environment !== undefined && filter.environment !== environment) continue;
    for (const { commit, deployment } of route.shares) {
      const group = { repo, environment, commit, ...(deployment !== undefined && { deployment }) };
      wanted.set(keep(groups, group), sharePercent(route, group));
    }
  }
  const nothing = countedNothing();
  return [...groups].map(([key, group]) => {
    const { inFlight, window } = counted.get(key) ?? nothing;
    return { ...group, inFlight, window, wantedPercent: wanted.get(key) };
  });
}

/** @returns its key */
function keep(groups: Map<string, Group>, group: Group): string {
  const key = keyOf(group);
  groups.set(key, group);
  return key;
}

function isWorthShowing({ window, inFlight, wantedPercent }: Grouped): boolean {
  return (
    wantedPercent !== undefined || inFlight > 0 || window.recent.some((requests) => requests > 0)
  );
}

function rowOf(source: SightSource, one: Grouped, drawn: ReadonlyMap<string, number>): SightRow {
  const { window, wantedPercent, inFlight, ...group } = one;
  const release = group.deployment === undefined ? undefined : source.releaseOf(group.deployment);
  const perSecond = (requests: number) => requests / (windowMs / 1_000);
  const observedPercent = observed(one, drawn);
  return {
    ...group,
    ...(release !== undefined && { release }),
    ...(wantedPercent !== undefined && { wantedPercent }),
    ...(observedPercent !== undefined && { observedPercent }),
    perSecond: perSecond(window.requests),
    failedPerSecond: perSecond(window.failed),
    ...latencies(window),
    inFlight,
    recent: [...window.recent],
  };
}

/** Of those who were drawn as it was: by the shares, or by the same experiment. */
function observed(one: Grouped, drawn: ReadonlyMap<string, number>): number | undefined {
  const draw = drawOf(one);
  const together = draw === undefined ? 0 : (drawn.get(draw) ?? 0);
  return together === 0 ? undefined : (one.window.requests / together) * 100;
}

/** Requests of all who were drawn in the same way. */
function requestsByDraw(all: readonly Grouped[]): ReadonlyMap<string, number> {
  const drawn = new Map<string, number>();
  for (const one of all) {
    const draw = drawOf(one);
    if (draw !== undefined) drawn.set(draw, (drawn.get(draw) ?? 0) + one.window.requests);
  }
  return drawn;
}

/** Undefined for those who asked for a commit: nobody drew for them. */
function drawOf({ repo, environment, variant }: Group): string | undefined {
  const place = `${repo}/${environment}`;
  if (variant === undefined) return place;
  const at = variant.indexOf("=");
  return at < 0 ? undefined : `${place}/${variant.slice(0, at)}`;
}

function latencies({ latency }: WindowCounts) {
  const [p50Ms, p95Ms, p99Ms] = [0.5, 0.95, 0.99].map((part) => latency.percentile(part));
  return {
    ...(p50Ms !== undefined && { p50Ms }),
    ...(p95Ms !== undefined && { p95Ms }),
    ...(p99Ms !== undefined && { p99Ms }),
  };
}

function groupOf({ repo, environment, commit, deployment, variant }: Group): Group {
  const isOwn = variant === undefined || variant === controlVariant;
  return {
    repo,
    environment,
    commit,
    ...(deployment !== undefined && { deployment }),
    ...(!isOwn && { variant }),
  };
}

function keyOf({ repo, environment, commit, deployment = "", variant = "" }: Group): string {
  return `${repo}/${environment}/${commit}/${deployment}/${variant}`;
}
