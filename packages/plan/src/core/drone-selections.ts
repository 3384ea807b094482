/**
 * Tasks whose `drone` means several: a selector such as `zone=b`, or the name of a target. Each line of such a task
 * becomes one line for each drone before the plan is read, so that limits count drones, and what is carried out names
 * them: whoever joins or is relabelled later is no part of it.
 *
 *     - { command: execute, drone: "zone=b", … }    ->  - { command: execute, drone: web-2, … }
 *                                                       - { command: execute, drone: web-5, … }
 *
 * Done with what was written, so that whatever is wrong with a task is told with the place of its line.
 */
import { quote } from "@propagit/protocol";
import type { Located, Problems } from "@propagit/shapes";
import { changedAt, tasksIn, textAt, withStages } from "./written-stages.js";

/** Undefined: it is the name of one drone. */
export type SelectDrones = (text: string) => Selected | undefined;

export type Selected =
  | { readonly kind: "drones"; readonly drones: readonly string[] }
  | { readonly kind: "refused"; readonly why: string };

const droneWords = /\bdrone["']?\s*:\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([^,}\s][^,}\n#]*))/g;

/** All that a text may say of drones, whether it is a plan or not: to know beforehand whom to ask. */
export function dronesNamed(text: string): ReadonlySet<string> {
  const found = [...text.matchAll(droneWords)].map(
    ([, double, single, bare]) => double ?? single ?? bare?.trim() ?? "",
  );
  return new Set(found);
}

/** A plan as it would be written with the names of its drones. */
export function withDrones(root: Located, select: SelectDrones, problems: Problems): Located {
  return withStages(root, (stage) => [
    changedAt(stage, "tasks", (tasks) => {
      if (tasks.kind !== "list") return tasks;
      return { ...tasks, items: tasks.items.flatMap((line) => linesOf(line, select, problems)) };
    }),
  ]);
}

/** @returns the line itself when it means no several drones */
function linesOf(line: Located, select: SelectDrones, problems: Problems): readonly Located[] {
  const texts = tasksIn(line).map((task) => textAt(task, "drone"));
  const [text, ...others] = [...new Set(texts)].filter((one) => selectedBy(one, select));
  const selected = selectedBy(text, select);
  if (text === undefined || !selected) return [line];
  if (selected.kind === "refused") {
    problems.add(line.at, `\`drone\` is ${quote(text)}: ${selected.why}`);
    return [];
  }
  const stranger = others[0] ?? texts.find((one) => one !== text);
  if (texts.some((one) => one !== text)) {
    const other = stranger === undefined ? "no drone" : quote(stranger);
    problems.add(
      line.at,
      `is done in turn on each of ${quote(text)}, so that all its tasks have that \`drone\`; one has ${other}`,
    );
    return [];
  }
  return selected.drones.map((drone) => named(line, drone));
}

function selectedBy(text: string | undefined, select: SelectDrones): Selected | undefined {
  return text === undefined ? undefined : select(text);
}

function named(line: Located, drone: string): Located {
  if (line.kind === "list") return { ...line, items: line.items.map((task) => named(task, drone)) };
  return changedAt(line, "drone", ({ at }) => ({
    kind: "scalar",
    value: drone,
    source: drone,
    at,
  }));
}
