/** Tasks of a release: which there are, which drone gets one, and how long it may take. */
import {
  formatSelector,
  matchesSelector,
  type Specification,
  type Task,
  type RolloutPhase,
} from "@propagit/protocol";
import { isThere, type SeenDrone } from "./readiness.js";
import type { ReleaseCommand } from "./release-progress.js";
import type { DeploymentRow, ReleaseRow, RolloutRow, TaskRow } from "./rows.js";

export type TaskKind = TaskRow["kind"];
export type TaskCommand = Extract<ReleaseCommand, "build" | "test" | "release-step">;

/** Beyond what the task itself may take: a fetch, a checkout, a reconnect. A guess. */
const graceMs = 10 * 60_000;
/** While no drone that fits is there. */
const droneWaitMs = 5 * 60_000;
/** Of a build or test whose drones are lost one after the other, or do not survive it. */
export const attemptsMax = 3;

/**
 * Why there is nothing to do, in words; undefined when it must be done. What was built, and so tested, once is
 * not built again.
 */
export function whyNoTask(
  kind: TaskKind,
  { specification, artifact }: Pick<ReleaseRow, "specification" | "artifact">,
  former: DeploymentRow | undefined,
): string | undefined {
  if (!taskOf(specification, kind)) return "its manifest says nothing of it";
  switch (kind) {
    case "build":
      return (artifact ?? former?.artifact) === undefined ? undefined : "it is built already";
    case "test":
      return former && "what it runs was tested before";
    case "release":
      return undefined;
    default:
      return kind satisfies never;
  }
}

export function taskOf(specification: Specification, kind: TaskKind): Task | undefined {
  return specification[kind];
}

export function kindOfTask(command: TaskCommand): TaskKind {
  return command === "release-step" ? "release" : command;
}

export function commandOfTask(kind: TaskKind): TaskCommand {
  return kind === "release" ? "release-step" : kind;
}

export function phaseOfTask(kind: TaskKind): RolloutPhase {
  const phases = { build: "building", test: "testing", release: "releasing" } as const;
  return phases[kind];
}

/** The one that built last, as it has the caches; else one that is connected; else one that was just lost. */
export function chooseDrone(
  task: Task,
  drones: readonly SeenDrone[],
  preferred: string | undefined,
): SeenDrone | undefined {
  const fitting = drones.filter(
    (drone) => isThere(drone) && !drone.draining && matchesSelector(task.on, drone.labels),
  );
  const connected = fitting.filter(({ contact }) => contact === "connected");
  const of = connected.length > 0 ? connected : fitting;
  const sorted = [...of].sort((left, right) => (left.drone < right.drone ? -1 : 1));
  return sorted.find(({ identity }) => identity === preferred) ?? sorted[0];
}

/** When nobody waits for a task any more, in ms since 1970. */
export function taskDeadline({ startedAt, identity }: TaskRow, { timeoutMs }: Task): number {
  return startedAt + (identity === undefined ? droneWaitMs : timeoutMs + graceMs);
}

/** Why a task is over when its deadline has passed. */
export function lateTaskReason(
  { task }: RolloutRow,
  { on, timeoutMs }: Task,
  drone: SeenDrone | undefined,
): string {
  const what = task ? nameOfTask(task.kind) : "a task";
  if (task?.identity === undefined) {
    const wants = on.length > 0 ? ` fits \`${formatSelector(on)}\` and` : "";
    return `${what} had no drone for ${droneWaitMs / 60_000} min: none that${wants} is there`;
  }
  const where = drone?.drone ?? "a drone";
  const state = drone && isThere(drone) ? "gave no answer" : "was lost, and is not back";
  const isUnknown = task.kind === "release" ? "; whether it ran to its end is not known" : "";
  return `${what} may take ${timeoutMs / 1_000} s, but ${where} ${state}${isUnknown}`;
}

export function nameOfTask(kind: TaskKind): string {
  return kind === "release" ? "the release command" : `the ${kind}`;
}
