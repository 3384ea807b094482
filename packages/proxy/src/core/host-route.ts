/**
 * Host names and paths that manifests name, beside the names that every repository has.
 *
 *     www.example.com          site in production
 *     www.example.com/shop     shop in production, service `http`       the longest path that fits
 *
 * When two name the same place, production has it before other environments, then the first by name.
 */
import { environmentDefault, type Route } from "@propagit/protocol";
import type { Place } from "./route-table.js";

export interface HostPlace {
  /** Without a slash at its end; empty for everything. */
  readonly path: string;
  readonly service?: string;
  readonly place: Place;
}

/** By host, lower-case; the longest path first. */
export type HostPlaces = ReadonlyMap<string, readonly HostPlace[]>;

export function hostPlacesOf(
  routes: readonly Route[],
  placeOf: (route: Route) => Place,
): HostPlaces {
  const hosts = new Map<string, HostPlace[]>();
  for (const route of routes.toSorted(byRank)) {
    for (const { host, path = "", service } of route.hosts ?? []) {
      const key = host.toLowerCase();
      const places = hosts.get(key) ?? [];
      const known = path.replace(/\/+$/, "");
      if (places.some((other) => other.path === known)) continue;
      places.push({
        path: known,
        ...(service !== undefined && { service }),
        place: placeOf(route),
      });
      hosts.set(key, places);
    }
  }
  for (const places of hosts.values()) {
    places.sort((left, right) => right.path.length - left.path.length);
  }
  return hosts;
}

/** @param target path and query as requested */
export function pickHostPlace(
  places: readonly HostPlace[] | undefined,
  target: string,
): HostPlace | undefined {
  const path = target.split("?", 1)[0] ?? "";
  return places?.find((one) => isBelow(path, one.path));
}

/** `/shop` has `/shop/cart` below it, and not `/shopping`. */
function isBelow(path: string, prefix: string): boolean {
  return path === prefix || path.startsWith(`${prefix}/`) || prefix === "";
}

function byRank(left: Route, right: Route): number {
  const rank = ({ environment = environmentDefault }: Route) =>
    Number(environment !== environmentDefault);
  const name = ({ repo, environment = "" }: Route) => `${repo} ${environment}`;
  return rank(left) - rank(right) || (name(left) < name(right) ? -1 : 1);
}
