/**
 * The commands that begin with `propagit drone`, apart from all others: a drone is on every machine, and
 * what it does not need it should not hold in memory. `script/bundle.mjs` makes them a bundle of their own.
 */
import type { Command } from "commander";
import { droneManagement } from "./commands/drone-manage.js";
import { droneCommand } from "./commands/drone.js";
import { namedPropagit } from "./named-propagit.js";
import { finish } from "./program.js";

/** `propagit` as far as `propagit drone …` needs it; behaves the same there. */
export function droneProgram(): Command {
  return finish(namedPropagit().addCommand(droneWithManagement()));
}

/** The daemon, and beside it what is done to drones from afar: `drone drain web-1`. */
export function droneWithManagement(): Command {
  const drone = droneCommand();
  for (const command of droneManagement()) drone.addCommand(command);
  return drone;
}
