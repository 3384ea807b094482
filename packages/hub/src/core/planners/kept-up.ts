/**
 * Which drones may be touched together while enough of every service stays up on the others.
 *
 *     web: 6 instances on web-1 … web-6, at least 4 up       2 may be touched:     web-1,2 | web-3,4 | web-5,6
 *     api: 2 instances on web-1 and web-2, at least 1 up     1 may be touched:     web-1 | web-2 | web-3,4 | web-5,6
 *
 * The strictest service decides for each group. Groups are as even as possible, and as few.
 */
import { evenly, inGroups } from "@propagit/plan";

/** A service of which something is to stay up. */
export interface KeptService {
  readonly name: string;
  /** Instances on drones that are there, by their identities. */
  readonly instances: ReadonlyMap<string, number>;
  /** The sum of them. */
  readonly up: number;
  /** With those on drones that are away, which are not up. */
  readonly total: number;
  /** At least so many of them stay up. */
  readonly least: number;
}

interface Touched {
  readonly identity: string;
  readonly name: string;
}

export type KeptUp<D> =
  | { readonly kind: "groups"; readonly groups: readonly (readonly D[])[] }
  | { readonly kind: "refused"; readonly why: string };

/**
 * @param drones in the order in which they come
 * @param force what is not possible is done one drone after the other
 */
export function groupsKeepingUp<D extends Touched>(
  drones: readonly D[],
  services: readonly KeptService[],
  force: boolean,
): KeptUp<D> {
  if (!force) {
    const why = whyNot(drones, services);
    if (why !== undefined) return { kind: "refused", why };
  }
  const packed = pack(drones, services);
  const even = inGroups(drones, evenly(drones.length, Math.max(1, packed.length)));
  const isEven = even.every((group) => group.length <= 1 || isKept(group, services));
  return { kind: "groups", groups: isEven ? even : packed };
}

/** The first service of which one drone alone has more than may be touched. */
function whyNot(drones: readonly Touched[], services: readonly KeptService[]): string | undefined {
  for (const service of services) {
    const { name, instances, up, total, least } = service;
    const away = up < total ? `, and ${total - up} are on drones that are away` : "";
    const rule = `service ${name} keeps ${least} of ${total} instances up${away}`;
    const isOdd = (own: number) => own > 0 && own > up - least;
    const odd = drones.find(({ identity }) => isOdd(instances.get(identity) ?? 0));
    if (!odd) continue;
    if (up <= least) return `${rule}, so none may be replaced`;
    return `${rule}, and drone ${odd.name} alone has ${instances.get(odd.identity)} of them`;
  }
  return undefined;
}

/** One drone after the other is put into the last group, while that leaves enough. */
function pack<D extends Touched>(
  drones: readonly D[],
  services: readonly KeptService[],
): readonly (readonly D[])[] {
  const groups: D[][] = [];
  let touched = services.map(() => 0);
  for (const drone of drones) {
    const own = services.map(({ instances }) => instances.get(drone.identity) ?? 0);
    const sums = touched.map((sum, at) => sum + (own[at] ?? 0));
    const last = groups.at(-1);
    // What a group touches of another service says nothing against a drone that has none of that.
    const fits = sums.every((sum, at) => own[at] === 0 || isWithin(sum, services[at]));
    if (last && fits) {
      last.push(drone);
      touched = sums;
    } else {
      groups.push([drone]);
      touched = own;
    }
  }
  return groups;
}

function isKept(drones: readonly Touched[], services: readonly KeptService[]): boolean {
  return services.every((service) => {
    const counts = drones.map(({ identity }) => service.instances.get(identity) ?? 0);
    const having = counts.filter((count) => count > 0);
    const sum = having.reduce((all, one) => all + one, 0);
    return having.length <= 1 || isWithin(sum, service);
  });
}

function isWithin(sum: number, service: KeptService | undefined): boolean {
  return service === undefined || sum <= service.up - service.least;
}
