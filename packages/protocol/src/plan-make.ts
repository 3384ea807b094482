/**
 * Plans that the hub makes of a change that somebody wants: what `propagit plan deploy` and `--dry-run` show.
 *
 *     command line --hub.plan-make: the change, as it would be asked for--> hub: its planner, which cannot write
 *                 <-- the plan as text, what is skipped, how much travels, how long it takes --'
 */
import * as Type from "typebox";
import type { Static } from "typebox";
import { environment, reference } from "./hub-params.js";
import { count, exact, list, name, text } from "./shape.js";

/** In which order drones get a release: each wave is ready before the next begins. */
export const wavesSchema = exact({
  by: Type.Union([
    exact({ kind: Type.Literal("once") }),
    /** A wave for each value, those without the label last. */
    exact({ kind: Type.Literal("label"), key: Type.String({ minLength: 1, maxLength: 300 }) }),
    /** Of all drones that have it then, rising; the last is 100. */
    exact({
      kind: Type.Literal("percent"),
      steps: Type.Array(Type.Integer({ minimum: 1, maximum: 100 }), { minItems: 1, maxItems: 50 }),
    }),
    /** So many drones go on running what they run while others are replaced. */
    exact({ kind: Type.Literal("min-up"), minUp: count }),
  ]),
  /** Name of the drone that goes alone, before all others. */
  canary: Type.Optional(name),
  /** One by one when fewer than `minUp` would be left. */
  force: Type.Optional(Type.Boolean()),
});
export type WavesWish = Static<typeof wavesSchema>;

const repo = text(60);

/** A change of the cluster, as the method that carries it out at once would be asked for it. */
export const changeSchema = Type.Union([
  exact({
    kind: Type.Literal("deploy"),
    repo,
    ref: reference,
    environment,
    promote: Type.Optional(Type.Boolean()),
    waves: Type.Optional(wavesSchema),
  }),
  exact({
    kind: Type.Literal("rollback"),
    repo,
    environment,
    release: Type.Optional(count),
    waves: Type.Optional(wavesSchema),
  }),
  exact({
    kind: Type.Literal("scale"),
    repo,
    environment,
    services: list(exact({ service: name, instances: Type.Optional(count) }), 100),
  }),
  exact({ kind: Type.Literal("promote"), repo, ref: reference, environment }),
  exact({
    kind: Type.Literal("stop"),
    repo,
    ref: reference,
    environment,
    force: Type.Boolean(),
  }),
  exact({ kind: Type.Literal("reap"), repo: Type.Optional(repo) }),
  exact({ kind: Type.Literal("drain"), drone: name }),
  exact({ kind: Type.Literal("undrain"), drone: name }),
]);
export type PlannedChange = Static<typeof changeSchema>;

/** What is told beside a plan. */
export const plannedSchema = exact({
  /** Drones of which nothing is asked, with the reason; the first of them, and how many there are. */
  skipped: list(exact({ what: text(200), why: text(500) }), 100),
  skippedCount: count,
  /** What travels: so many bytes to each of so many drones, at most. */
  travel: Type.Optional(exact({ bytes: count, drones: count })),
  /** How long commands took in past releases, on average. */
  durations: list(exact({ command: name, ms: count }), 100),
  warnings: list(text(2_000), 100),
});
export type ToldOfPlan = Static<typeof plannedSchema>;
