/** Releases, and a change of what runs on its way, as they are told. */
import * as Type from "typebox";
import type { Static } from "typebox";
import { commit, count, exact, list, name, oneOf, port, text } from "./shape.js";
import { specificationSchema } from "./specification.js";
import { deploymentId } from "./traffic.js";

/** Who asks, as he calls himself: `ann@laptop`. Shown, never trusted. */
export const authorSchema = text(200);
const lastLines = Type.Optional(list(text(500), 50));

/**
 *     queued -> building -> testing -> releasing -> starting -> promoting -> done
 *        \________\___________\___________\____________\-> undoing -> failed | cancelled | superseded
 *
 * What a release does not have (a build, a test, …) is passed over.
 */
export const rolloutPhaseSchema = oneOf(
  "queued",
  "building",
  "testing",
  "releasing",
  "starting",
  "promoting",
  "undoing",
);
export type RolloutPhase = Static<typeof rolloutPhaseSchema>;

/** How a release stands: on its way, or how that ended. */
export const releaseStateSchema = oneOf("deploying", "ready", "failed", "cancelled", "superseded");

export const droneOutcomeSchema = exact({
  drone: name,
  outcome: oneOf("ready", "unchanged", "stopped", "failed", "away"),
  /** Where it answers, when it does. */
  port: Type.Optional(port),
  reason: Type.Optional(text(2_000)),
  lastLines,
});
export type DroneOutcome = Static<typeof droneOutcomeSchema>;

export const droneProgressSchema = exact({
  at: count,
  drone: name,
  phase: oneOf(
    "fetched",
    "checked out",
    "started",
    "ready",
    "unchanged",
    "stopping",
    "stopped",
    "failed",
    "away",
  ),
  /** Instances that are ready, of how many; for drones with several. */
  ready: Type.Optional(count),
  wanted: Type.Optional(count),
  port: Type.Optional(port),
  reason: Type.Optional(text(2_000)),
  lastLines,
});
export type DroneProgress = Static<typeof droneProgressSchema>;

/** A release on its way: each part is one of these. */
export const rolloutProgressSchema = Type.Union([
  /** The first part: from here on it goes on without whoever asked. */
  exact({
    kind: Type.Literal("accepted"),
    at: count,
    repo: name,
    environment: name,
    release: count,
    commit,
  }),
  exact({ kind: Type.Literal("phase"), at: count, phase: rolloutPhaseSchema, text: text(2_000) }),
  exact({ kind: Type.Literal("drone"), ...droneProgressSchema.properties }),
  /** A line of the build, test or release command. */
  exact({ kind: Type.Literal("output"), at: count, drone: name, text: text(8_192) }),
  exact({ kind: Type.Literal("note"), at: count, text: text(2_000) }),
]);
export type RolloutProgress = Static<typeof rolloutProgressSchema>;

export const rolloutResultSchema = exact({
  repo: name,
  environment: name,
  release: count,
  commit,
  /**
   * `unchanged`: it ran already everywhere and nothing was done; `release` is the one that runs. `accepted`: it
   * is on its way, as nobody wanted to wait for its end.
   */
  outcome: oneOf("ready", "unchanged", "failed", "cancelled", "superseded", "accepted"),
  /** Whether visitors were sent to it. */
  promoted: Type.Boolean(),
  /** Its visitors come step by step now: a promote by hand would break that off. */
  stepping: Type.Optional(Type.Boolean()),
  /** Why it failed or was cancelled. */
  reason: Type.Optional(text(2_000)),
  lastLines,
  drones: list(droneOutcomeSchema, 10_000),
  /** Where visitors find it: URLs when the hub knows where its proxies are, else the hosts of its manifest. */
  hosts: list(text(300), 100),
});
export type RolloutResult = Static<typeof rolloutResultSchema>;

export const releaseSummarySchema = exact({
  repo: name,
  environment: name,
  number: count,
  commit,
  deployment: deploymentId,
  /** First line of the commit's message. */
  subject: text(300),
  kind: oneOf("deploy", "rollback", "config", "scale"),
  /** The release it goes back to, for a rollback. */
  from: Type.Optional(count),
  by: authorSchema,
  at: count,
  /** From accepted to its end, waiting in the queue included. */
  tookMs: Type.Optional(count),
  state: releaseStateSchema,
  phase: Type.Optional(rolloutPhaseSchema),
  reason: Type.Optional(text(2_000)),
  /** Visitors of its environment are sent there. */
  current: Type.Boolean(),
  /** `running`: it has instances to run; `kept`: on disk only; `removed`: not even that. */
  presence: oneOf("running", "kept", "removed"),
  pinned: Type.Boolean(),
});
export type ReleaseSummary = Static<typeof releaseSummarySchema>;

export const configChangeSchema = exact({
  name: text(128),
  change: oneOf("added", "changed", "removed"),
  secret: Type.Boolean(),
});
export type ConfigChange = Static<typeof configChangeSchema>;

export const releaseDetailSchema = exact({
  summary: releaseSummarySchema,
  specification: specificationSchema,
  /** Against the release before it. */
  config: list(configChangeSchema, 1_000),
  /** How long each phase took, in their order. */
  phases: list(exact({ phase: rolloutPhaseSchema, tookMs: count }), 20),
  drones: list(droneOutcomeSchema, 10_000),
});
export type ReleaseDetail = Static<typeof releaseDetailSchema>;

export const releaseDifferenceSchema = exact({
  from: releaseSummarySchema,
  to: releaseSummarySchema,
  /** Of `to` and not of `from`, newest first; `back` when `to` is the older one. */
  commits: list(
    exact({ commit, author: text(200), at: count, subject: text(300), back: Type.Boolean() }),
    1_000,
  ),
  files: list(
    exact({ path: text(4_096), change: oneOf("added", "changed", "removed"), lines: text(40) }),
    5_000,
  ),
  config: list(configChangeSchema, 1_000),
  /** Longer than what is listed. */
  more: Type.Boolean(),
});
export type ReleaseDifference = Static<typeof releaseDifferenceSchema>;

/** One setting; the value of a secret is never told. */
export const settingSchema = exact({
  name: text(128),
  value: Type.Optional(text(32_768)),
  secret: Type.Boolean(),
  at: count,
  by: authorSchema,
});
export type Setting = Static<typeof settingSchema>;
