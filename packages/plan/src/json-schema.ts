/** A plan as JSON Schema, for editors and for programs that write plans: made of the same shapes that read it. */
import type { JsonSchema, Shape } from "@propagit/shapes";
import type { Commands } from "./command.js";
import { planMap } from "./core/plan-shape.js";
import { stagePartsOf, stageShape } from "./core/stage-shape.js";

/** @param commands those that plans may use, each with its own arguments */
export function planSchema(commands: Commands): JsonSchema {
  const parts = stagePartsOf(commands);
  const stage = stageShape({
    task: namedOnce("task", parts.task),
    ask: namedOnce("ask", parts.ask),
  });
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "A plan of propagit",
    description: "What will be done, as data, before any of it is.",
    ...planMap(namedOnce("stage", stage)).schema,
    definitions: { stage: stage.schema, task: parts.task.schema, ask: parts.ask.schema },
  };
}

/** Said once, below `definitions`: with all commands it is long, and a plan has it in many places. */
function namedOnce<T>(name: string, shape: Shape<T>): Shape<T> {
  return { ...shape, schema: { $ref: `#/definitions/${name}` } };
}
