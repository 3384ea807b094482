/** All that a plan of a hub may use. */
import { toolBox, type Commands } from "@propagit/plan";
import { changeCommands } from "./change-commands.js";
import { releaseCommands } from "./release-commands.js";

export const hubCommands: Commands = new Map([
  ...toolBox,
  ...[...releaseCommands, ...changeCommands].map((command) => [command.name, command] as const),
]);

/** Done by the hub itself, through its ledger, and nowhere else. */
export function isOfHub(command: string): boolean {
  return hubCommands.has(command) && !toolBox.has(command);
}
