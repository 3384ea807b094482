/** Which drones a member of a target means: by name, pattern or labels, for the hub or for a drone that hands on. */
import { matchesSelector, parseSelector, type DroneSummary } from "@propagit/protocol";
import type { Conversation } from "@propagit/runtime";
import { targetOf } from "../commands/drones.js";
import { collect } from "../hub-call.js";

export type KnownDrone = Pick<DroneSummary, "name" | "labels" | "state" | "through" | "relay">;

export function dronesOfHub(hub: Conversation): Promise<readonly KnownDrone[]> {
  return collect(async (onPart) => {
    const { drones } = await hub.call("hub.drones", { machine: false }, { onPart });
    return drones;
  });
}

/**
 * As `TargetWorld.select`. A drone that hands on reaches its own zone, and whatever came through it; what it is
 * told by name is looked for everywhere.
 */
export function selectFrom(drones: readonly KnownDrone[]) {
  const there = drones.filter(({ state }) => state !== "left");
  return (member: string, at: string | undefined): readonly string[] => {
    const named = there.find(({ name }) => name === member);
    if (named) return [named.name];
    const { names, selector } = targetOf([member]) ?? {};
    const terms = parseSelector(selector ?? "");
    const fits = names ? names.map(testOf) : [() => true];
    return there
      .filter((drone) => at === undefined || isBehind(drone, at, there))
      .filter(({ name }) => fits.some((fit) => fit(name)))
      .filter(({ labels }) => matchesSelector(terms, labels))
      .map(({ name }) => name);
  };
}

function isBehind(drone: KnownDrone, at: string, drones: readonly KnownDrone[]): boolean {
  if (drone.name === at) return false;
  if (drone.through === at) return true;
  const zone = drones.find(({ name }) => name === at)?.labels["zone"];
  return zone !== undefined && drone.labels["zone"] === zone;
}

function testOf(wanted: string): (name: string) => boolean {
  if (wanted === "*") return () => true;
  if (!wanted.startsWith("/")) return (name) => name === wanted;
  const pattern = new RegExp(wanted.slice(1, -1));
  return (name) => pattern.test(name);
}
