/** Why a release cannot be run at all, as the cluster is now. */
import { PropagitError, shortCommit, type Specification } from "@propagit/protocol";
import { place, type Place } from "./placement.js";
import { whyNoPlace } from "./placement-refusal.js";
import { taskOf, type TaskKind } from "./rollout-tasks.js";

const kinds: readonly TaskKind[] = ["build", "test", "release"];

/** Codes: NO_DRONE, NO_SERVICE, NO_PLACE; undefined when it can. */
export function refusalOf(
  { repo, commit, specification }: RefusalQuestion,
  drones: readonly Place[],
): PropagitError | undefined {
  const { services } = specification;
  const there = drones.filter(({ isThere }) => isThere);
  const hasOwn = drones.some(({ ownCommand }) => ownCommand);
  if (services.length === 0 && !hasOwn && drones.length > 0) {
    return new PropagitError(
      "NO_SERVICE",
      `${repo} ${shortCommit(commit)} does not say what to run, and no drone has a command of its own`,
    );
  }
  if (there.length === 0) return noDrone(drones.length);
  return noPlaceForTask(specification, drones) ?? noPlaceForService(specification, drones);
}

export interface RefusalQuestion {
  readonly repo: string;
  readonly commit: string;
  readonly specification: Specification;
}

function noPlaceForTask(
  specification: Specification,
  drones: readonly Place[],
): PropagitError | undefined {
  for (const kind of kinds) {
    const task = taskOf(specification, kind);
    // A drone with a command of its own runs tasks as well as any other.
    const places = drones.map((drone) => ({ ...drone, ownCommand: false }));
    const why = task && whyNoPlace(`the ${kind} command`, task.on, places);
    if (why !== undefined) return new PropagitError("NO_PLACE", why);
  }
  return undefined;
}

/** A drone's own command stands for everything that a repository may say. */
function noPlaceForService(
  { services }: Specification,
  drones: readonly Place[],
): PropagitError | undefined {
  const own = drones.some((drone) => drone.ownCommand && drone.isThere && !drone.draining);
  if (own) return undefined;
  if (services.length === 0) {
    return new PropagitError("NO_PLACE", "every drone with a command of its own is draining");
  }
  for (const service of services) {
    if (service.instances.count === 0 || place({ service, drones }).size > 0) continue;
    const why = whyNoPlace(`service ${service.name}`, service.on, drones);
    if (why !== undefined) return new PropagitError("NO_PLACE", why);
  }
  return undefined;
}

function noDrone(known: number): PropagitError {
  const drones = known === 1 ? "1 drone" : `${known} drones`;
  const away = known === 0 ? "" : `; ${drones} known to the hub cannot be reached`;
  return new PropagitError("NO_DRONE", `no drone is connected${away}`);
}
