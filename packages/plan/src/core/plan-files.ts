/** Files of the machine that carries a plan out, which its tasks bring to hosts. */
import type { Commands } from "../command.js";
import type { Plan } from "../plan.js";
import { argsOf } from "./task-args.js";

/** As tasks name them, each once, in the order of the plan. */
export function filesIn(
  { stages, rollback = [] }: Pick<Plan, "stages" | "rollback">,
  commands: Commands,
): readonly string[] {
  const tasks = [...stages, ...rollback].flatMap(({ lines }) => lines.flat());
  const files = tasks.flatMap(({ command: name, args }) => {
    const command = commands.get(name);
    return command?.files?.(argsOf(command, args)) ?? [];
  });
  return [...new Set(files)];
}
