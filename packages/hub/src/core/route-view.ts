/** A route as people see it: what holds, and who says so. */
import {
  environmentDefault,
  type HostRoute,
  type Origin,
  type RouteView,
  type Rules,
} from "@propagit/protocol";
import { currentRelease } from "./deployment-edits.js";
import type { LedgerRows } from "./draft.js";
import { placeKey, type SaidRow } from "./rows.js";
import { composed, isSamePlace, isSilent, saidOf, type RoutePlace } from "./said.js";

export function viewOf(rows: LedgerRows, place: RoutePlace): RouteView {
  const { repo, environment } = place;
  const said = saidOf(rows, place);
  const current = currentRelease(rows, repo, environment);
  const { hosts = [], rules = {}, experiments = [] } = composed(current?.specification, said);
  const shares = rows.rows("routes").get(placeKey(repo, environment))?.shares ?? [];
  const { shadow } = said;
  const written: Origin = { from: "manifest", ...(current && { release: current.number }) };
  return {
    repo,
    environment,
    shares: [...shares],
    hosts: hosts.map((route) => ({ route, origin: originOfHost(said, route) ?? written })),
    rules: withoutHashes(rules),
    origins: originsOf(said, rules, written),
    experiments: [...experiments],
    ...(shadow && { shadow: { shadow: shadow.to, origin: byHand(shadow) } }),
  };
}

/** Where visitors are sent, or something is said by hand; in the order of their names. */
export function placesWithRoutes(rows: LedgerRows): readonly RoutePlace[] {
  const places = [
    ...[...rows.rows("routes").values()].map(({ repo, environment = environmentDefault }) => ({
      repo,
      environment,
    })),
    ...[...rows.rows("said").values()].filter((row) => !isSilent(row)),
  ];
  const byKey = new Map(
    places.map(({ repo, environment }) => [placeKey(repo, environment), { repo, environment }]),
  );
  return [...byKey].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, place]) => place);
}

function originsOf(said: SaidRow, rules: Rules, written: Origin): RouteView["origins"] {
  const names = new Set([...Object.keys(rules), ...said.off]) as ReadonlySet<keyof Rules>;
  return [...names].map((rule) => {
    const author = said.authors[rule];
    return { rule, origin: author ? byHand(author) : written };
  });
}

function originOfHost(said: SaidRow, route: HostRoute): Origin | undefined {
  const own = said.hosts.find((one) => isSamePlace(one.route, route));
  return own && byHand(own);
}

function byHand({ by, since }: { readonly by: string; readonly since: number }): Origin {
  return { from: "hand", by: by.slice(0, 200), since };
}

/** Whoever may read routes need not be given something to guess passwords with. */
function withoutHashes(rules: Rules): Rules {
  const { users } = rules;
  return users ? { ...rules, users: users.map(({ name }) => ({ name, hash: "" })) } : rules;
}
