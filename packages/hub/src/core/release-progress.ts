/** How far a release has come with the tasks of its plan. */
import type { RolloutRow } from "./rows.js";

/** In the order in which a plan asks for them. */
const releaseSteps = [
  "open-release",
  "build",
  "test",
  "release-step",
  "start",
  "wait-healthy",
  "shift-traffic",
  "close-release",
  "undo-release",
] as const;
export type ReleaseCommand = (typeof releaseSteps)[number];

/** What a release asks of drones past its machine, which knows nothing of it: see `release-drones.ts`. */
const droneSteps = ["distribute-release", "restart-release"] as const;
export type ReleaseDroneCommand = (typeof droneSteps)[number];

export function isReleaseCommand(command: string): command is ReleaseCommand | ReleaseDroneCommand {
  return (releaseSteps as readonly string[]).includes(command) || isReleaseDroneCommand(command);
}

export function isReleaseDroneCommand(command: string): command is ReleaseDroneCommand {
  return (droneSteps as readonly string[]).includes(command);
}

/** What reaches all drones of its task at once, however many it names. */
export function reachesTogether(command: string): boolean {
  return command === "start" || isReleaseDroneCommand(command);
}

type Progress = Pick<RolloutRow, "done">;

/** Its turn has come. */
export function isOpen({ done }: Progress): boolean {
  return done !== undefined;
}

/** What only looks is never done for good: it looks again. */
export function hasDone({ done }: Progress, command: ReleaseCommand): boolean {
  return done !== undefined && releaseSteps.indexOf(command) <= releaseSteps.indexOf(done);
}
