/**
 * A release on its way, as a machine: events and what is seen of the drones in, the next state and effects
 * out. The state is a row of the ledger; the effects in `durable` are written together with it, the others
 * happen afterwards. So a hub that dies anywhere goes on from the last state that was written.
 *
 *     queued --turn--> building --done--> testing --done--> releasing --done--> starting --ready--> (end: ready)
 *        |                 |                |                  |                   |  ^
 *        |                 |                |                  |        gets visitors |seen, but no longer ready
 *        |                 |                |                  |                   v  |
 *        |                 |                |                  |                promoting --seen--> (end: ready)
 *        |                 \________________\__________________\___________________/
 *        |            a task failed, an instance failed, late, unseen, cancelled, stopped, held
 *        |                                              |
 *        |                                          undoing --gone | late--> (end: failed | cancelled)
 *        \--cancelled | nothing fits--> (end: cancelled | failed)
 *
 *     a task:  (no drone) --one fits--> given --done | failed-->
 *                  \<--its drone is away, or did not survive it: a build or test is given anew--/
 *
 * Tasks that a release does not have are passed over. While it is `promoting`, every live proxy is asked
 * whether it sees the release; visitors are sent to it in the same write that ends it. An event that comes twice, late or about something else changes nothing.
 */
import type { DroneOutcome, Result } from "@propagit/protocol";
import { isThere } from "./readiness.js";
import {
  isGivenUp,
  latenessOf,
  outcomeOf,
  rememberDrones,
  rememberFailing,
  servicesNow,
  startDeadline,
  verdicts,
  whatLacks,
} from "./rollout-start.js";
import { lostService } from "./rollout-waits.js";
import {
  attemptsMax,
  chooseDrone,
  lateTaskReason,
  nameOfTask,
  phaseOfTask,
  taskDeadline,
  taskOf,
  tasksOf,
  type TaskKind,
} from "./rollout-tasks.js";
import { atLeast, type RolloutTimes, type RolloutView } from "./rollout-view.js";
import type { RolloutRow, TaskRow } from "./rows.js";

/** For instances to go away again; a guess. */
const undoMs = 2 * 60_000;
export type TaskResult = Result<"drone.task">;

export type RolloutEvent =
  /** Its place is free: whatever was there before is over. */
  | { readonly kind: "turn" }
  /** Something of the drones, or the time, has changed; after a restart of the hub too. */
  | { readonly kind: "looked" }
  | { readonly kind: "task-ended"; readonly id: string; readonly result: TaskResult }
  | { readonly kind: "cancelled"; readonly text: string }
  /** Every live proxy can send visitors to it. */
  | { readonly kind: "seen" }
  /** No proxy can, and it was tried for long enough. */
  | { readonly kind: "unseen"; readonly reason: string }
  /** What it is to run was stopped by somebody. */
  | { readonly kind: "stopped"; readonly text: string }
  /** Instances of these services were ended by hand, and stay so. */
  | { readonly kind: "held"; readonly services: readonly string[]; readonly by: string };

export type DurableEffect =
  /** Its deployment is made, or taken over from a release before. */
  | { readonly kind: "prepare" }
  | { readonly kind: "built"; readonly artifact: string; readonly identity: string | undefined }
  /** Drones are to run these services. */
  | { readonly kind: "start"; readonly services: readonly string[] }
  /** What only this release wanted is no longer wanted. */
  | { readonly kind: "undo" }
  | { readonly kind: "end"; readonly end: RolloutEnd };

type OutwardEffect =
  | { readonly kind: "run-task"; readonly task: TaskRow }
  | { readonly kind: "cancel-task"; readonly task: TaskRow }
  /** Whether they see it; asked again and again, and carried out once. */
  | { readonly kind: "ask-proxies" }
  | { readonly kind: "note"; readonly text: string };

export interface RolloutEnd {
  readonly state: "ready" | "failed" | "cancelled";
  readonly reason?: string;
  readonly lastLines?: string[];
  readonly drones: readonly DroneOutcome[];
}

export interface RolloutStep {
  readonly row: RolloutRow;
  readonly durable: readonly DurableEffect[];
  readonly outward: readonly OutwardEffect[];
}

export function stepRollout(row: RolloutRow, event: RolloutEvent, view: RolloutView): RolloutStep {
  switch (event.kind) {
    case "turn":
      return row.phase === "queued" ? begin(row, view) : nothing(row);
    case "looked":
      return look(row, view);
    case "task-ended":
      if (row.task?.id !== event.id || row.phase === "undoing") return nothing(row);
      return takeResult(row, row.task, event.result, view);
    case "seen":
      return row.phase === "promoting" ? seen(row, view) : nothing(row);
    case "unseen": {
      if (row.phase !== "promoting") return nothing(row);
      const reason = `no proxy sees it: ${event.reason}`;
      return give(row, view, { state: "failed", reason, drones: [] });
    }
    case "cancelled":
      return give(row, view, { state: "cancelled", reason: event.text, drones: [] });
    case "stopped": {
      const { former: _, ...rest } = row;
      return give(rest, view, { state: "failed", reason: event.text, drones: [] });
    }
    case "held": {
      const lost = row.phase === "queued" ? undefined : lostService(event.services, view);
      if (lost === undefined) return nothing(row);
      const reason = `${event.by} stopped ${lost} meanwhile`;
      return give(row, view, { state: "failed", reason, drones: [] });
    }
    default:
      return event satisfies never;
  }
}

/** When the machine must look again although nothing happened, in ms since 1970. */
export function deadlineOf(row: RolloutRow, view: RolloutTimes): number | undefined {
  switch (row.phase) {
    case "queued":
    case "promoting":
      return undefined;
    case "building":
    case "testing":
    case "releasing": {
      const task = row.task && taskOf(view.release.specification, row.task.kind);
      return task && row.task && atLeast(taskDeadline(row.task, task), view);
    }
    case "starting":
      return startDeadline(row, view);
    case "undoing":
      return atLeast(row.phaseAt + undoMs, view);
    default:
      return row.phase satisfies never;
  }
}

function begin(row: RolloutRow, view: RolloutView): RolloutStep {
  const { release, deployment, whyNot } = view;
  if (whyNot !== undefined) return end(row, { state: "failed", reason: whyNot, drones: [] });
  const former = deployment?.started ? deployment : undefined;
  const isBuilt = release.artifact !== undefined || former?.artifact !== undefined;
  const tasks = tasksOf(release, isBuilt, former);
  const begun = proceed({ ...row, tasks, ...(former && { former }) }, view);
  return { ...begun, durable: [{ kind: "prepare" }, ...begun.durable] };
}

/** The next task, or the start when there is none left. */
function proceed(row: RolloutRow, view: RolloutView): RolloutStep {
  const { task: _, ...rest } = row;
  const [kind] = row.tasks;
  if (kind === undefined) return start(rest, view);
  const phase = phaseOfTask(kind);
  return assign({ ...rest, phase, phaseAt: view.now }, kind, 1, view);
}

/** Gives a task to a drone, or to the next one that fits and comes. */
function assign(row: RolloutRow, kind: TaskKind, attempt: number, view: RolloutView): RolloutStep {
  const task = taskOf(view.release.specification, kind);
  const drone = task && chooseDrone(task, view.drones, view.builtOn);
  const next: TaskRow = {
    id: view.freshId(),
    kind,
    startedAt: view.now,
    attempt,
    ...(drone && { identity: drone.identity }),
  };
  const outward: OutwardEffect[] = drone
    ? [{ kind: "run-task", task: next }]
    : [{ kind: "note", text: `${nameOfTask(kind)} waits for a drone that fits` }];
  return { row: { ...row, task: next }, durable: [], outward };
}

function start(row: RolloutRow, view: RolloutView): RolloutStep {
  const drones = rememberDrones(row, view.drones);
  const services = servicesNow(row, view, []);
  return {
    row: { ...row, phase: "starting", phaseAt: view.now, drones },
    durable: [{ kind: "start", services }],
    outward: [],
  };
}

function look(row: RolloutRow, view: RolloutView): RolloutStep {
  switch (row.phase) {
    case "queued":
      return nothing(row);
    case "promoting":
      return { ...nothing(row), outward: [{ kind: "ask-proxies" }] };
    case "building":
    case "testing":
    case "releasing":
      return row.task ? lookAtTask(row, row.task, view) : nothing(row);
    case "starting":
      return lookAtStart(row, view, false);
    case "undoing":
      return lookAtUndoing(row, view);
    default:
      return row.phase satisfies never;
  }
}

function lookAtTask(row: RolloutRow, task: TaskRow, view: RolloutView): RolloutStep {
  const specified = taskOf(view.release.specification, task.kind);
  if (!specified) return proceed({ ...row, tasks: row.tasks.slice(1) }, view);
  const drone = view.drones.find(({ identity }) => identity === task.identity);
  if (view.now >= atLeast(taskDeadline(task, specified), view)) {
    const reason = lateTaskReason(row, specified, drone);
    return give(row, view, { state: "failed", reason, drones: [] });
  }
  if (task.identity === undefined) {
    const isAnyThere = chooseDrone(specified, view.drones, view.builtOn) !== undefined;
    return isAnyThere ? assign(row, task.kind, task.attempt, view) : nothing(row);
  }
  // What a release command did cannot be known, so it is waited for; others are begun elsewhere.
  if (task.kind === "release" || (drone && isThere(drone))) return nothing(row);
  return again(row, task, `${drone?.drone ?? "its drone"} is away`, view);
}

function takeResult(
  row: RolloutRow,
  task: TaskRow,
  result: TaskResult,
  view: RolloutView,
): RolloutStep {
  const where = view.drones.find(({ identity }) => identity === task.identity)?.drone ?? "a drone";
  const { reason, lastLines } = result;
  switch (result.outcome) {
    case "done": {
      const next = proceed({ ...row, tasks: row.tasks.slice(1) }, view);
      if (task.kind !== "build") return next;
      const artifact = result.artifact ?? view.release.commit;
      const built = { kind: "built", artifact, identity: task.identity } as const;
      return { ...next, durable: [built, ...next.durable] };
    }
    case "failed":
      return give(row, view, {
        state: "failed",
        reason: `${nameOfTask(task.kind)} failed on ${where}: ${reason ?? "no reason given"}`,
        lastLines,
        drones: [],
      });
    case "interrupted":
      if (task.kind !== "release") {
        return again(row, task, reason ?? `${where} did not survive it`, view);
      }
      return give(row, view, {
        state: "failed",
        reason: `the release command was interrupted on ${where}, and is never run again by itself: ${reason ?? "the drone did not survive it"}`,
        lastLines,
        drones: [],
      });
    default:
      return result.outcome satisfies never;
  }
}

function again(row: RolloutRow, task: TaskRow, why: string, view: RolloutView): RolloutStep {
  const what = nameOfTask(task.kind);
  if (task.attempt >= attemptsMax) {
    const reason = `${what} was begun ${attemptsMax} times and never came to an end: ${why}`;
    return give(row, view, { state: "failed", reason, drones: [] });
  }
  const next = assign(row, task.kind, task.attempt + 1, view);
  const note = { kind: "note", text: `${what} begins again: ${why}` } as const;
  return { ...next, outward: [note, ...next.outward] };
}

function lookAtStart(before: RolloutRow, view: RolloutView, isSeen: boolean): RolloutStep {
  const started = view.deployment?.services ?? [];
  const services = servicesNow(before, view, started);
  if (services.length > started.length) {
    return { row: before, durable: [{ kind: "start", services }], outward: [] };
  }
  const seen = verdicts(before, view);
  const row = rememberFailing(before, seen, view.now);
  const isPending = seen.some(({ verdict }) => verdict.kind === "pending");
  if (isPending && !isGivenUp(row, view)) return nothing(row);
  const drones = seen.map(outcomeOf);
  const failed = drones.filter(({ outcome }) => outcome === "failed");
  const [first] = failed;
  if (first) {
    const where =
      failed.length === 1 ? first.drone : `${failed.length} drones, first ${first.drone}`;
    const reason = `it failed on ${where}: ${first.reason ?? "no reason given"}`;
    const { lastLines } = first;
    return give(row, view, { state: "failed", reason, drones, ...(lastLines && { lastLines }) });
  }
  const lacking = whatLacks(services, view);
  if (lacking === undefined) {
    return isSeen || !view.asksProxies
      ? end(row, { state: "ready", drones })
      : askProxies(row, view);
  }
  // Drones may be there in a moment that run what no drone runs now.
  if (latenessOf(row, view) === undefined && view.drones.some(isThere)) return nothing(row);
  return give(row, view, { state: "failed", reason: lacking, drones });
}

/** Who gets visitors is seen by the proxies first. */
function askProxies(row: RolloutRow, view: RolloutView): RolloutStep {
  return {
    row: { ...row, phase: "promoting", phaseAt: view.now },
    durable: [],
    outward: [{ kind: "ask-proxies" }],
  };
}

/** It ends, unless something of it has failed since. */
function seen(row: RolloutRow, view: RolloutView): RolloutStep {
  const step = lookAtStart({ ...row, phase: "starting", phaseAt: view.now }, view, true);
  const isEnd = step.durable.some(({ kind }) => kind === "end");
  return isEnd ? { ...step, row } : step;
}

function lookAtUndoing(row: RolloutRow, view: RolloutView): RolloutStep {
  const { failure, former } = row;
  const isGone = view.drones.every(
    ({ contact, reports }) =>
      contact !== "connected" || reports.every(({ phase }) => phase === "stopped"),
  );
  const isOver = former !== undefined || isGone || view.now >= atLeast(row.phaseAt + undoMs, view);
  if (!failure || !isOver) return nothing(row);
  return end(row, failure);
}

/** Gives up: the first reason stays, and what was begun is put back. */
function give(
  row: RolloutRow,
  view: RolloutView,
  failure: NonNullable<RolloutRow["failure"]>,
): RolloutStep {
  if (row.phase === "undoing") return nothing(row);
  if (row.phase === "queued") return end(row, failure);
  const { task, failingSince: _, ...rest } = row;
  // A cancelled start tells how far its drones were.
  const drones =
    failure.drones.length > 0 || (row.phase !== "starting" && row.phase !== "promoting")
      ? failure.drones
      : verdicts(row, view).map(outcomeOf);
  return {
    row: { ...rest, phase: "undoing", phaseAt: view.now, failure: { ...failure, drones } },
    durable: [{ kind: "undo" }],
    outward: task?.identity === undefined ? [] : [{ kind: "cancel-task", task }],
  };
}

function end(row: RolloutRow, result: RolloutEnd): RolloutStep {
  return { row, durable: [{ kind: "end", end: result }], outward: [] };
}

function nothing(row: RolloutRow): RolloutStep {
  return { row, durable: [], outward: [] };
}
