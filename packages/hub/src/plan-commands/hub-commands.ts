/** All that a plan of a hub may use. */
import { toolBox, type Commands } from "@propagit/plan";
import { releaseCommands } from "./release-commands.js";

export const hubCommands: Commands = new Map([
  ...toolBox,
  ...releaseCommands.map((command) => [command.name, command] as const),
]);
