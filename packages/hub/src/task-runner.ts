/**
 * Asks drones to run the tasks of releases, and asks again when they are back: the same id is the same task
 * for a drone, however often it hears of it.
 */
import { toPropagitError, type Result } from "@propagit/protocol";
import { releaseOf } from "./core/rollout-edits.js";
import type { TaskRow } from "./core/rows.js";
import type { Fleet } from "./fleet.js";
import type { Ledger } from "./ledger.js";
import type { Rollout } from "./rollout.js";
import type { World } from "@propagit/runtime";

/** Until a drone that is too busy is asked again. */
const busyMs = 1_000;

export interface TaskRunnerOptions {
  readonly ended: (rollout: Rollout, id: string, result: Result<"drone.task">) => void;
}

export class TaskRunner {
  readonly #world: World;
  readonly #ledger: Ledger;
  readonly #fleet: Fleet;
  readonly #options: TaskRunnerOptions;

  constructor(world: World, ledger: Ledger, fleet: Fleet, options: TaskRunnerOptions) {
    this.#world = world;
    this.#ledger = ledger;
    this.#fleet = fleet;
    this.#options = options;
  }

  /** Asks the drone of a release's task, unless it is being asked; when it is away, nothing happens. */
  ask(rollout: Rollout): void {
    const { task } = rollout.row;
    if (rollout.isOver || task?.identity === undefined || rollout.asking === task.id) return;
    if (this.#fleet.member(task.identity)?.contact !== "connected") return;
    rollout.asking = task.id;
    void this.#run(rollout, task, task.identity);
  }

  /** Nobody needs its result any more. */
  cancel(task: TaskRow): void {
    if (task.identity === undefined) return;
    this.#fleet
      .call(task.identity, "drone.cancel-task", { id: task.id })
      .catch((thrown: unknown) => {
        const { message } = toPropagitError(thrown);
        this.#world.log.info(`a task that is not needed may go on: ${message}`);
      });
  }

  async #run(rollout: Rollout, task: TaskRow, identity: string): Promise<void> {
    try {
      const result = await this.#call(rollout, task, identity);
      this.#options.ended(rollout, task.id, result);
    } catch (thrown) {
      const { code, message } = toPropagitError(thrown);
      // When it is back, it is asked again.
      if (code === "LINK_LOST" || code === "NO_DRONE") return;
      if (code === "OVERLOADED" || code === "TIMED_OUT") {
        this.#world.clock.after(busyMs, () => this.ask(rollout));
      } else this.#options.ended(rollout, task.id, failedTask(message));
    } finally {
      if (rollout.asking === task.id) rollout.asking = undefined;
    }
  }

  #call(rollout: Rollout, { id, kind }: TaskRow, identity: string): Promise<Result<"drone.task">> {
    const { repo, environment, number, deployment } = rollout.row;
    const commit = releaseOf(this.#ledger, rollout.row)?.commit ?? "";
    const artifact = this.#ledger.rows("deployments").get(deployment)?.artifact ?? commit;
    const params = { id, kind, deployment, repo, environment, commit, artifact, release: number };
    const drone = this.#fleet.nameOf(identity);
    const output = rollout.outputOf(id);
    return this.#fleet.call(identity, "drone.task", params, {
      limitMs: 0,
      onPart: ({ at, text }) => {
        if (!rollout.isOver && output.isNew(text))
          rollout.tell({ kind: "output", at, drone, text });
      },
    });
  }
}

function failedTask(reason: string): Result<"drone.task"> {
  return { outcome: "failed", reason: reason.slice(0, 2_000), lastLines: [], tookMs: 0 };
}
