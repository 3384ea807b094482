/** Changes of the cluster that are one step; carried out by the hub's desks, see `change-tasks.ts`. */
import type { Command } from "@propagit/plan";
import { drainDrone, undrainDrone } from "./drain-drone.js";
import { promote } from "./promote.js";
import { reap } from "./reap.js";
import { stopDeployed } from "./stop.js";

export const changeCommands: readonly Command[] = [
  promote,
  stopDeployed,
  reap,
  drainDrone,
  undrainDrone,
];

const names = new Set(changeCommands.map(({ name }) => name));

export function isChangeCommand(command: string): boolean {
  return names.has(command);
}
