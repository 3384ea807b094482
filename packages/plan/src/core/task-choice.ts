/**
 * Some tasks of a plan, by their tags or the names of their commands: all but those that ask a balancer, say, or only
 * those of one service.
 *
 *     --without drain,undrain:   - - { command: drain, … }          ->  - { command: restart-service, … }
 *                                  - { command: restart-service, … }
 *                                  - { command: undrain, … }
 *
 * What is left is a plan of its own, with its own hash. Done with what was written, so that limits such as `25%` count
 * what is left.
 */
import { quote, suggestion } from "@propagit/protocol";
import { mapAt, type Located, type Problems } from "@propagit/shapes";
import {
  changedAt,
  linesIn,
  stagesIn,
  tasksIn,
  textAt,
  textsAt,
  withStages,
} from "./written-stages.js";

export interface TaskChoice {
  /** Tasks with one of these words; absent: all. */
  readonly only?: readonly string[];
  /** But those with one of these. */
  readonly without?: readonly string[];
}

/** What is left of a plan. A stage that had tasks and has none any more is left out, with what it waits for. */
export function withChosen(root: Located, choice: TaskChoice, problems: Problems): Located {
  const known = new Set(stagesIn(root).flatMap(linesIn).flatMap(tasksIn).flatMap(wordsOf));
  for (const word of [...(choice.only ?? []), ...(choice.without ?? [])]) {
    if (known.has(word)) continue;
    const near = suggestion(word, known);
    problems.add(root.at, `no task has the tag ${quote(word)}, or a command of that name${near}`);
  }
  const left = withStages(root, (stage) => {
    const lines = linesIn(stage).flatMap((line) => leftOf(line, choice));
    if (lines.length === 0 && linesIn(stage).length > 0) return [];
    return [
      changedAt(stage, "tasks", (tasks) =>
        tasks.kind === "list" ? { ...tasks, items: lines } : tasks,
      ),
    ];
  });
  if (problems.isEmpty && stagesIn(left).length === 0) {
    problems.add(root.at, "has no task that is meant");
  }
  return left;
}

function leftOf(line: Located, { only, without = [] }: TaskChoice): readonly Located[] {
  const isMeant = (task: Located) => {
    const words = wordsOf(task);
    const has = (some: readonly string[]) => some.some((word) => words.includes(word));
    return (!only || has(only)) && !has(without);
  };
  const tasks = tasksIn(line).filter(isMeant);
  const [first, ...others] = tasks;
  if (!first) return [];
  if (line.kind !== "list") return [line];
  return [{ ...line, items: [waitingAs(tasksIn(line)[0] ?? first, first), ...others] }];
}

/** A line waits as its first task says, whichever that is now. */
function waitingAs(before: Located, first: Located): Located {
  const after = before.kind === "map" ? before.entries.get("after") : undefined;
  if (!after || first.kind !== "map" || first === before) return first;
  return mapAt(first.at, [...first.entries, ["after", after]]);
}

function wordsOf(task: Located): readonly string[] {
  const command = textAt(task, "command");
  return [...(command === undefined ? [] : [command]), ...textsAt(task, "tags")];
}
