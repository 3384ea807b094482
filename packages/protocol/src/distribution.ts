/**
 * How the bytes of a release travel to its drones, for whoever looks on at it. A call of its own beside the one
 * that carries it out: who is older, on either side, goes without.
 */
import * as Type from "typebox";
import type { Static } from "typebox";
import { environment } from "./hub-params.js";
import { count, exact, list, name, oneOf, text } from "./shape.js";

export const distributionRowSchema = exact({
  drone: name,
  /** `away`: it is not connected; it may go on all the same. */
  state: oneOf("taking", "away", "done", "failed"),
  bytes: count,
  bytesAll: count,
  bytesPerSecond: count,
  /** It is behind the others. */
  lags: Type.Boolean(),
  reason: Type.Optional(text(2_000)),
});
export type DistributionRow = Static<typeof distributionRowSchema>;

/** Bytes are of pieces that are there, not of what was sent for them. */
export const distributionSchema = exact({
  at: count,
  /** When the first of them began, in ms since 1970. */
  since: count,
  /** Drones that get it from one another; who gets it from the hub with git is not among them. */
  drones: count,
  /** Of these, who has all of it, who gave up and goes on with git, and who is behind the others. */
  done: count,
  failed: count,
  lagging: count,
  /** What one of them gets, of those that get most. */
  artifactBytes: count,
  /** Of all of them together. */
  bytes: count,
  bytesAll: count,
  bytesPerSecond: count,
  /** What the hub itself sent of it meanwhile. */
  hubSentBytes: count,
  /** What the hub makes of it still, before pieces of that are there; bytes so far, and about how many in the end. */
  packing: Type.Optional(exact({ bytes: count, bytesAll: Type.Optional(count) })),
  /** Nobody is taking any more. */
  over: Type.Boolean(),
  /** All of a few drones; of more those that need a look first: failed, behind, then the least complete. */
  rows: list(distributionRowSchema, 50),
  /** The same in a sentence for a log, now and then and in the end. */
  line: Type.Optional(text(1_000)),
});
export type Distribution = Static<typeof distributionSchema>;

export const distributionMethods = {
  /**
   * Until the release has ended: how its bytes travel, at most twice a second, and not at all when that takes
   * less than a moment.
   */
  "hub.distribution": {
    params: exact({ repo: text(60), environment, release: count }),
    part: distributionSchema,
    result: exact({}),
    needs: "cluster",
  },
} as const;
