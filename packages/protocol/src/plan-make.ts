/**
 * Plans that the hub makes of a change that somebody wants: what `propagit plan deploy` and `--dry-run` show.
 *
 *     command line --hub.plan-make: the change, as it would be asked for--> hub: its planner, which cannot write
 *                 <-- the plan as text, what is skipped, how much travels, how long it takes --'
 */
import * as Type from "typebox";
import type { Static } from "typebox";
import { canaryWishSchema } from "./canary-plan.js";
import { canaryChangeSchema } from "./canary.js";
import { experimentStart, experimentStop, shadowWish } from "./experiment-wish.js";
import { fleetChanges } from "./fleet-changes.js";
import { environment, reference, wantedShares } from "./hub-params.js";
import { instanceTargetSchema } from "./instance-target.js";
import { hostChange, ruleChange } from "./rule-change.js";
import { droneTargetSchema } from "./selector.js";
import { commit, count, exact, list, name, text } from "./shape.js";
import { wavesSchema } from "./waves.js";

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
    redeploy: Type.Optional(Type.Boolean()),
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
  exact({ kind: Type.Literal("split"), repo, environment, shares: wantedShares }),
  exact({ kind: Type.Literal("pin"), repo, environment, release: count }),
  exact({ kind: Type.Literal("unpin"), repo, environment, release: count }),
  /** Ends instances, and keeps them ended until they are started again. */
  exact({ kind: Type.Literal("hold"), target: instanceTargetSchema, force: Type.Boolean() }),
  exact({ kind: Type.Literal("start"), target: instanceTargetSchema }),
  exact({ kind: Type.Literal("restart"), target: instanceTargetSchema }),
  /** Users and their passwords are none of them. */
  exact({ kind: Type.Literal("rules"), repo, environment, ...ruleChange }),
  exact({ kind: Type.Literal("host"), repo, environment, ...hostChange }),
  /** The beginning of a rollout by steps, which goes on by itself. */
  exact({
    kind: Type.Literal("rollout"),
    repo,
    environment,
    ref: reference,
    plan: canaryWishSchema,
  }),
  /** Of the one by steps that is under way. */
  exact({
    kind: Type.Literal("rollout-change"),
    repo,
    environment,
    change: canaryChangeSchema,
  }),
  exact({ kind: Type.Literal("experiment-start"), repo, environment, ...experimentStart }),
  exact({ kind: Type.Literal("experiment-stop"), repo, environment, ...experimentStop }),
  exact({ kind: Type.Literal("shadow"), repo, environment, ...shadowWish }),
  exact({
    kind: Type.Literal("files"),
    target: droneTargetSchema,
    path: Type.String({ minLength: 1, maxLength: 4_096 }),
    commit,
    /** What drones compare when the files themselves were not sent: their manifest alone. */
    manifest: Type.Optional(commit),
    replace: Type.Boolean(),
    force: Type.Boolean(),
  }),
  /** In what a plan says of it there are no values: such a plan is shown, and carried out by nobody. */
  exact({
    kind: Type.Literal("configure"),
    repo,
    environment,
    set: list(
      exact({
        name: text(128),
        /** Hidden under the session's key, for secrets and others alike. */
        value: Type.Optional(text(50_000)),
        secret: Type.Boolean(),
      }),
      500,
    ),
    unset: list(text(128), 500),
    /** False: it is only kept, for the next release. */
    deploy: Type.Boolean(),
  }),
  ...fleetChanges,
]);
export type PlannedChange = Static<typeof changeSchema>;

/** What is told beside a plan. */
export const plannedSchema = exact({
  /** Drones of which nothing is asked, with the reason; the first of them, and how many there are. */
  skipped: list(exact({ what: text(200), why: text(500) }), 100),
  skippedCount: count,
  /** Drones that it is about where the plan names none; the first of them, and how many there are. */
  drones: Type.Optional(list(name, 1_000)),
  dronesCount: Type.Optional(count),
  /** What travels: so many bytes to each of so many drones, at most. */
  travel: Type.Optional(exact({ bytes: count, drones: count })),
  /** How long commands took in past releases, on average. */
  durations: list(exact({ command: name, ms: count }), 100),
  warnings: list(text(2_000), 100),
});
export type ToldOfPlan = Static<typeof plannedSchema>;
