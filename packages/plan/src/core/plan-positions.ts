/** Where in a file the tasks and stages of a plan stand, for whoever checked the plan without it. */
import { formatProblem, Problems, type Located } from "@propagit/shapes";
import { parsePlan, meantBy, type PlanReading, type PlanText } from "./read-plan.js";
import { linesIn, stagesIn, tasksIn } from "./written-stages.js";

/** `task 3.1.1`, `task 2.gate1`, `stage 2`, at the beginning of what is wrong with it. */
const named = /^(?:task (\d+)\.(?:(\d+)\.(\d+)|gate\d+)|stage (\d+)) /;

/**
 * What is wrong with a plan, with the line and column of what it is about: `plan.yaml:7:5: task 3.1.1 (start): …`. As
 * it is where the plan says nothing of that.
 *
 * @param reading as the plan was read with: what is written once may be several lines, or left out
 */
export function placedProblem(source: PlanText, problem: string, reading?: PlanReading): string {
  const found = named.exec(problem);
  const ignored = new Problems(source.file, source.text);
  const written = found && parsePlan(source, ignored);
  const root = written && meantBy(written, ignored, reading);
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
  const stage = stagesIn(root)[number - 1];
  if (!stage || line === undefined) return stage?.at;
  const found = linesIn(stage)[line - 1];
  return (found && tasksIn(found)[step - 1])?.at ?? stage.at;
}
