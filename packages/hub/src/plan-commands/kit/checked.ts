/** Arguments that are checked like what comes over the wire. */
import { check } from "@propagit/protocol";
import { named, plainOf, type JsonSchema, type Shape } from "@propagit/shapes";
import type { Static, TSchema } from "typebox";

/** A shape of just what a schema of the protocol takes. */
export function checkedBy<S extends TSchema>(schema: S): Shape<Static<S>> {
  return {
    schema: schema as JsonSchema,
    read(node, where, problems) {
      const result = check<S>(schema, plainOf(asWritten, node));
      if (result.ok) return result.value;
      problems.add(node.at, `${named(where)}: ${result.reason}`);
      return undefined;
    },
  };
}

const asWritten: Shape<unknown> = { schema: {}, read: (node) => node };
