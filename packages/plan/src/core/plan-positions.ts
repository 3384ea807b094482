/** Where in a file the tasks and stages of a plan stand, for whoever checked the plan without it. */
import { formatProblem, Problems, type Located } from "@propagit/shapes";
import { withDrones, type SelectDrones } from "./drone-selections.js";
import { parsePlan, type PlanText } from "./read-plan.js";

/** `task 3.1.1`, `task 2.gate1`, `stage 2`, at the beginning of what is wrong with it. */
const named = /^(?:task (\d+)\.(?:(\d+)\.(\d+)|gate\d+)|stage (\d+)) /;

/**
 * What is wrong with a plan, with the line and column of what it is about: `plan.yaml:7:5: task 3.1.1 (start): …`. As
 * it is where the plan says nothing of that.
 *
 * @param select as the plan was read with: what is written once may be several lines
 */
export function placedProblem(source: PlanText, problem: string, select?: SelectDrones): string {
  const found = named.exec(problem);
  const ignored = new Problems(source.file, source.text);
  const written = found && parsePlan(source, ignored);
  const root = written && select ? withDrones(written, select, ignored) : written;
  if (!found || !root) return `${source.file}: ${problem}`;
  const [, ofTask, line, step, ofStage] = found;
  const numbers = [ofTask ?? ofStage, line, step].flatMap((text) => (text ? [Number(text)] : []));
  const at = offsetOf(root, numbers);
  if (at === undefined) return `${source.file}: ${problem}`;
  const problems = new Problems(source.file, source.text);
  problems.add(at, problem);
  return problems.all.map(formatProblem).join("\n");
}

/** Of the innermost that is there; a line of one task may be written without its list. */
function offsetOf(
  root: Located,
  [number = 1, line, step = 1]: readonly number[],
): number | undefined {
  const stages = itemsOf(valueOf(root, "stages"));
  const rollback = itemsOf(valueOf(valueOf(root, "rollback"), "stages"));
  const stage = [...stages, ...rollback][number - 1];
  if (!stage || line === undefined) return stage?.at;
  const found = itemsOf(valueOf(stage, "tasks"))[line - 1];
  return (found?.kind === "list" ? found.items[step - 1] : found)?.at ?? stage.at;
}

function valueOf(node: Located | undefined, key: string): Located | undefined {
  return node?.kind === "map" ? node.entries.get(key)?.value : undefined;
}

function itemsOf(node: Located | undefined): readonly Located[] {
  return node?.kind === "list" ? node.items : [];
}
