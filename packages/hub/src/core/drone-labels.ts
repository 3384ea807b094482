/** Labels of a drone that are changed for good, over those it is started with. */
import { parseLabel, PropagitError } from "@propagit/protocol";
import type { LedgerRows } from "./draft.js";
import { droneCalled } from "./drone-called.js";
import { labelsOf, type Labels } from "./membership.js";
import type { DroneRow } from "./rows.js";

/** As many as a drone may be started with. */
const labelsMax = 32;

export interface LabelChange {
  readonly set: Labels;
  readonly unset: readonly string[];
}

/** @throws NO_DRONE */
export function rowCalled(rows: LedgerRows, name: string): DroneRow {
  return droneCalled([...rows.rows("drones").values()], name);
}

/** Undefined: it has them already. @throws BAD_NAME */
export function relabelled(row: DroneRow, { set, unset }: LabelChange): DroneRow | undefined {
  for (const [key, value] of Object.entries(set)) parseLabel(`${key}=${value}`);
  const before = row.relabelled ?? { set: {}, unset: [] };
  const kept = Object.entries(before.set).filter(([key]) => !unset.includes(key));
  const removed = [...new Set([...before.unset, ...unset])].filter(
    (key) => !Object.hasOwn(set, key),
  );
  const changed = { set: { ...Object.fromEntries(kept), ...set }, unset: removed };
  const after: DroneRow = { ...row, relabelled: changed };
  const labels = labelsOf(after);
  if (Object.keys(labels).length > labelsMax || removed.length > labelsMax) {
    throw new PropagitError("BAD_NAME", `a drone has at most ${labelsMax} labels`);
  }
  return describeLabels(labelsOf(row)) === describeLabels(labels) ? undefined : after;
}

/** `gpu=yes, zone=eu`, or `none` */
export function describeLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return pairs.length === 0 ? "none" : pairs.sort((a, b) => (a < b ? -1 : 1)).join(", ");
}
