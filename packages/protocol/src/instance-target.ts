/** Which instances somebody means. */
import * as Type from "typebox";
import type { Static } from "typebox";
import { environment, reference } from "./hub-params.js";
import { droneTargetSchema } from "./selector.js";
import { exact, list, name, text } from "./shape.js";

/** Which instances: all given parts must fit. */
export const instanceTargetSchema = exact({
  repo: Type.Optional(text(60)),
  environment,
  /** Number of a release, or a commit as a user writes it. */
  release: Type.Optional(reference),
  services: Type.Optional(list(name, 100)),
  /** PROCESS_IDs, or unique prefixes of them. */
  processes: Type.Optional(list(text(40), 1_000)),
  drones: Type.Optional(droneTargetSchema),
});
export type InstanceTarget = Static<typeof instanceTargetSchema>;
