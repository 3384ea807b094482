/** Changes of the cluster that are one step; carried out by the hub's desks, see `step-doers.ts`. */
import type { Command } from "@propagit/plan";
import { drainDrone, undrainDrone } from "./drain-drone.js";
import { restartInstances, startInstances, stopInstances } from "./instances.js";
import { pin, reap, unpin } from "./retention.js";
import { changeHosts, changeRules } from "./rules.js";
import { stopDeployed } from "./stop-deployed.js";
import { promote, split, startRollout } from "./traffic.js";

export const changeCommands: readonly Command[] = [
  promote,
  split,
  startRollout,
  stopDeployed,
  stopInstances,
  startInstances,
  restartInstances,
  reap,
  pin,
  unpin,
  changeRules,
  changeHosts,
  drainDrone,
  undrainDrone,
];

const names = new Set(changeCommands.map(({ name }) => name));

export function isChangeCommand(command: string): boolean {
  return names.has(command);
}
