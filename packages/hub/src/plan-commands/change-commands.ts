/** Changes of the cluster that are one step; carried out by the hub's desks, see `step-doers.ts`. */
import type { Command } from "@propagit/plan";
import { changeAccess } from "./access.js";
import { runInRelease, spawnService } from "./beside-release.js";
import { cancelRelease } from "./cancel-release.js";
import {
  addCertificate,
  changeAuthority,
  removeCertificate,
  renewCertificates,
} from "./certificates.js";
import { drainDrone, undrainDrone } from "./drain-drone.js";
import { shadow, startExperiment, stopExperiment } from "./experiments.js";
import { restartInstances, startInstances, stopInstances } from "./instances.js";
import { labelDrone } from "./label-drone.js";
import { pin, reap, unpin } from "./retention.js";
import { changeHosts, changeRules } from "./rules.js";
import { stopDeployed } from "./stop-deployed.js";
import { changeRollout, promote, split, startRollout } from "./traffic.js";

export const changeCommands: readonly Command[] = [
  promote,
  split,
  startRollout,
  changeRollout,
  startExperiment,
  stopExperiment,
  shadow,
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
  changeAccess,
  labelDrone,
  cancelRelease,
  spawnService,
  runInRelease,
  addCertificate,
  removeCertificate,
  renewCertificates,
  changeAuthority,
];

const names = new Set(changeCommands.map(({ name }) => name));

export function isChangeCommand(command: string): boolean {
  return names.has(command);
}
