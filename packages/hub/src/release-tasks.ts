/**
 * Carries out the tasks of releases for the engine: finds the release on its way, asks its machine for the task,
 * and gives the machine's answer as the task's end.
 *
 *     engine --run--> release on its way? --no--> how it ended answers
 *                      | its machine is asked, and answers
 *     engine --recall--> what the ledger's row remembers: begun | not-begun | its end
 */
import { PropagitError } from "@propagit/protocol";
import {
  argsOf,
  type Executor,
  type Task,
  type TaskCall,
  type TaskEnd,
  type TaskOrder,
} from "@propagit/plan";
import {
  hasDone,
  isReleaseDroneCommand,
  type ReleaseCommand,
  type ReleaseDroneCommand,
} from "./core/release-progress.js";
import { kindOfTask, type TaskCommand } from "./core/rollout-tasks.js";
import type { RolloutEvent, RolloutFailure, TaskAnswer } from "./core/rollout-step.js";
import { releaseKey } from "./core/rows.js";
import type { Ledger } from "./ledger.js";
import { releaseCommands } from "./plan-commands/release-commands.js";
import { named, type ReleaseWords } from "./plan-commands/kit/release-words.js";
import type { ReleaseDrones } from "./release-drones.js";
import type { RolloutQueues } from "./rollout-queues.js";
import type { Rollout } from "./rollout.js";

export interface ReleaseTasksParts {
  readonly ledger: Ledger;
  readonly queues: RolloutQueues;
  readonly feed: (rollout: Rollout, event: RolloutEvent) => void;
  readonly drones: Pick<ReleaseDrones, "distribute" | "restart">;
  /** Why a run undoes what it did. */
  readonly whyUndone: (run: string) => Promise<RolloutFailure>;
}

export class ReleaseTasks implements Executor {
  readonly #parts: ReleaseTasksParts;

  constructor(parts: ReleaseTasksParts) {
    this.#parts = parts;
  }

  async run(order: TaskOrder, call: TaskCall): Promise<TaskEnd> {
    const { feed, whyUndone } = this.#parts;
    const { task, run } = order;
    const words = wordsOf(task);
    const command = task.command as ReleaseCommand | ReleaseDroneCommand;
    const why = command === "undo-release" ? await whyUndone(run) : undefined;
    const rollout = this.#find(words);
    if (!rollout) return this.#endOf(command, words);
    if (rollout.row.run !== run) throw ofAnother(words, rollout.row.run);
    if (isReleaseDroneCommand(command)) {
      return this.#onDrones(rollout, command, words, { order, call });
    }
    const { drones } = words;
    const answer = this.#answer(rollout, command, { call, drones });
    feed(rollout, { kind: "asked", command, ...(why && { why }), ...(drones && { drones }) });
    return endOf(await answer);
  }

  /** A release's row is written before anything of it is done. */
  remembers(): boolean {
    return true;
  }

  async recall({ task }: TaskOrder): Promise<TaskEnd | "begun" | "not-begun"> {
    const words = wordsOf(task);
    const command = task.command as ReleaseCommand | ReleaseDroneCommand;
    const rollout = this.#find(words);
    if (!rollout) return this.#endOf(command, words);
    const { row } = rollout;
    // Both may be done twice: what is there is there, and who was restarted is once more.
    if (isReleaseDroneCommand(command)) return "not-begun";
    // Of several waves each is wanted; asked again it finds itself there.
    if (hasDone(row, command) && command !== "start") return { outcome: "done" };
    if (command === "undo-release") return row.phase === "undoing" ? "begun" : "not-begun";
    if (row.failure) {
      const { reason, lastLines } = row.failure;
      return { outcome: "failed", reason, ...(lastLines && { lastLines }) };
    }
    const isBegun = isTaskCommand(command) && row.task?.kind === kindOfTask(command);
    return isBegun ? "begun" : "not-begun";
  }

  async #onDrones(
    { row }: Rollout,
    command: ReleaseDroneCommand,
    { drones: names }: TaskWords,
    asked: { readonly order: TaskOrder; readonly call: TaskCall },
  ): Promise<TaskEnd> {
    const { drones } = this.#parts;
    switch (command) {
      case "distribute-release":
        return drones.distribute(row, names, asked);
      case "restart-release":
        return drones.restart(row, names, asked);
      default:
        return command satisfies never;
    }
  }

  /** What its machine says; when the engine does not want it any more, that it was ended. */
  #answer(
    rollout: Rollout,
    command: ReleaseCommand,
    {
      call: { signal, onOutput, onDrones },
      drones,
    }: { readonly call: TaskCall; readonly drones: TaskWords["drones"] },
  ): Promise<TaskAnswer> {
    return new Promise((settle) => {
      rollout.asked = { command, settle, onOutput, onDrones, drones };
      const reason = "it was ended";
      const end = () => rollout.settle({ command, outcome: "failed", reason });
      if (signal.aborted) end();
      else signal.addEventListener("abort", end, { once: true });
    });
  }

  #find({ repo, environment, release }: ReleaseWords): Rollout | undefined {
    return this.#parts.queues.find({ repo, environment, release });
  }

  /** Of a release that is not on its way: over, or never made. */
  #endOf(command: ReleaseCommand | ReleaseDroneCommand, words: ReleaseWords): TaskEnd {
    const { repo, environment, release } = words;
    const row = this.#parts.ledger.rows("releases").get(releaseKey(repo, environment, release));
    if (!row) return { outcome: "failed", reason: `there is no ${named(words)}` };
    if (command === "undo-release") return { outcome: "unchanged" };
    if (row.state === "ready") return { outcome: "done" };
    const { reason = row.state, lastLines } = row;
    return { outcome: "failed", reason, ...(lastLines && { lastLines }) };
  }
}

function isTaskCommand(command: ReleaseCommand): command is TaskCommand {
  return command === "build" || command === "test" || command === "release-step";
}

function endOf({ outcome, reason, lastLines }: TaskAnswer): TaskEnd {
  return { outcome, ...(reason !== undefined && { reason }), ...(lastLines && { lastLines }) };
}

interface TaskWords extends ReleaseWords {
  readonly drones?: readonly string[];
}

const commands = new Map(releaseCommands.map((command) => [command.name, command]));

function wordsOf({ command: name, args }: Task): TaskWords {
  const command = commands.get(name);
  if (command) return argsOf(command, args) as TaskWords;
  throw new PropagitError("BAD_PLAN", `there is no command ${name} for releases`);
}

function ofAnother(words: ReleaseWords, run: string | undefined): PropagitError {
  const why = run === undefined ? "by no plan" : `by plan ${run}`;
  return new PropagitError("TASK_REFUSED", `${named(words)} is carried out ${why}`, {
    hint: "see it with `propagit plans`",
  });
}
