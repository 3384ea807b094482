/** Parts of a plan that are handed on, and parts of those: each a run of its own, on the relay that carries it out. */
import { createHash } from "node:crypto";
import { PropagitError } from "@propagit/protocol";
import type { Commands } from "../command.js";
import { handOnCommand } from "../core/plan-targets.js";
import { readPlan } from "../core/read-plan.js";
import type { Plan, Task } from "../plan.js";
import { planHash } from "./plan-hash.js";

export interface PlanPart {
  /** The run that hands it on, and the task by which it does. */
  readonly parent: string;
  readonly task: string;
  readonly relay: string;
  /** Its own. */
  readonly run: string;
  readonly plan: Plan;
  readonly hash: string;
  /** Handed on by that run in turn. */
  readonly parts: readonly PlanPart[];
}

/** The same for the same task for ever, so that nobody needs to be told it. */
export function runOfPart(parent: string, task: string): string {
  return createHash("sha256").update(`${parent}/${task}`).digest("hex").slice(0, 20);
}

/** @throws BAD_PLAN when a part cannot be read */
export function partsOf(run: string, { stages }: Plan, commands: Commands): readonly PlanPart[] {
  const tasks = stages.flatMap(({ lines }) => lines.flat());
  return tasks
    .filter(({ command }) => command === handOnCommand)
    .map((task) => partOf(run, task, commands));
}

/** What one task hands on. @throws BAD_PLAN */
export function partOf(
  parent: string,
  { id, where, args }: Pick<Task, "id" | "where" | "args">,
  commands: Commands,
): PlanPart {
  if (where.kind !== "drone") throw new PropagitError("BAD_PLAN", `task ${id} names no drone`);
  const plan = readPlan({ maker: `task ${id}`, value: args["plan"] }, commands);
  const run = runOfPart(parent, id);
  const parts = partsOf(run, plan, commands);
  return { parent, task: id, relay: where.drone, run, plan, hash: planHash(plan), parts };
}

/** A part, and all that it hands on, outermost first. */
export function flatParts(parts: readonly PlanPart[]): readonly PlanPart[] {
  return parts.flatMap((part) => [part, ...flatParts(part.parts)]);
}
