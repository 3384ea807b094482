/** Beside which release a service may be spawned, and on which drones. */
import { PropagitError, type DroneTarget } from "@propagit/protocol";
import type { AssignedDrone } from "./assignments.js";
import type { LedgerRows } from "./draft.js";
import { chooseDrones } from "./drone-target.js";
import { nameOfRelease } from "./rollout-edits.js";
import { spawnedKey, type DeploymentRow } from "./rows.js";

/** Of one deployment; what a drone can be told. */
const servicesMax = 100;

export type SpawnCandidate = Pick<
  AssignedDrone,
  "identity" | "name" | "labels" | "contact" | "draining" | "ownCommand"
>;

export interface SpawnWish {
  readonly drones: DroneTarget;
  /** On one of those that fit instead of each. */
  readonly one: boolean;
}

/** @throws NO_PLACE, BAD_PATTERN */
export function dronesToSpawn<D extends SpawnCandidate>(
  drones: readonly D[],
  { drones: target, one }: SpawnWish,
): readonly D[] {
  const open = drones.filter(
    ({ contact, draining, ownCommand }) =>
      (contact === "connected" || contact === "lost") && !draining && !ownCommand,
  );
  const chosen = chooseDrones(target, open);
  if (chosen.length > 0) return one ? chosen.slice(0, 1) : chosen;
  throw new PropagitError("NO_PLACE", "no drone is there that runs what repositories say");
}

/** @returns what it would run beside. @throws NOT_DEPLOYED, EXISTS, OVERLOADED */
export function refuseSpawn(
  rows: LedgerRows,
  { id, repo, environment, release: number }: DeploymentRow,
  service: string,
): DeploymentRow {
  const deployment = rows.rows("deployments").get(id);
  if (!deployment?.started) {
    const what = nameOfRelease({ repo, environment, number });
    throw new PropagitError("NOT_DEPLOYED", `${what} does not run`);
  }
  const spawned = rows.rows("spawned");
  const own = deployment.specification.services;
  if (own.some(({ name }) => name === service) || spawned.has(spawnedKey(id, service))) {
    throw new PropagitError("EXISTS", `there is a service ${service} already`, {
      hint: "give it another name, or see `propagit scale`",
    });
  }
  const others = [...spawned.values()].filter((row) => row.deployment === id);
  if (own.length + others.length < servicesMax) return deployment;
  const what = `it has ${servicesMax} services already, those of the manifest included`;
  throw new PropagitError("OVERLOADED", what);
}
