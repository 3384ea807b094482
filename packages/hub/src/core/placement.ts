/**
 * Which drones run how many instances of a service.
 *
 *     2 per drone, on role=web          web-1: 2   web-2: 2   db-1: 0
 *     3 in total                        web-1: 2   web-2: 1
 *     3 in total, web-1 is away         web-2: 3                         moved, as it must be
 *     web-1 is back                     web-2: 3                         not moved back without need
 *
 * The same question always has the same answer, and the answer put as the next question (`has`) is its own
 * answer: nothing is moved for the sake of balance alone.
 */
import { matchesSelector, type Service } from "@propagit/protocol";

/** A drone as a place for instances of one service of one deployment. Drones that left are none. */
export interface Place {
  readonly identity: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Connected, or lost only just now. */
  readonly isThere: boolean;
  readonly draining: boolean;
  readonly ownCommand: boolean;
  /** Instances of this service that it was assigned last. */
  readonly has: number;
  /** Those of them that are ready. */
  readonly ready: number;
  /** Instances of everything else that it was assigned. */
  readonly load: number;
}

export type PlacedService = Pick<Service, "name" | "instances" | "on" | "ports">;

export interface PlacementQuestion {
  readonly service: PlacedService;
  readonly drones: readonly Place[];
  /** Instances by drone that were ended by hand and stay so: nobody takes their place. */
  readonly held?: ReadonlyMap<string, number>;
  /**
   * A draining drone goes on with its instances until others are ready in their place, so that for this time
   * there are more than asked for. Default: never more than asked for.
   */
  readonly surge?: boolean;
}

/** Instances by identity; drones without any are left out. */
export type Placement = ReadonlyMap<string, number>;

export function place(question: PlacementQuestion): Placement {
  const { instances } = question.service;
  switch (instances.per) {
    case "drone":
      return placePerDrone(question, instances.count);
    case "total":
      return placeTotal(question, instances.count);
    default:
      return instances.per satisfies never;
  }
}

/** An away drone keeps what it has, and catches up when it is back. */
function placePerDrone(question: PlacementQuestion, count: number): Placement {
  const { service, drones, held } = question;
  const wanted = Math.min(count, perDroneMax(service));
  return placementOf(
    drones.map((drone) => {
      const ended = held?.get(drone.identity) ?? 0;
      const fitting = isOpenTo(service, drone) ? Math.max(0, wanted - ended) : 0;
      return [drone.identity, drone.isThere ? fitting : Math.min(drone.has, fitting)];
    }),
  );
}

function placeTotal(question: PlacementQuestion, count: number): Placement {
  const { service, drones, held } = question;
  const ended = [...(held?.values() ?? [])].reduce((sum, one) => sum + one, 0);
  const wanted = Math.max(0, count - ended);
  const open = inOrder(drones.filter((drone) => isOpenTo(service, drone)));
  const there = open.filter(({ isThere }) => isThere);
  // With nowhere to move to, what an away drone has stays its own.
  const shares = newShares(there.length > 0 ? there : open, question);
  let sum = shares.reduce((total, { count: one }) => total + one, 0);
  for (; sum > wanted; sum--) take(shares);
  if (there.length > 0) for (; sum < wanted; sum++) give(shares);
  const moving = question.surge ? stayingOf(question, shares, wanted) : [];
  return placementOf([...shares.map((share) => [share.identity, share.count] as const), ...moving]);
}

/** What draining drones go on with for as long as others are not ready in their place. */
function stayingOf(
  { service, drones }: PlacementQuestion,
  shares: readonly Share[],
  wanted: number,
): readonly (readonly [string, number])[] {
  const ready = shares.reduce((sum, share) => sum + Math.min(share.ready, share.count), 0);
  let missing = Math.max(0, wanted - ready);
  const leaving = inOrder(drones).filter(
    (drone) => drone.draining && drone.isThere && isOpenTo(service, { ...drone, draining: false }),
  );
  return leaving.map(({ identity, has }) => {
    const staying = Math.min(has, missing);
    missing -= staying;
    return [identity, staying];
  });
}

/** One drone while it is decided. */
interface Share {
  readonly identity: string;
  readonly ready: number;
  readonly load: number;
  readonly max: number;
  /** Kept ended by hand there. */
  readonly held: number;
  count: number;
}

function newShares(
  drones: readonly Place[],
  { service, held }: PlacementQuestion,
): readonly Share[] {
  return drones.map(({ identity, ready, load, has }) => {
    const ended = held?.get(identity) ?? 0;
    const max = Math.max(0, perDroneMax(service) - ended);
    return { identity, ready, load, max, held: ended, count: Math.min(has, max) };
  });
}

/** One more where there are fewest of this service, then fewest of all, if there is room. */
function give(shares: readonly Share[]): void {
  let best: Share | undefined;
  for (const share of shares) {
    if (share.count < share.max && (!best || compareForGiving(share, best) < 0)) best = share;
  }
  if (best) best.count += 1;
}

function compareForGiving(left: Share, right: Share): number {
  const ofService = left.count + left.held - (right.count + right.held);
  return ofService || left.count + left.load - (right.count + right.load);
}

/** One less: what was ended by hand, then where there are most, then what is not ready, the last by name. */
function take(shares: readonly Share[]): void {
  let best: Share | undefined;
  for (const share of shares) {
    if (share.count > 0 && (!best || compareForTaking(share, best) >= 0)) best = share;
  }
  if (best) best.count -= 1;
}

function compareForTaking(left: Share, right: Share): number {
  return (
    left.held - right.held ||
    left.count - right.count ||
    left.count - left.ready - (right.count - right.ready) ||
    left.load - right.load
  );
}

/** Two processes cannot hold one port. */
function perDroneMax({ ports }: PlacedService): number {
  return ports.some(({ port }) => port !== undefined) ? 1 : Number.POSITIVE_INFINITY;
}

function isOpenTo({ on }: PlacedService, { labels, draining, ownCommand }: Place): boolean {
  return !draining && !ownCommand && matchesSelector(on, labels);
}

function inOrder(drones: readonly Place[]): readonly Place[] {
  return [...drones].sort((left, right) =>
    left.name === right.name
      ? compare(left.identity, right.identity)
      : compare(left.name, right.name),
  );
}

function compare(left: string, right: string): number {
  return left < right ? -1 : 1;
}

function placementOf(counts: readonly (readonly [string, number])[]): Placement {
  return new Map(counts.filter(([, count]) => count > 0));
}
