/** Runs of plans as they are told: what happened, and where they stand. The same as `plan` says of them. */
import * as Type from "typebox";
import type { Static, TSchema } from "typebox";
import { count, exact, list, name, oneOf, text } from "./shape.js";

const author = text(200);
export const planRunId = text(64);
/** As whoever begins a run may choose it, and of parts, which whoever knows run and task can make. */
export const planRunIdSchema = Type.String({ pattern: "^[0-9a-f]{10,32}$" });
/** What says that two plans are one: SHA-256. */
export const planHashSchema = Type.String({ pattern: "^[0-9a-f]{64}$" });
/** `<stage>.<line>.<step>` */
const taskId = text(64);
const host = text(400);
/** A gate may name many who can approve. */
const reason = text(20_000);
const lastLines = Type.Optional(list(text(1_000), 50));
/** How the drones stand that have a part in a task: counts of all, and those that need a look first. */
const drones = Type.Optional(
  exact({
    counts: exact({
      failed: count,
      away: count,
      starting: count,
      healthy: count,
      unchanged: count,
    }),
    drones: list(
      exact({
        drone: name,
        state: oneOf("failed", "away", "starting", "healthy", "unchanged"),
        /** From its turn until it was healthy, or failed. */
        tookMs: Type.Optional(count),
        reason: Type.Optional(text(1_000)),
        lastLines,
      }),
      100,
    ),
  }),
);
const locks = list(text(300), 100);

export const planAskSchema = Type.Union([
  exact({ kind: Type.Literal("pause") }),
  exact({ kind: Type.Literal("resume") }),
  /** `now`: what is under way is ended too; `undo`: then it is rolled back. */
  exact({
    kind: Type.Literal("stop"),
    undo: Type.Boolean(),
    now: Type.Optional(Type.Boolean()),
  }),
  exact({ kind: Type.Literal("skip-wait") }),
  exact({ kind: Type.Literal("approve") }),
  /** `force`: also a task that may run once and of which nobody knows whether it did. */
  exact({ kind: Type.Literal("retry"), force: Type.Optional(Type.Boolean()) }),
]);
export type PlanAsk = Static<typeof planAskSchema>;

const event = <K extends string, P extends Record<string, TSchema>>(kind: K, properties: P) =>
  exact({ at: count, kind: Type.Literal(kind), ...properties });
const gate = { stage: count, gate: count, why: reason };

export const planEventSchema = Type.Union([
  event("run-queued", { by: author, locks }),
  event("run-begun", { by: author, locks: Type.Optional(locks) }),
  event("stage-waits", {
    stage: count,
    gate: Type.Optional(count),
    why: reason,
    until: Type.Optional(count),
  }),
  event("gate-open", gate),
  event("gate-refused", gate),
  event("stage-begun", { stage: count }),
  event("task-begun", { task: taskId, attempt: count }),
  event("task-ended", {
    task: taskId,
    outcome: oneOf("done", "unchanged", "failed", "stopped", "unknown"),
    reason: Type.Optional(reason),
    lastLines,
    drones,
  }),
  event("task-retries", { task: taskId, reason, lastLines, nextAt: count }),
  event("stage-ended", {
    stage: count,
    outcome: oneOf("done", "failed", "stopped"),
    reason: Type.Optional(reason),
  }),
  event("asked", { ask: planAskSchema, by: author }),
  event("rollback-begun", { reason }),
  event("run-ended", {
    outcome: oneOf("done", "failed", "stopped", "undone"),
    reason: Type.Optional(reason),
  }),
]);
export type PlanEvent = Static<typeof planEventSchema>;

/** One event among those of all runs of a plan. */
export const planLoggedSchema = exact({
  /** The plan's own, or of a part that a relay carries out. */
  run: planRunId,
  relay: Type.Optional(text(400)),
  /** Of that run, counted from 0. */
  index: count,
  event: planEventSchema,
  /** Name of the run's plan, of the stage, and what task it is, where the event is of one. */
  plan: text(1_000),
  stage: Type.Optional(text(1_000)),
  command: Type.Optional(text(200)),
  host: Type.Optional(host),
});
export type PlanLogged = Static<typeof planLoggedSchema>;

const counts = exact({
  tasks: count,
  neverRun: count,
  running: count,
  retrying: count,
  done: count,
  unchanged: count,
  failed: count,
  stopped: count,
  unknown: count,
});

const summary = {
  run: planRunId,
  name: text(1_000),
  by: author,
  state: oneOf(
    "new",
    "queued",
    "going",
    "over",
    "paused",
    "stopping",
    "rolling-back",
    "unreadable",
  ),
  outcome: Type.Optional(oneOf("done", "failed", "stopped", "undone")),
  reason: Type.Optional(reason),
  locks,
  queuedAt: Type.Optional(count),
  beganAt: Type.Optional(count),
  endedAt: Type.Optional(count),
  /** It waits for somebody to approve a stage. */
  approval: Type.Optional(exact({ stage: text(1_000), by: Type.Optional(reason) })),
  /** All stages together, those of a rollback too. */
  counts,
};
export const planSummarySchema = exact(summary);
export type PlanSummary = Static<typeof planSummarySchema>;

const taskStatus = exact({
  task: taskId,
  command: text(200),
  host,
  state: oneOf(
    "running",
    "retrying",
    "done",
    "unchanged",
    "failed",
    "stopped",
    "unknown",
    "never-run",
  ),
  attempt: count,
  beganAt: Type.Optional(count),
  endedAt: Type.Optional(count),
  nextAt: Type.Optional(count),
  reason: Type.Optional(reason),
  lastLines,
  drones,
});

export const planStageSchema = exact({
  number: count,
  name: text(1_000),
  part: oneOf("plan", "rollback"),
  state: oneOf("ahead", "waiting", "running", "done", "failed", "stopped"),
  beganAt: Type.Optional(count),
  endedAt: Type.Optional(count),
  reason: Type.Optional(reason),
  waits: Type.Optional(
    exact({
      why: reason,
      since: count,
      until: Type.Optional(count),
      gate: Type.Optional(count),
      /** What was seen last when somebody looked whether the gate is open. */
      seen: Type.Optional(reason),
    }),
  ),
  lines: count,
  linesFailed: count,
  counts,
  hosts: list(exact({ host, counts }), 100_000),
  tasks: list(taskStatus, 1_000),
  tasksLeftOut: count,
});
export type PlanStage = Static<typeof planStageSchema>;

/** Where a run stands, but for its stages. */
export const planStandingSchema = exact({
  ...summary,
  /** Tasks that were done, of a run that is over, and can be taken back by asking for that. */
  stays: Type.Optional(reason),
  /** It cannot be written, and goes on when it can. */
  suspended: Type.Optional(exact({ since: count, why: reason })),
  /** The lock that it waits for, and the run that has it or comes before. */
  waitsFor: Type.Optional(exact({ lock: text(300), behind: planRunId })),
});
export type PlanStanding = Static<typeof planStandingSchema>;
