/** Reads plans for tests. */
import assert from "node:assert/strict";
import { formatProblem } from "@propagit/shapes";
import { checkPlan, type Commands, type Plan, type Stage, type Task } from "../../src/index.js";
import { testCommands } from "./test-commands.js";

export function planOf(text: string, file = "plan.yaml", commands: Commands = testCommands): Plan {
  const checked = checkPlan({ file, text }, commands);
  if (checked.ok) return checked.plan;
  throw new Error(checked.problems.map(formatProblem).join("\n"));
}

/** Of a plan with just this stage, whose `tasks` are one by themselves when it does not say. */
export function stageOf(...lines: readonly string[]): Stage {
  const [stage] = planOf(planText(lines)).stages;
  assert.ok(stage);
  return stage;
}

/** The first one. */
export function taskOf(task: string): Task {
  const found = stageOf(`tasks: [${task}]`).lines[0]?.[0];
  assert.ok(found);
  return found;
}

export function planText(lines: readonly string[]): string {
  const tasks = lines.some((line) => line.startsWith("tasks:")) ? [] : ["tasks: []"];
  const stage = ["name: one", ...lines, ...tasks].map((line) => `    ${line}\n`).join("");
  return `name: a\nstages:\n  -\n${stage}`;
}

/** What is wrong, a line each; `1:4: …`, or without places for what is no text. */
export function refusalOf(
  source: string | { readonly value: unknown },
  file = "plan.yaml",
): string {
  const isText = typeof source === "string";
  const written = isText ? { file, text: source } : { maker: "generator", value: source.value };
  const checked = checkPlan(written, testCommands);
  if (checked.ok) return "nothing is refused";
  return checked.problems
    .map((one) => formatProblem(one).slice(isText ? file.length + 1 : 0))
    .join("\n");
}

/** Of a stage with these lines, from line 5 on, column 5. */
export function stageRefusal(...lines: readonly string[]): string {
  return refusalOf(planText(lines));
}

/** Of a task by itself. */
export function taskRefusal(task: string): string {
  return stageRefusal(`tasks: [${task}]`);
}
