/**
 * Parts of plans that relays carry out by themselves:
 *
 *     hub --drone.errands--> each drone of the part: what it will be asked, by whom, until when; it fetches files
 *     hub --drone.delegate--> relay: keeps the part on its disk, and carries it out
 *     hub --drone.delegate-follow--> relay: all that happens, from any event on; again after each cut of the line
 *     hub --drone.delegate-wish--> relay: pause, stop, …, as it stands, so that a lost one does not matter
 *     drone --relay.errands--> relay, on a line of their own, also while the hub is away
 *     relay --drone.errand--> drone: one of the tasks that the hub told it of, and nothing else
 *     relay --drone.errand-recall, drone.errand-cancel--> drone: what became of it; it is to end
 */
import * as Type from "typebox";
import type { Static } from "typebox";
import { commandEndSchema, commandRecalledSchema } from "./plan-methods.js";
import {
  planEventSchema,
  planHashSchema as hash,
  planRunId,
  planRunIdSchema as run,
  planStageSchema,
  planStandingSchema,
  planSummarySchema,
} from "./plan-sight.js";
import { count, exact, list, name, oneOf, text } from "./shape.js";

const nothing = exact({});
const by = text(200);
const taskId = Type.String({ pattern: "^[0-9.]{5,64}$" });

/** What is asked of a part, all of it together. */
export const delegationWishSchema = exact({
  paused: Type.Boolean(),
  /** How often waiting was to be skipped, and failed tasks to be tried again, so far. */
  skips: count,
  retries: count,
  stop: Type.Optional(exact({ undo: Type.Boolean(), now: Type.Boolean() })),
  /** Who asked last. */
  by,
});
export type DelegationWish = Static<typeof delegationWishSchema>;

export const planDelegationSchema = exact({
  /** The run that handed it on, and the task by which it did. */
  parent: planRunId,
  task: taskId,
  relay: name,
  run: planRunId,
  /** `waiting`: the relay has not taken it over yet. `cut`: there is no line, and what is told is of before. */
  line: oneOf("waiting", "up", "cut"),
  plan: planStandingSchema,
  stages: list(planStageSchema, 1_000),
});
export type PlanDelegation = Static<typeof planDelegationSchema>;

export const delegationMethods = {
  /** Parts of a plan that were handed on, and parts of those: where each stands, as far as the hub has heard. */
  "hub.plan-delegations": {
    params: exact({ id: Type.String({ minLength: 1, maxLength: 64 }) }),
    part: list(planDelegationSchema, 100),
    result: exact({ delegations: list(planDelegationSchema, 100) }),
    needs: "cluster",
  },
} as const;

export const errandSchema = exact({
  task: taskId,
  command: text(200),
  /** As they are written in the plan, with every default; JSON. */
  args: text(2_000_000),
  timeoutMs: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  once: Type.Boolean(),
});
export type Errand = Static<typeof errandSchema>;

const errands = exact({
  run,
  /** Of the part. */
  hash,
  /** Where the relay takes the drones' lines. */
  relay: exact({ name, host: text(255), port: Type.Integer({ minimum: 1, maximum: 65_535 }) }),
  /** In ms since 1970. */
  until: count,
  tasks: list(errandSchema, 1_000),
});
export type Errands = Static<typeof errands>;

/** One attempt at a task of a part. */
const attempt = exact({ run, hash, task: taskId, attempt: count });

export const delegationDroneMethods = {
  /** Answered once it is on the drone's disk; what it needs is fetched from then on. */
  "drone.errands": { params: errands, result: nothing, needs: "cluster" },
  "drone.errands-over": { params: exact({ run }), result: nothing, needs: "cluster" },
  /** Takes a part over; on disk when it is answered, and the same when it is said again. */
  "drone.delegate": {
    params: exact({ run, plan: text(2_500_000), hash, by }),
    result: nothing,
    needs: "cluster",
  },
  /** Ends when the part is over; NO_PLAN when it was not taken over. */
  "drone.delegate-follow": {
    params: exact({ run, from: count }),
    part: list(exact({ index: count, event: planEventSchema }), 1_000),
    result: planSummarySchema,
    needs: "cluster",
  },
  "drone.delegate-wish": {
    params: exact({ run, wish: delegationWishSchema }),
    result: nothing,
    needs: "cluster",
  },
  /** Drone to relay, on a line of its own: it is there, and may be asked. */
  "relay.errands": { params: exact({ drone: name }), result: nothing, needs: "cluster" },
  /** Relay to drone, on that line. The same attempt, asked again, joins what is under way or has its end told. */
  "drone.errand": {
    params: attempt,
    part: list(text(500), 20),
    result: commandEndSchema,
    needs: "cluster",
  },
  /** What became of it, for a relay that began a new life meanwhile. */
  "drone.errand-recall": { params: attempt, result: commandRecalledSchema, needs: "cluster" },
  /** Ends it; its call ends with `failed`. A part that was handed on goes on: it hears of the hub that it is to stop. */
  "drone.errand-cancel": { params: attempt, result: nothing, needs: "cluster" },
} as const;
