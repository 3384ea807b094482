/** What people call on the hub about rollouts by steps. */
import * as Type from "typebox";
import type { Static, TSchema } from "typebox";
import { canaryWishSchema } from "./canary-plan.js";
import { canaryChangeSchema, canarySchema } from "./canary.js";
import { by, environment, reference } from "./hub-params.js";
import { count, exact, list, text } from "./shape.js";
import { rolloutProgressSchema } from "./release.js";

/** A rollout by steps as it goes on: each part is one of these. */
export const canaryProgressSchema = Type.Union([
  /** Something of it changed, or of what was counted; the first part is how it stands. */
  exact({ kind: Type.Literal("canary"), at: count, canary: canarySchema }),
  /** Something was decided. */
  exact({ kind: Type.Literal("note"), at: count, text: text(2_000) }),
  /** Of the release that it waits for. */
  exact({ kind: Type.Literal("release"), progress: rolloutProgressSchema }),
]);
export type CanaryProgress = Static<typeof canaryProgressSchema>;

const place = { repo: text(60), environment } as const;

export const canaryMethods = {
  /**
   * Sends visitors to a commit step by step; deploys it first when it is not. Asked twice for the same, it
   * looks on at that one. It goes on when the caller is gone; the result is its end.
   */
  "hub.canary-start": {
    params: exact({
      ...place,
      ref: reference,
      /** What is not said is as the manifest of the commit, or else the default says. */
      plan: canaryWishSchema,
      by,
      /** Ends when it is accepted. */
      detach: Type.Optional(Type.Boolean()),
    }),
    part: canaryProgressSchema,
    result: canarySchema,
    needs: "cluster",
  },
  /** How the last one stands; with `follow` until its end. */
  "hub.canary": {
    params: exact({ ...place, follow: Type.Boolean() }),
    part: canaryProgressSchema,
    result: canarySchema,
    needs: "cluster",
  },
  /** All that are not over, and with `over` the last one of each environment; of one environment when it is named. */
  "hub.canaries": {
    params: exact({ over: Type.Boolean(), environment }),
    part: list(canarySchema, 10_000),
    result: exact({ canaries: list(canarySchema, 10_000) }),
    needs: "cluster",
  },
  /** A way out by hand: everything to the new one, everything back, stay at this step, go on. */
  "hub.canary-change": {
    params: exact({ ...place, change: canaryChangeSchema, by }),
    result: canarySchema,
    needs: "cluster",
  },
} as const satisfies Record<
  string,
  { params: TSchema; result: TSchema; part?: TSchema; needs: "cluster" }
>;
