/** How a command is made: ours and a project's own alike. */
import type { Command } from "./command.js";

/**
 * The command as given; what its arguments are is known from their shape.
 *
 * @example
 * import { object, text, withDefault, yesNo } from "@propagit/shapes";
 * import { defineCommand } from "@propagit/plan";
 *
 * const greet = defineCommand({
 *   name: "greet",
 *   summary: "Says hello",
 *   args: object({ who: text(), loud: withDefault(yesNo, false) }, ["who"]),
 *   describe: ({ who }) => `would greet ${who}`,
 *   run: async ({ who, loud }, { say }) => {
 *     say(loud ? `HELLO ${who.toUpperCase()}` : `hello ${who}`);
 *     return { outcome: "done" };
 *   },
 *   actsAgain: true,
 *   example: { who: "everybody" },
 * });
 */
export function defineCommand<Args>(command: Command<Args>): Command<Args> {
  return command;
}
