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
import type { RowFilter, TrafficCounts, WindowCounts } from "./traffic-counts.js";

export interface SightSource {
  readonly counts: TrafficCounts;
  readonly routes: Iterable<Route>;
  /** Number of the newest release that runs a deployment. */
  readonly releaseOf: (deployment: string) => number | undefined;
  /** Proxies that are connected. */
  readonly proxies: number;
}

/** Long enough for quiet services to show, short enough to see a change. */
const windowMs = 10_000;
/** A proxy tells each second when something changed, and at least now and then when nothing did. */
const silentMs = 30_000;
/** As the protocol bounds them; the busiest stay. */
const rowsMax = 2_000;

/** What a row is about; those who are counted apart for a rollout by steps are visitors of the share. */
type Group = Pick<SightRow, "repo" | "environment" | "commit" | "deployment" | "variant">;

interface Grouped extends Group {
  readonly inFlight: number;
  readonly window: WindowCounts;
  readonly wantedPercent: number | undefined;
}

export function trafficSight(source: SightSource, filter: RowFilter, now: number): TrafficSight {
  const grouped = groupsOf(source, filter, now).filter(isWorthShowing);
  const rows = grouped
    .toSorted((left, right) => right.window.requests - left.window.requests)
    .slice(0, rowsMax)
    .map((one) => rowOf(source, one, grouped));
  const isReporting = ({ isAway, at }: { isAway: boolean; at: number }) =>
    !isAway && now - at <= silentMs;
  const reporting = source.counts.proxies.filter(isReporting).length;
  return { at: Math.max(0, Math.round(now)), windowMs, proxies: source.proxies, reporting, rows };
}

function groupsOf({ counts, routes }: SightSource, filter: RowFilter, now: number): Grouped[] {
  const groups = new Map<string, Group>();
  const inFlight = new Map<string, number>();
  const wanted = new Map<string, number>();
  for (const { total } of counts.rows(filter, 1, now)) {
    const group = groupOf(total);
    groups.set(keyOf(group), group);
    inFlight.set(keyOf(group), (inFlight.get(keyOf(group)) ?? 0) + total.inFlight);
  }
  for (const route of routes) {
    const { repo, environment = environmentDefault } = route;
    if (filter.repo !== undefined && filter.repo !== repo) continue;
    if (filter.environment !== undefined && filter.environment !== environment) continue;
    for (const { commit, deployment } of route.shares) {
      const group = { repo, environment, commit, ...(deployment !== undefined && { deployment }) };
      groups.set(keyOf(group), group);
      wanted.set(keyOf(group), sharePercent(route, group));
    }
  }
  return [...groups].map(([key, group]) => ({
    ...group,
    inFlight: inFlight.get(key) ?? 0,
    window: counts.windowOf((about) => keyOf(groupOf(about)) === key, windowMs / 1_000, now),
    wantedPercent: wanted.get(key),
  }));
}

function isWorthShowing({ window, inFlight, wantedPercent }: Grouped): boolean {
  return (
    wantedPercent !== undefined || inFlight > 0 || window.recent.some((requests) => requests > 0)
  );
}

function rowOf(source: SightSource, one: Grouped, all: readonly Grouped[]): SightRow {
  const { window, wantedPercent, inFlight, ...group } = one;
  const release = group.deployment === undefined ? undefined : source.releaseOf(group.deployment);
  const perSecond = (requests: number) => requests / (windowMs / 1_000);
  const observedPercent = observed(one, all);
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
function observed(one: Grouped, all: readonly Grouped[]): number | undefined {
  const draw = drawOf(one);
  if (draw === undefined) return undefined;
  const together = all
    .filter((other) => drawOf(other) === draw)
    .reduce((sum, { window }) => sum + window.requests, 0);
  return together === 0 ? undefined : (one.window.requests / together) * 100;
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
