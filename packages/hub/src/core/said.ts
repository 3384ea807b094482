/**
 * What is said by hand, laid over what the manifest of the live release says:
 *
 *     manifest:  rate 100/s   maxBody 1MB   www.example.com
 *     by hand:   rate 10/s    maxBody off   old.example.com -> redirect
 *     route:     rate 10/s                  www.example.com, old.example.com -> redirect
 *
 * By hand wins, rule by rule, also over what a host name of the manifest has for itself: who pauses an
 * environment means all of it. The row of the route is written anew in the same transaction as whatever it
 * is made of, so proxies need to know nothing but routes.
 */
import type { HostRoute, Route, Rules, Specification } from "@propagit/protocol";
import { changeRelease, currentRelease } from "./deployment-edits.js";
import { changed, type Draft, type LedgerRows } from "./draft.js";
import { placeKey, type SaidRow } from "./rows.js";
import { hasVisitors } from "./uses.js";

/** One repository in one environment. */
export interface RoutePlace {
  readonly repo: string;
  readonly environment: string;
}

export function saidOf(rows: LedgerRows, { repo, environment }: RoutePlace): SaidRow {
  const known = rows.rows("said").get(placeKey(repo, environment));
  return (
    known ?? { repo, environment, rules: {}, off: [], authors: {}, hosts: [], experiments: [] }
  );
}

export function isSilent({ rules, off, hosts, experiments, shadow }: SaidRow): boolean {
  const count = Object.keys(rules).length + off.length + hosts.length + experiments.length;
  return count === 0 && shadow === undefined;
}

/** Writes what was said, and the route that it makes. */
export function writeSaid(draft: Draft, said: SaidRow, now: number): void {
  const key = placeKey(said.repo, said.environment);
  if (isSilent(said)) draft.delete("said", key);
  else draft.put("said", key, said);
  const { repo, environment } = said;
  const {
    hosts: _,
    rules: __,
    experiments: ___,
    shadow: ____,
    ...kept
  } = draft.rows("routes").get(key) ?? { repo, shares: [] };
  writeRoute(draft, { ...kept, repo, environment }, now);
}

/**
 * The route with these shares and everything else as it is said now; no row when there is nothing to know.
 * One without shares stays while something is said by hand, as a maintenance page is shown also when nothing
 * runs, and while rules of what was never promoted hold for the names of its commits.
 */
export function writeRoute(
  draft: Draft,
  kept: Omit<Route, keyof Composed> & RoutePlace,
  now: number,
): void {
  const { repo, environment, shares } = kept;
  const place = { repo, environment };
  const key = placeKey(repo, environment);
  const said = saidOf(draft, place);
  const before = draft.rows("routes").get(key);
  const specification = spokenBy(draft, place);
  const hasRules = specification?.isLive === false && specification.rules !== undefined;
  if (shares.length === 0 && isSilent(said) && !hasRules) {
    if (!before) return;
    draft.delete("routes", key);
    noteVisitors(draft, place, { before, after: undefined, now });
    return;
  }
  const after: Route = { ...kept, ...composed(specification, said) };
  draft.put("routes", key, after);
  noteVisitors(draft, place, { before, after, now });
}

/** To be called when something begins or ends to run: before the first promote its rules are all there are. */
export function writeRulesOfRunning(
  draft: Draft,
  { repo, environment }: RoutePlace,
  now: number,
): void {
  if (currentRelease(draft, repo, environment)) return;
  const { shares = [] } = draft.rows("routes").get(placeKey(repo, environment)) ?? {};
  writeRoute(draft, { repo, environment, shares }, now);
}

/** What the manifest that counts says by itself. */
export function manifestRules(rows: LedgerRows, place: RoutePlace): Rules {
  return spokenBy(rows, place)?.rules ?? {};
}

/**
 * Whose manifest counts: that of the live release. Before there is one, the names of commits lead to what
 * runs, by the rules of the newest: a preview is as closed as its manifest says from its first moment.
 */
function spokenBy(
  draft: LedgerRows,
  { repo, environment }: RoutePlace,
): (Pick<Specification, "routes" | "rules"> & { readonly isLive: boolean }) | undefined {
  const live = currentRelease(draft, repo, environment);
  if (live) return { ...live.specification, isLive: true };
  const running = [...draft.rows("deployments").values()]
    .filter((row) => row.repo === repo && row.environment === environment && row.started)
    .toSorted((left, right) => left.release - right.release)
    .at(-1);
  if (!running) return undefined;
  const { rules } = running.specification;
  return { routes: [], ...(rules && { rules }), isLive: false };
}

type Composed = Pick<Route, "hosts" | "rules" | "experiments" | "shadow">;

/** What a route has beside its shares. */
export function composed(
  specification: Pick<Specification, "routes" | "rules"> | undefined,
  said: SaidRow,
): Composed {
  const spoken = [...Object.keys(said.rules), ...said.off];
  const rules = { ...without(specification?.rules, said.off), ...said.rules };
  const own = (specification?.routes ?? [])
    .filter((route) => !said.hosts.some((other) => isSamePlace(other.route, route)))
    .map((route) => withRules(route, without(route.rules, spoken)));
  const hosts = [...said.hosts.map(({ route }) => route), ...own];
  return {
    ...(hosts.length > 0 && { hosts }),
    ...(Object.keys(rules).length > 0 && { rules }),
    ...(said.experiments.length > 0 && { experiments: [...said.experiments] }),
    ...(said.shadow && { shadow: said.shadow.to }),
  };
}

/** Whether two would lead the same requests. */
export function isSamePlace(
  left: Pick<HostRoute, "host" | "path">,
  right: Pick<HostRoute, "host" | "path">,
): boolean {
  return placeOfHost(left) === placeOfHost(right);
}

/** `www.example.com/shop`, one spelling for each place. */
export function placeOfHost({ host, path = "" }: Pick<HostRoute, "host" | "path">): string {
  return `${host.toLowerCase()}${path.replace(/\/+$/, "")}`;
}

function withRules(route: HostRoute, rules: Rules): HostRoute {
  return changed(route, { rules: Object.keys(rules).length === 0 ? undefined : rules });
}

function without(rules: Rules = {}, names: readonly string[]): Rules {
  return Object.fromEntries(Object.entries(rules).filter(([name]) => !names.includes(name)));
}

/** When releases lost their visitors: from then on they grow old. */
function noteVisitors(
  draft: Draft,
  { repo, environment }: RoutePlace,
  change: {
    readonly before: Route | undefined;
    readonly after: Route | undefined;
    readonly now: number;
  },
): void {
  const { before, after, now } = change;
  for (const row of draft.rows("releases").values()) {
    if (row.repo !== repo || row.environment !== environment) continue;
    if (hasVisitors(after, row)) {
      if (row.leftAt !== undefined) changeRelease(draft, row, { leftAt: undefined });
    } else if (hasVisitors(before, row)) changeRelease(draft, row, { leftAt: now });
  }
}
