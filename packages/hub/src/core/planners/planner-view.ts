/**
 * What planners see: the cluster as it is and as it should be. It has no means to write, so that a dry run is
 * one by its type, and a test runs every planner against a world whose writes throw.
 */
import type { InstanceReport } from "@propagit/protocol";
import { placesOf, loadsOf, wantedOf, type AssignedDrone, type Counts } from "../assignments.js";
import type { LedgerRows } from "../draft.js";
import type { Place } from "../placement.js";
import type { SeenDrone } from "../readiness.js";

export interface PlannerView {
  /** In ms since 1970. */
  readonly now: number;
  readonly rows: LedgerRows;
  /** Those that did not end, in the order of names. */
  readonly drones: readonly PlannerDrone[];
  /** What is placed where now. */
  readonly counts: Counts;
}

export interface PlannerDrone extends AssignedDrone {
  readonly reports: readonly InstanceReport[];
}

/** Drones as places for a service that is nowhere yet. */
export function placesIn({ drones, counts }: PlannerView): readonly Place[] {
  return placesOf(drones, "", undefined, loadsOf(counts));
}

/** Drones as far as one deployment is concerned. */
export function seenIn({ drones, counts }: PlannerView, deployment: string): readonly SeenDrone[] {
  return drones.map(({ identity, name, contact, labels, draining, ownCommand, reports }) => ({
    identity,
    drone: name,
    contact,
    labels,
    draining,
    ownCommand,
    wanted: wantedOf(counts, deployment, identity),
    reports: reports.filter((report) => report.deployment === deployment),
  }));
}
