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
 * const greet = {
 *   name: "greet",
 *   summary: "Greets somebody",
 *   args: object({ who: text() }, ["who"]),
 *   describe: ({ who }: { who: string }) => `would greet ${who}`,
 *   run: () => Promise.resolve({ outcome: "done" as const }),
 *   example: { who: "world" },
 * };
 * greet.describe(argsOf(greet, { who: "world" })); // "would greet world"
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
