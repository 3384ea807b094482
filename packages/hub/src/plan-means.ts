/** What the hub has for plans beside its drones; made in `system/`. */
import { PropagitError } from "@propagit/protocol";
import type { Commands, Host, ProjectCommands, TaskPlace } from "@propagit/plan";

export interface PlanMeans {
  /** All that a plan may ask for here. */
  readonly commands: Commands;
  /** It may run programs of plans on its own machine, and go to others by ssh. */
  readonly runsPrograms: boolean;
  /** Runs commands of projects here, where it may run programs. */
  readonly project?: ProjectCommands;
  /** The hub's machine, or one behind ssh. */
  readonly hostFor: (where: Exclude<TaskPlace, { kind: "drone" }>) => Host;
  /** Ends connections to hosts. */
  close(): Promise<void>;
}

/** The hub's machine for plans that may only reach out from it. */
export function reachingOut(host: Host): Host {
  const refuse = () =>
    Promise.reject(
      new PropagitError("TASK_REFUSED", "the hub runs nothing of plans on its own machine", {
        hint: "name a drone, or start the hub with --plan-commands",
      }),
    );
  return { ...host, execute: refuse, put: refuse, exists: refuse };
}
