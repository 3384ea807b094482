/**
 * What a start waits for without any drone to tell it: drones that were there and are not connected just now, and a
 * service that started, and has no place.
 *
 *     every drone that fits drains | its places are all held by hand | no drone that is there fits
 */
import { matchesSelector, type Service } from "@propagit/protocol";
import { isThere, ownService, type SeenDrone } from "./readiness.js";
import type { Standing } from "./rollout-start.js";
import type { RolloutView } from "./rollout-view.js";
import { someOf } from "./some-of.js";

/** Drones that a text names. */
const namedMax = 5;
/** Beside a bar there is less room. */
const absentNamedMax = 3;

type Sight = Pick<RolloutView, "release" | "deployment" | "drones" | "isHeld">;

/** Which of these services, ended by hand, has no place any more; undefined when each has one. */
export function lostService(held: readonly string[], sight: Sight): string | undefined {
  const { services } = sight.release.specification;
  if (held.includes(ownService) && services.length === 0 && !hasPlace(ownService, sight)) {
    return "its command";
  }
  return placeless(sight).find(({ name }) => held.includes(name))?.name;
}

/** Undefined when every service that started has a place, or will have one in a moment. */
export function waitText(sight: Sight): string | undefined {
  const [service] = placeless(sight);
  if (!service) return undefined;
  const there = sight.drones.filter((drone) => isThere(drone) && !drone.ownCommand);
  const fitting = there.filter(({ labels }) => matchesSelector(service.on, labels));
  const open = fitting.filter(({ draining }) => !draining);
  const what = `service ${service.name} waits`;
  if (fitting.length === 0) return `${what}: no drone that it may run on is there`;
  if (open.length === 0) return `${what}: every drone that it may run on drains: ${named(fitting)}`;
  const isHeld = open.every(({ identity }) => sight.isHeld(identity, service.name));
  return isHeld ? `${what}: it was stopped by hand on ${named(open)}` : undefined;
}

/** Whom it waits for although he is not connected; who stays away for longer is told as away. */
export function absentText(
  standings: readonly Standing[],
  drones: readonly SeenDrone[],
): string | undefined {
  const pending = new Set(
    standings.filter(({ verdict }) => verdict.kind === "pending").map(({ drone }) => drone),
  );
  const absent = drones
    .filter(({ drone, contact }) => contact === "lost" && pending.has(drone))
    .map(({ drone }) => drone);
  if (absent.length === 0) return undefined;
  const verb = absent.length === 1 ? "is" : "are";
  return `waits for ${someOf(absent, absentNamedMax)}, which ${verb} not connected`;
}

/** A drone's own command stands for everything that a repository may say. */
function placeless(sight: Sight): readonly Service[] {
  if (hasPlace(ownService, sight)) return [];
  const started = sight.deployment?.services ?? [];
  return sight.release.specification.services.filter(
    ({ name, instances }) =>
      instances.count > 0 && started.includes(name) && !hasPlace(name, sight),
  );
}

function hasPlace(service: string, { drones }: Sight): boolean {
  return drones.some((drone) => isThere(drone) && (drone.wanted.get(service) ?? 0) > 0);
}

function named(drones: readonly SeenDrone[]): string {
  const names = drones.slice(0, namedMax).map(({ drone }) => drone);
  return names.join(", ") + (drones.length > namedMax ? ", …" : "");
}
