/** How the drone of a host was asked for: kept there, so that what is not said the next time stays as it was. */
import { parseJson } from "@propagit/protocol";
import type { ManagerKind } from "./manager.js";

export interface DroneWish {
  readonly hub: string;
  readonly name?: string | undefined;
  /** Each `key=value`. */
  readonly labels?: readonly string[] | undefined;
  readonly data?: string | undefined;
}

export interface DroneRecord extends DroneWish {
  readonly manager: ManagerKind;
}

export function readRecord(text: string): DroneRecord | undefined {
  return parseJson(text) as DroneRecord | undefined;
}

/** Labels are said all together. */
export function mergedRecord(
  former: DroneRecord | undefined,
  { hub, name, labels, data }: DroneWish,
  manager: ManagerKind,
): DroneRecord {
  return {
    hub,
    name: name ?? former?.name,
    labels: labels ?? former?.labels,
    data: data ?? former?.data,
    manager,
  };
}

export function recordText(record: DroneRecord): string {
  return `${JSON.stringify(record, undefined, 2)}\n`;
}

/** Absolute, at the host. */
export function dataFolderOf({ data = "~/.propagit/drone" }: DroneWish, home: string): string {
  return data.replace(/^~(?=\/|$)/, home);
}

/** Flags of `propagit drone` beside where its data is. */
export function droneWords({ hub, name, labels = [] }: DroneWish, base: string): readonly string[] {
  return [
    `--hub=${hub}`,
    ...(name === undefined ? [] : [`--name=${name}`]),
    ...labels.toSorted().map((label) => `--label=${label}`),
    `--secret-file=${base}/secret`,
  ];
}
