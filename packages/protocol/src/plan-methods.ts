/**
 * Plans carried out by the hub, and their tasks by drones:
 *
 *     command line --hub.plan-make--> hub: says what a change would do, as a plan
 *     command line --hub.plan-check--> hub: says whether it would begin such a plan, and what it would do
 *     command line --hub.plan-start--> hub: checks it, keeps it on disk, carries it out
 *     command line --hub.plan-follow--> hub: all that happens, from any event on, until it is over
 *     hub --drone.command--> drone: does it, remembers its end on disk, says it
 *     hub --drone.command-recall--> drone: what became of it, after either of them began a new life
 *
 * A key names one attempt at one task for ever: however often a drone hears it, it is the same attempt.
 */
import * as Type from "typebox";
import type { Static } from "typebox";
import {
  planAskSchema,
  planEventSchema,
  planHashSchema,
  planLoggedSchema,
  planRunId,
  planRunIdSchema,
  planStageSchema,
  planStandingSchema,
  planSummarySchema,
} from "./plan-sight.js";
import { filesPartSchema } from "./files-methods.js";
import { changeSchema, plannedSchema } from "./plan-make.js";
import { count, exact, list, oneOf, text } from "./shape.js";

const nothing = exact({});
const by = text(200);
/** An id, or how it begins. */
const id = Type.String({ minLength: 1, maxLength: 64 });

/** Characters of a plan that the hub takes: within one frame also when many of them are quotes. */
export const planTextCharsMax = 3_000_000;

/** On average; without `host` of that command anywhere. */
const planDurationSchema = exact({
  command: text(200),
  host: Type.Optional(text(400)),
  ms: count,
});

export const planMethods = {
  /** Begins a plan, or puts it behind those that hold one of its locks; on disk when it is answered. */
  "hub.plan-start": {
    params: exact({
      /** As it is written, JSON or YAML. */
      plan: text(planTextCharsMax),
      /** Where it came from, for places of problems. */
      file: text(1_000),
      by,
      /** Of the plan that was looked at: another one is refused. */
      hash: Type.Optional(planHashSchema),
      locks: Type.Optional(list(Type.String({ minLength: 1, maxLength: 300 }), 100)),
      /** For who may have to ask twice: the second time it is there already. */
      id: Type.Optional(planRunIdSchema),
    }),
    result: exact({ id: planRunId, hash: text(64) }),
    needs: "cluster",
  },
  /** What a change would do, as a plan; nothing is written and nothing begins. */
  "hub.plan-make": {
    params: exact({ change: changeSchema }),
    /**
     * The beginning of the plan as JSON, of one that is long; the rest is in the result. Of files: what each drone
     * says that would change.
     */
    part: Type.Union([text(600_000), filesPartSchema]),
    result: exact({ hash: text(64), text: text(600_000), told: plannedSchema }),
    needs: "cluster",
  },
  /** Refuses what `hub.plan-start` would refuse, or says what it would do; nothing is written and nothing begins. */
  "hub.plan-check": {
    params: exact({
      plan: text(planTextCharsMax),
      file: text(1_000),
      hash: Type.Optional(planHashSchema),
    }),
    result: exact({ hash: text(64), told: plannedSchema }),
    needs: "cluster",
  },
  /** Newest first. */
  "hub.plans": {
    params: nothing,
    part: list(planSummarySchema, 1_000),
    result: exact({ plans: list(planSummarySchema, 1_000) }),
    needs: "cluster",
  },
  "hub.plan-status": {
    params: exact({
      id,
      /** `notable`, the default: what runs, is tried again, failed, was stopped or is unknown. */
      tasks: Type.Optional(oneOf("notable", "all")),
    }),
    part: list(planStageSchema, 1_000),
    result: exact({ plan: planStandingSchema, stages: list(planStageSchema, 1_000) }),
    needs: "cluster",
  },
  /** Events from the one with this number on, counted from 0; ends when the run is over. */
  "hub.plan-follow": {
    params: exact({ id, from: count }),
    part: list(exact({ index: count, event: planEventSchema }), 1_000),
    result: planSummarySchema,
    needs: "cluster",
  },
  /** What happened to a plan and to all parts of it that relays carry out, as far as the hub has heard, by time. */
  "hub.plan-log": {
    params: exact({
      id,
      /** Of runs of which the first so many events are known already. */
      seen: list(exact({ run: planRunId, events: count }), 1_000),
      /** The newest of the others. */
      eventsMax: Type.Integer({ minimum: 1, maximum: 100_000 }),
    }),
    part: list(planLoggedSchema, 5_000),
    result: exact({
      run: planRunId,
      /** Older ones, for which there was no room. */
      leftOut: count,
      isOver: Type.Boolean(),
      events: list(planLoggedSchema, 5_000),
    }),
    needs: "cluster",
  },
  /** How long tasks took in past runs of plans of that name: waiting between them does not count. */
  "hub.plan-durations": {
    params: exact({ name: text(1_000) }),
    part: list(planDurationSchema, 20_000),
    result: exact({ durations: list(planDurationSchema, 20_000) }),
    needs: "cluster",
  },
  /** On disk when it is answered. */
  "hub.plan-ask": {
    params: exact({ id, ask: planAskSchema, by }),
    result: exact({ id: planRunId }),
    needs: "cluster",
  },
  /** The plan as JSON, every default left out that is one. */
  "hub.plan-text": {
    params: exact({ id }),
    /** The beginning, of one that is long; the rest is in the result. */
    part: text(600_000),
    result: exact({ id: planRunId, hash: text(64), text: text(600_000) }),
    needs: "cluster",
  },
} as const;

/** `<run>/<task>/<attempt>` */
const key = Type.String({ pattern: "^[A-Za-z0-9._/-]{1,200}$" });

const commandEnd = {
  outcome: oneOf("done", "unchanged", "failed", "unknown"),
  /** What the command says of it, or why it failed. */
  reason: Type.Optional(text(1_000)),
  lastLines: list(text(500), 20),
};
export const commandEndSchema = exact({
  ...commandEnd,
  /** How the last program that it ran ended. */
  exit: Type.Optional(count),
  /** It failed, and would again: it is not tried again by itself. */
  refused: Type.Optional(Type.Boolean()),
});
export type DroneCommandEnd = Static<typeof commandEndSchema>;

/** What became of an attempt. */
export const commandRecalledSchema = Type.Union([
  exact({ state: Type.Literal("ended"), end: commandEndSchema }),
  /** `unknown`: a former life of the drone began it, and it may run once. */
  exact({ state: oneOf("begun", "not-begun", "unknown") }),
]);
export type CommandRecalled = Static<typeof commandRecalledSchema>;

export const planDroneMethods = {
  /**
   * Carries out a command of the tool-box, or of a project. Who goes away leaves it under way: the same key joins it, or has
   * its end told. What was under way when a drone died is done again when asked, if it is not `once`.
   */
  "drone.command": {
    params: exact({
      key,
      command: text(200),
      /** As they are written in the plan, with every default; JSON. */
      args: text(2_000_000),
      timeoutMs: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
      /** It may never be done twice: what nobody knows the end of is `unknown`. */
      once: Type.Boolean(),
      /** Where it is found when it is none of the tool-box: the propagit.config of a commit. */
      code: Type.Optional(exact({ repo: text(300), commit: text(64) })),
      /** What it may use, hidden under the session's key; kept in memory only, and in nothing that it says. */
      secrets: Type.Optional(list(exact({ name: text(200), hidden: text(200_000) }), 100)),
      /** It only looks, for a gate: nobody asks again what became of it. */
      look: Type.Optional(Type.Boolean()),
    }),
    /** The newest lines of output; those between are left out when there are many. */
    part: list(text(500), 20),
    result: commandEndSchema,
    needs: "cluster",
  },
  /** Ends it; its call ends with `failed`. */
  "drone.command-cancel": { params: exact({ key }), result: nothing, needs: "cluster" },
  "drone.command-recall": {
    params: exact({ keys: list(key, 1_000) }),
    result: exact({
      /** In the order of the keys. */
      commands: list(commandRecalledSchema, 1_000),
    }),
    needs: "cluster",
  },
} as const;
