/**
 * Carries out tasks that are a change of the cluster in one step (`plan-commands/change-commands.ts`): the desk
 * that does it when a user asks for it does it here, too. Done twice it finds everything as it should be.
 */
import { environmentDefault, PropagitError, type DroneProgress } from "@propagit/protocol";
import type { Executor, Task, TaskCall, TaskEnd, TaskOrder } from "@propagit/plan";
import type { HoldDesk } from "./hold-desk.js";
import type { RetentionDesk } from "./retention-desk.js";
import type { StopDesk } from "./stop-desk.js";
import type { TrafficDesk } from "./traffic-desk.js";

export interface ChangeDesks {
  readonly traffic: Pick<TrafficDesk, "promote">;
  readonly stops: Pick<StopDesk, "stop">;
  readonly retention: Pick<RetentionDesk, "reap">;
  readonly holds: Pick<HoldDesk, "drain">;
}

export class ChangeTasks implements Executor {
  readonly #desks: ChangeDesks;
  readonly #authorOf: (run: string) => string | undefined;

  constructor(desks: ChangeDesks, authorOf: (run: string) => string | undefined) {
    this.#desks = desks;
    this.#authorOf = authorOf;
  }

  /** @throws as the change itself */
  async run({ run, task }: TaskOrder, { signal, onOutput }: TaskCall): Promise<TaskEnd> {
    const by = this.#authorOf(run) ?? "somebody";
    const { traffic, stops, retention, holds } = this.#desks;
    const { repo = "", environment = environmentDefault, ref = "", name = "" } = wordsOf(task);
    const watch = { part: (progress: DroneProgress) => onOutput(lineOf(progress)), signal };
    switch (task.command) {
      case "promote":
        await traffic.promote({ repo, environment, ref, by });
        return { outcome: "done" };
      case "stop": {
        const force = task.args["force"] === true;
        const { outcome, drones } = await stops.stop({ repo, environment, ref, force, by }, watch);
        const late = drones.find((drone) => drone.outcome === "failed");
        if (outcome === "stopped") return { outcome: "done" };
        return {
          outcome: "failed",
          reason: `drone ${late?.drone}: ${late?.reason ?? "no reason given"}`,
        };
      }
      case "reap":
        await retention.reap({ dryRun: false, ...(repo !== "" && { repo }) });
        return { outcome: "done" };
      case "drain-drone":
      case "undrain-drone": {
        const drain = task.command === "drain-drone";
        await holds.drain({ drone: name, drain, by }, watch);
        return { outcome: "done" };
      }
      default:
        throw new PropagitError("INTERNAL", `${task.command} is no change in one step`);
    }
  }

  /** It can be done again. */
  recall(): Promise<"not-begun"> {
    return Promise.resolve("not-begun");
  }
}

/** Their shapes were read with the plan. */
function wordsOf({ args }: Task): Readonly<Record<string, string | undefined>> {
  return args as Readonly<Record<string, string | undefined>>;
}

function lineOf({ drone, phase, reason }: DroneProgress): string {
  return `${drone}: ${phase}${reason === undefined ? "" : `: ${reason}`}`;
}
