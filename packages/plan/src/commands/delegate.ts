/** Hands a part of a plan to a relay, which carries it out by itself, also while the line to the hub is cut. */
import { PropagitError } from "@propagit/protocol";
import { described, object, type JsonSchema, type Shape } from "@propagit/shapes";
import type { Command, Commands } from "../command.js";
import { planShape } from "../core/plan-shape.js";
import { stagePartsOf } from "../core/stage-shape.js";
import { handOnCommand, tasksOfPlan } from "../core/plan-targets.js";
import { defineCommand } from "../define-command.js";
import type { Plan } from "../plan.js";

/** What Node's timers can wait: delays of days, and attempts for hours. */
const timeoutMs = 24 * 86_400_000;

/** @param commands what the part may use; asked for when one is read */
export function delegateWith(commands: () => Commands): Command<{ readonly plan: Plan }> {
  return defineCommand({
    name: handOnCommand,
    summary:
      "Hands a part of the plan to a relay, which carries it out itself, also when the hub is away.",
    args: object(
      {
        plan: described("What it carries out: a plan whose tasks all name drones.", part(commands)),
      },
      ["plan"],
    ),
    describe: ({ plan }) => {
      const drones = new Set(tasksOfPlan(plan).map(({ where }) => JSON.stringify(where)));
      const tasks = tasksOfPlan(plan).length;
      const many = `${tasks} ${tasks === 1 ? "task" : "tasks"}`;
      const on = `${drones.size} ${drones.size === 1 ? "drone" : "drones"}`;
      return `would hand on ${plan.name}: ${many} on ${on}`;
    },
    run: (_, { host }) => {
      throw new PropagitError("TASK_REFUSED", `${host.name} takes over no part of a plan`, {
        hint: "name a relay in the task, and have the hub carry the plan out: docs/targets.md",
      });
    },
    onDroneOnly: true,
    timeoutMs,
    example: {
      plan: {
        name: "rack b",
        stages: [
          {
            name: "at once",
            tasks: [
              {
                command: "put-files",
                drone: "b-2",
                commit: "8f1dd1a2f0d8bbf9c2d1b7f3c1e0a4f6b5d3c2e1",
                path: "/srv/app/site",
              },
            ],
          },
        ],
      },
    },
  });
}

/** Read with the same shapes as the whole; its schema says only that, as it would contain itself. */
function part(commands: () => Commands): Shape<Plan> {
  const schema: JsonSchema = { type: "object", required: ["name", "stages"] };
  return {
    schema,
    read: (node, where, problems) => {
      const plan = planShape(stagePartsOf(commands())).read(node, where, problems);
      if (!plan) return undefined;
      const place = tasksOfPlan(plan).find((task) => task.where.kind !== "drone");
      if (!place) return plan;
      problems.add(node.at, `\`${where}\` has task ${place.id}, which names no drone`);
      return undefined;
    },
  };
}
