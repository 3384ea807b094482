/** A rollout by steps as the ledger has it: one for each environment of a repository, the last one. */
import { canarySchema, shareSchema, type Canary } from "@propagit/protocol";
import { Type, type Static } from "typebox";

const { percent: _, ...told } = canarySchema.properties;

const count = Type.Integer({ minimum: 0 });

export const canaryRow = Type.Object({
  ...told,
  /** The shares that it began with, and that it goes back to. */
  before: Type.Array(shareSchema, { maxItems: 20 }),
  /** When it was looked at last, so that time without a hub is not taken for time that was measured. */
  lookedAt: Type.Integer({ minimum: 0 }),
  /** Since when none of its instances is ready; absent while one is. */
  deadSince: Type.Optional(Type.Integer({ minimum: 0 })),
  /** How failures of the old one come together; see `canary-scatter.ts`. */
  scatter: Type.Optional(
    Type.Object({
      blocks: count,
      requests: count,
      failed: count,
      square: Type.Number({ minimum: 0 }),
      open: Type.Object({ since: count, requests: count, failed: count }),
    }),
  ),
});
export type CanaryRow = Static<typeof canaryRow>;

/** As it is told. */
export function canaryOf(row: CanaryRow): Canary {
  const { before: _, lookedAt: __, deadSince: ___, scatter: ____, ...canary } = row;
  return { ...canary, percent: percentOf(row) };
}

/** Visitors that it has, or is about to have, in percent. */
function percentOf({ phase, step, plan, end }: CanaryRow): number {
  if (phase === "preparing") return 0;
  if (phase === "over") return end?.outcome === "promoted" ? 100 : 0;
  return plan.steps[step] ?? 0;
}
