/**
 * Host names and paths that manifests and command lines name, beside the names that every repository has.
 *
 *     www.example.com          site in production
 *     www.example.com/shop     shop in production, service `http`       the longest path that fits
 *     *.example.com            tenants in production                     any depth below it, the nearest first
 *
 * A star stands for one label or more, as in DNS and nginx (in TLS it is one): `a.b.example.com` is below
 * `*.example.com`, and `example.com` itself is not. When two name the same place, production has it before
 * other environments, then the first by name.
 */
import { environmentDefault, type HostRoute } from "@propagit/protocol";
import type { Place } from "./place.js";
import type { Policy } from "./policy.js";

/** What one host name and path lead to. */
export interface HostPlace {
  /** Lower-case; exact, `*.below.it`, or `*`. */
  readonly host: string;
  /** As paths are compared; empty for everything. */
  readonly prefix: string;
  readonly service?: string;
  readonly rewrite?: string;
  readonly redirect?: NonNullable<HostRoute["redirect"]>;
  readonly place: Place;
  readonly policy: Policy;
}

export class HostIndex {
  /** In each list the longest path first. */
  readonly #exact = new Map<string, readonly HostPlace[]>();
  /** By what is behind the star. */
  readonly #below = new Map<string, readonly HostPlace[]>();

  add(one: HostPlace): void {
    const [map, key] = this.#listOf(one.host);
    const others = map.get(key);
    map.set(key, others ? [...others, one].sort(byOrder) : [one]);
  }

  remove(one: HostPlace): void {
    const [map, key] = this.#listOf(one.host);
    const left = (map.get(key) ?? []).filter((other) => other !== one);
    if (left.length > 0) map.set(key, left);
    else map.delete(key);
  }

  /** In the order in which they count; the first whose path fits is it. */
  find(host: string): readonly HostPlace[] {
    const exact = this.#exact.get(host) ?? [];
    if (this.#below.size === 0) return exact;
    const all = [...exact];
    for (let dot = host.indexOf("."); dot >= 0; dot = host.indexOf(".", dot + 1)) {
      all.push(...(this.#below.get(host.slice(dot + 1)) ?? []));
    }
    return all;
  }

  /** For whoever names no host, or one that nothing else is for. */
  get any(): readonly HostPlace[] {
    return this.#exact.get("*") ?? [];
  }

  #listOf(host: string): [Map<string, readonly HostPlace[]>, string] {
    return host.startsWith("*.") ? [this.#below, host.slice(2)] : [this.#exact, host];
  }
}

function byOrder(left: HostPlace, right: HostPlace): number {
  const longer = right.prefix.length - left.prefix.length;
  return longer || rankOf(left) - rankOf(right) || compare(left.place.key, right.place.key);
}

function compare(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

function rankOf({ place }: HostPlace): number {
  return Number(place.environment !== environmentDefault);
}
