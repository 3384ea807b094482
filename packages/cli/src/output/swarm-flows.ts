/** Who gives an artifact to whom, and what crosses into which zone. */
import type { SwarmView } from "@propagit/protocol";

/** Bytes of one line in one direction. */
export interface Flow {
  readonly from: string;
  readonly to: string;
  readonly bytes: number;
}

export interface ZoneSight {
  /** Undefined for drones without one. */
  readonly zone: string | undefined;
  readonly relays: readonly string[];
  readonly drones: number;
  readonly done: number;
  readonly bytesPerSecond: number;
  /** From the hub, and from drones of other zones. */
  readonly enteredBytes: number;
}

/** Most bytes first. Both ends tell of a line; who is behind with telling says less. */
export function flowsOf({ shares }: Pick<SwarmView, "shares">): readonly Flow[] {
  const flows = new Map<string, Flow>();
  const note = (from: string, to: string, bytes: number) => {
    const key = `${from} ${to}`;
    const before = flows.get(key)?.bytes ?? 0;
    if (bytes > before) flows.set(key, { from, to, bytes });
  };
  for (const { drone, report } of shares) {
    for (const { peer, receivedBytes, sentBytes } of report.lines ?? []) {
      note(peer, drone, receivedBytes);
      note(drone, peer, sentBytes);
    }
  }
  return [...flows.values()].toSorted(byBytes);
}

/** In the order of their names; nothing where nobody has a zone. */
export function zonesOf(
  { shares }: Pick<SwarmView, "shares">,
  flows: readonly Flow[],
): readonly ZoneSight[] {
  const zoneOf = new Map(shares.map(({ drone, zone }) => [drone, zone]));
  const names = new Set(zoneOf.values());
  if (names.size === 0 || (names.size === 1 && names.has(undefined))) return [];
  const entered = new Map<string | undefined, number>();
  for (const { from, to, bytes } of flows) {
    const zone = zoneOf.get(to);
    const isInside = zoneOf.has(from) && zoneOf.get(from) === zone;
    if (zoneOf.has(to) && !isInside) entered.set(zone, (entered.get(zone) ?? 0) + bytes);
  }
  return [...names].toSorted(byName).map((zone) => {
    const own = shares.filter((share) => share.zone === zone);
    const drones = own.filter(({ role }) => role === "drone");
    return {
      zone,
      relays: own.flatMap(({ role, drone }) => (role === "relay" ? [drone] : [])),
      drones: drones.length,
      done: drones.filter(({ report }) => report.state === "whole" || report.state === "used")
        .length,
      bytesPerSecond: own.reduce((sum, share) => sum + rateOf(share), 0),
      enteredBytes: entered.get(zone) ?? 0,
    };
  });
}

/** Nobody who is done gets anything. */
export function rateOf({ report }: SwarmView["shares"][number]): number {
  return report.state === "taking" ? report.receivedBytesPerSecond : 0;
}

/** Plain order of names: of ten thousand drones there are a hundred thousand of these. */
function byBytes(left: Flow, right: Flow): number {
  return right.bytes - left.bytes || inOrder(left.from, right.from) || inOrder(left.to, right.to);
}

function inOrder(left: string, right: string): number {
  return left < right ? -1 : Number(left > right);
}

function byName(left: string | undefined, right: string | undefined): number {
  return (left ?? "").localeCompare(right ?? "", "en", { numeric: true });
}
