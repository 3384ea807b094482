/** What the machine of a release looks at, and how late it is. */
import type { ReleaseCommand } from "./release-progress.js";
import type { SeenDrone } from "./readiness.js";
import type { DeploymentRow, ReleaseRow } from "./rows.js";

/** What is left at least after a restart of the hub: time to come back, and to report. */
const resumedMs = 60_000;

/** Everything the machine may look at. */
export interface RolloutView {
  readonly now: number;
  /** What the engine waits for; undefined between two tasks, while it is paused, and in the queue. */
  readonly asked: ReleaseCommand | undefined;
  readonly release: Pick<ReleaseRow, "kind" | "specification" | "artifact" | "commit">;
  /** As it is in the ledger: before its turn that of a release before. */
  readonly deployment: DeploymentRow | undefined;
  /** All that did not end long ago. */
  readonly drones: readonly SeenDrone[];
  /** Identity of the drone that built last. */
  readonly builtOn: string | undefined;
  /** When this life of the hub began. */
  readonly hubSince: number;
  /** Why nothing can be run at all; asked when its turn comes. */
  readonly whyNot: string | undefined;
  /** Whether instances of a service were ended by hand on a drone, and stay so. */
  readonly isHeld: (identity: string, service: string) => boolean;
  /** Visitors are to be sent to it, and there are proxies that must see it first. */
  readonly asksProxies: boolean;
  readonly freshId: () => string;
}

/** What of it says when the machine must look again by itself. */
export type RolloutTimes = Pick<RolloutView, "release" | "hubSince" | "asked">;

/** After a restart of the hub drones need time to come back, however late it is. */
export function atLeast(deadline: number, { hubSince }: Pick<RolloutTimes, "hubSince">): number {
  return Math.max(deadline, hubSince + resumedMs);
}
