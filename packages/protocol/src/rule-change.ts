/** What somebody changes by hand of how visitors are treated, and of the names by which they come. */
import * as Type from "typebox";
import type { Static } from "typebox";
import { rulesSchema } from "./rules.js";
import { exact, list, text } from "./shape.js";
import { hostRouteSchema } from "./specification.js";

/** One of the keys of `Rules`. */
export const ruleName = Type.Unsafe<keyof Static<typeof rulesSchema>>({
  type: "string",
  enum: Object.keys(rulesSchema.properties),
});

/** Rules, key by key. */
export const ruleChange = {
  set: rulesSchema,
  /** As if neither the manifest nor anybody had said them. */
  off: list(ruleName, 100),
  /** As the manifest says. */
  unset: list(ruleName, 100),
  /** No longer, whoever says it: `off` where the manifest does, `unset` where it does not. */
  end: Type.Optional(list(ruleName, 100)),
} as const;

/** A host name and path. */
export const hostChange = {
  add: Type.Optional(hostRouteSchema),
  /** One that was added by hand. */
  remove: Type.Optional(exact({ host: text(253), path: Type.Optional(text(1_000)) })),
} as const;
