/** The arguments of a task as its command takes them. */
import { PropagitError } from "@propagit/protocol";
import { formatProblems, locate, Problems } from "@propagit/shapes";
import type { Command } from "../command.js";
import type { Task } from "../plan.js";

/**
 * A plan keeps arguments as they are written, so that it can be shown, edited and hashed, and a shape may read
 * them as anything. They were checked when it was read; but perhaps by another version of the command.
 *
 * @throws BAD_PLAN when the command does not take them
 *
 * @example
 * const command: Command<{ text: string }> = {
 *   name: "say",
 *   summary: "Says something",
 *   args: object({ text: text() }, ["text"]),
 *   describe: (args) => `would say ${args.text}`,
 *   run: async (args, { say }) => {
 *     say(args.text);
 *     return { outcome: "done" };
 *   },
 *   example: { text: "hello" },
 * };
 * command.describe(argsOf(command, { text: "hello" })); // "would say hello"
 */
export function argsOf<Args>(command: Command<Args>, args: Task["args"]): Args {
  const problems = new Problems(`task ${command.name}`);
  const node = locate(args, problems);
  const value = node && command.args.read(node, "", problems);
  if (value !== undefined && problems.isEmpty) return value;
  throw new PropagitError("BAD_PLAN", formatProblems(problems.all), {
    hint: `its command has changed since the plan was made: make it anew`,
  });
}
