/** What plans are going to put on drones, also in the parts of them that are handed on. */
import type { Plan, Task } from "@propagit/plan";

/** Commits of the repository of files. */
export function commitsOfPlan({ stages, rollback = [] }: Plan): readonly string[] {
  const tasks = [...stages, ...rollback].flatMap(({ lines }) => lines.flat());
  return [...new Set(tasks.flatMap((task) => commitsOfTask(task)))];
}

/** As it is carried out, or as it is written in a part that is handed on. */
function commitsOfTask({ command, args }: Pick<Task, "command" | "args">): readonly string[] {
  if (command === "put-files") return [String(args["commit"])];
  if (command !== "delegate") return [];
  const { stages = [] } = args["plan"] as { readonly stages?: readonly WrittenTasks[] };
  return stages.flatMap(({ tasks = [] }) =>
    tasks.flat().flatMap((task) => commitsOfTask({ command: String(task["command"]), args: task })),
  );
}

interface WrittenTasks {
  readonly tasks?: readonly (WrittenTask | readonly WrittenTask[])[];
}

type WrittenTask = Readonly<Record<string, unknown>>;
