/**
 * What every drone is to run: deployments, put in places, without what is held, with what was spawned.
 *
 *     deployments that are started --place--> counts by service and drone --> one assignment per drone
 *
 * A drone with a command of its own runs that once for every deployment; among the counts it stands under
 * the name of `ownService`.
 */
import type { Assignment } from "@propagit/protocol";
import type { Contact } from "./contact.js";
import type { Labels } from "./membership.js";
import { place, type Place, type Placement } from "./placement.js";
import { ownService } from "./readiness.js";
import { holdKey, type DeploymentRow, type HoldRow, type SpawnedRow } from "./rows.js";

/** By deployment, then by service. */
export type Counts = ReadonlyMap<string, ReadonlyMap<string, Placement>>;

/** A drone as far as places are concerned. */
export interface AssignedDrone {
  readonly identity: string;
  readonly name: string;
  readonly labels: Labels;
  readonly contact: Contact;
  readonly draining: boolean;
  readonly ownCommand: boolean;
  /** Ready instances, by `deployment/service`. */
  readonly ready: ReadonlyMap<string, number>;
}

export interface AssignmentQuestion {
  readonly deployments: ReadonlyMap<string, DeploymentRow>;
  readonly holds: ReadonlyMap<string, HoldRow>;
  readonly spawned: ReadonlyMap<string, SpawnedRow>;
  readonly drones: readonly AssignedDrone[];
  /** The last answer. */
  readonly before: Counts;
  /** Draining drones go on until others are ready in their place; false: as it is in the end. Default true. */
  readonly surge?: boolean;
}

export function placeAll(question: AssignmentQuestion): Counts {
  const loads = loadsOf(question.before);
  const drones = question.drones.filter(({ contact }) => contact !== "left");
  const started = [...question.deployments.values()]
    .filter((deployment) => deployment.started)
    .sort((left, right) => left.since - right.since || (left.id < right.id ? -1 : 1));
  return new Map(
    started.map((deployment) => [deployment.id, placeOne(deployment, drones, loads, question)]),
  );
}

/** One list for each drone that is to run anything; drones that run the same share it, as most do. */
export function assignmentsOf(
  deployments: ReadonlyMap<string, DeploymentRow>,
  holds: ReadonlyMap<string, HoldRow>,
  counts: Counts,
): ReadonlyMap<string, readonly Assignment[]> {
  const lists = new Map<string, Assignment[]>();
  for (const [id, services] of counts) {
    const deployment = deployments.get(id);
    if (!deployment) continue;
    const known = new Map<string, Assignment>();
    for (const [identity, wanted] of byDrone(services)) {
      const held = heldSlots(id, identity, wanted, holds);
      const key = keyOf(wanted) + [...held].join(" ");
      const assignment = known.get(key) ?? assignmentOf(deployment, wanted, held);
      known.set(key, assignment);
      const list = lists.get(identity) ?? [];
      lists.set(identity, list);
      list.push(assignment);
    }
  }
  return lists;
}

/** What one drone is to run of a deployment, by service. */
export function wantedOf(
  counts: Counts,
  deployment: string,
  identity: string,
): ReadonlyMap<string, number> {
  const wanted = new Map<string, number>();
  for (const [service, placement] of counts.get(deployment) ?? []) {
    const count = placement.get(identity);
    if (count !== undefined) wanted.set(service, count);
  }
  return wanted;
}

/** Of services that are counted in total: where they are must be remembered, the others follow anew. */
export function totalsOf(
  deployment: DeploymentRow,
  services: ReadonlyMap<string, Placement>,
): Record<string, Record<string, number>> {
  const totals: Record<string, Record<string, number>> = {};
  for (const { name, instances } of deployment.specification.services) {
    const placement = services.get(name);
    if (instances.per === "total" && placement) totals[name] = Object.fromEntries(placement);
  }
  return totals;
}

export function placesOf(
  drones: readonly AssignedDrone[],
  key: string,
  has: Placement | undefined,
  loads: ReadonlyMap<string, number>,
): readonly Place[] {
  return drones.map(({ identity, name, labels, contact, draining, ownCommand, ready }) => ({
    identity,
    name,
    labels,
    draining,
    ownCommand,
    isThere: contact === "connected" || contact === "lost",
    has: has?.get(identity) ?? 0,
    ready: ready.get(key) ?? 0,
    load: (loads.get(identity) ?? 0) - (has?.get(identity) ?? 0),
  }));
}

function placeOne(
  deployment: DeploymentRow,
  drones: readonly AssignedDrone[],
  loads: Map<string, number>,
  { holds, spawned, before, surge = true }: AssignmentQuestion,
): ReadonlyMap<string, Placement> {
  const { id, specification } = deployment;
  const placed = new Map<string, Placement>();
  const reach = reachOf(deployment);
  for (const service of specification.services) {
    const { name } = service;
    if (!deployment.services.includes(name)) continue;
    const has = before.get(id)?.get(name);
    const held = heldOf(deployment, name, drones, holds);
    const places = placesOf(drones, `${id}/${name}`, has, loads);
    const placement = within(reach(name), place({ service, drones: places, held, surge }));
    addLoads(loads, has, placement);
    placed.set(name, placement);
  }
  placed.set(ownService, within(reach(ownService), placeOwn(deployment, drones, holds)));
  for (const row of spawned.values()) {
    if (row.deployment === id) placed.set(row.service.name, placeSpawned(row, drones, holds));
  }
  return placed;
}

/** Whether a drone may run a service of it by now: its wave has come, and what comes before is ready there. */
function reachOf({ only, wave }: DeploymentRow): (service: string) => Reach {
  const reached = only && new Set(only);
  const coming = new Set(wave?.drones);
  const may = new Set([...(wave?.services ?? []), ownService]);
  return (service) => {
    if (!reached) return undefined;
    return (identity) => reached.has(identity) && (may.has(service) || !coming.has(identity));
  };
}

/** Undefined: everywhere. */
type Reach = ((identity: string) => boolean) | undefined;

/**
 * Of the places that it will have in the end, those that its waves have reached: so that what is counted in
 * total is where it stays, and not all on the first drone.
 */
function within(isReached: Reach, placement: Placement): Placement {
  if (!isReached) return placement;
  return new Map([...placement].filter(([identity]) => isReached(identity)));
}

function placeOwn(
  deployment: DeploymentRow,
  drones: readonly AssignedDrone[],
  holds: ReadonlyMap<string, HoldRow>,
): Placement {
  const open = drones.filter(({ identity, ownCommand, draining }) => {
    if (!ownCommand || draining) return false;
    return !holds.has(holdKey({ deployment: deployment.id, identity, service: ownService }));
  });
  return new Map(open.map(({ identity }) => [identity, 1]));
}

function placeSpawned(
  { deployment, service, drones }: SpawnedRow,
  known: readonly AssignedDrone[],
  holds: ReadonlyMap<string, HoldRow>,
): Placement {
  const count = Math.max(1, service.instances.count);
  const open = known.filter(({ identity, draining }) => drones.includes(identity) && !draining);
  const counts = open.map(({ identity }): [string, number] => {
    const hold = holds.get(holdKey({ deployment, identity, service: service.name }));
    return [identity, count - (hold?.slots.length ?? 0)];
  });
  return new Map(counts.filter(([, one]) => one > 0));
}

function heldOf(
  { id }: DeploymentRow,
  service: string,
  drones: readonly AssignedDrone[],
  holds: ReadonlyMap<string, HoldRow>,
): ReadonlyMap<string, number> {
  const held = new Map<string, number>();
  if (holds.size === 0) return held;
  for (const { identity } of drones) {
    const hold = holds.get(holdKey({ deployment: id, identity, service }));
    if (hold) held.set(identity, hold.slots.length);
  }
  return held;
}

function byDrone(
  services: ReadonlyMap<string, Placement>,
): ReadonlyMap<string, ReadonlyMap<string, number>> {
  const drones = new Map<string, Map<string, number>>();
  for (const [service, placement] of services) {
    for (const [identity, count] of placement) {
      const wanted = drones.get(identity) ?? new Map<string, number>();
      drones.set(identity, wanted.set(service, count));
    }
  }
  return drones;
}

function assignmentOf(
  { id, repo, environment, commit, artifact, release }: DeploymentRow,
  wanted: ReadonlyMap<string, number>,
  held: ReadonlyMap<string, readonly number[]>,
): Assignment {
  const services = [...wanted]
    .filter(([service]) => service !== ownService)
    .map(([service, instances]) => {
      const slots = held.get(service);
      return { service, instances, ...(slots && { held: [...slots] }) };
    });
  return { id, repo, environment, commit, artifact: artifact ?? commit, release, services };
}

function keyOf(wanted: ReadonlyMap<string, number>): string {
  let key = "";
  for (const [service, count] of wanted) key += `${service} ${count},`;
  return key;
}

function heldSlots(
  deployment: string,
  identity: string,
  wanted: ReadonlyMap<string, number>,
  holds: ReadonlyMap<string, HoldRow>,
): ReadonlyMap<string, readonly number[]> {
  const held = new Map<string, readonly number[]>();
  if (holds.size === 0) return held;
  for (const service of wanted.keys()) {
    const hold = holds.get(holdKey({ deployment, identity, service }));
    if (hold) held.set(service, hold.slots);
  }
  return held;
}

/** Instances of everything, by drone. */
export function loadsOf(counts: Counts): Map<string, number> {
  const loads = new Map<string, number>();
  for (const services of counts.values()) {
    for (const placement of services.values()) addLoads(loads, undefined, placement);
  }
  return loads;
}

function addLoads(
  loads: Map<string, number>,
  before: Placement | undefined,
  after: Placement,
): void {
  for (const [identity, count] of before ?? []) {
    loads.set(identity, (loads.get(identity) ?? 0) - count);
  }
  for (const [identity, count] of after) loads.set(identity, (loads.get(identity) ?? 0) + count);
}
