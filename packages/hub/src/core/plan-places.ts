/** Where a plan would act, and what of it this hub will not do: said all at once, before anything begins. */
import { suggestion } from "@propagit/protocol";
import {
  argsOf,
  type Commands,
  type Plan,
  type Stage,
  type Task,
  type UndoTask,
} from "@propagit/plan";
import { isChangeCommand } from "../plan-commands/change-commands.js";
import { isReleaseCommand } from "./release-progress.js";

export interface PlaceRules {
  /** Names of drones that have joined once and are not gone for good. */
  readonly drones: ReadonlySet<string>;
  /** All that is known. */
  readonly commands: Commands;
  /** The hub may run programs of plans, here and behind ssh. */
  readonly runsPrograms: boolean;
}

/**
 * What the hub does in its own process for anybody who may start plans: these reach out from it, and touch
 * nothing of its machine.
 */
export const reachingCommands: ReadonlySet<string> = new Set([
  "drain",
  "undrain",
  "wait-http",
  "notify",
  "send-metrics",
  "message",
]);

/** More are the same again. */
const problemsMax = 20;

/** Nothing when all of it can be carried out from here. */
export function problemsOfPlaces(plan: Plan, rules: PlaceRules): readonly string[] {
  const problems = new Set<string>();
  const isOfChange = plan.request !== undefined;
  for (const { id, task } of tasksOf(plan)) {
    const problem = problemOf(task, { ...rules, isOfChange });
    if (problem !== undefined) problems.add(`task ${id} (${task.command}): ${problem}`);
    if (problems.size >= problemsMax) break;
  }
  return [...problems];
}

interface Placed {
  readonly id: string;
  readonly task: Pick<Task, "command" | "where" | "args">;
}

function* tasksOf({ stages, rollback = [] }: Plan): Iterable<Placed> {
  for (const { gates, lines } of [...stages, ...rollback]) {
    yield* gates.flatMap(commandOfGate);
    for (const task of lines.flat()) yield* withUndo(task);
  }
}

function commandOfGate(gate: Stage["gates"][number]): readonly Placed[] {
  return gate.kind === "command" ? [{ id: gate.task.id, task: gate.task }] : [];
}

function withUndo(task: Task): readonly Placed[] {
  const undo: readonly UndoTask[] = task.undo ?? [];
  return [{ id: task.id, task }, ...undo.map((each) => ({ id: `${task.id}, undone`, task: each }))];
}

/** @param rules with `isOfChange`: it was made of a change such as a deploy, whose parts are the hub's own */
function problemOf(
  task: Placed["task"],
  rules: PlaceRules & { readonly isOfChange: boolean },
): string | undefined {
  const { command, where } = task;
  const [file] = filesOf(task, rules.commands);
  if (file !== undefined) {
    return `the hub has no file ${file} of yours: bring it there first (propagit files push) and name its place there, or use --local`;
  }
  switch (where.kind) {
    case "drone":
      return rules.drones.has(where.drone) ? undefined : noDrone(where.drone, rules.drones);
    case "host":
      if (rules.runsPrograms) return undefined;
      return `the hub goes to no hosts by ssh: name a drone, use --local, or start it with --plan-commands`;
    case "engine":
      if (isReleaseCommand(command)) {
        return rules.isOfChange
          ? undefined
          : "it is part of a release: propagit deploy REPO COMMIT";
      }
      if (isChangeCommand(command)) return undefined;
      if (rules.runsPrograms || reachingCommands.has(command)) return undefined;
      return `the hub does this not on its own machine: name a drone, or start it with --plan-commands`;
    default:
      return where satisfies never;
  }
}

/** Files of the machine of whoever made the plan. */
function filesOf({ command: name, args }: Placed["task"], commands: Commands): readonly string[] {
  const command = commands.get(name);
  return command?.files?.(argsOf(command, args)) ?? [];
}

function noDrone(name: string, drones: ReadonlySet<string>): string {
  return `there is no drone ${name}${suggestion(name, drones)}`;
}
