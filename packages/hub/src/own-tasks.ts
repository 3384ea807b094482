/** Tasks that only the hub can carry out, with its ledger and what it knows of drones. */
import type { Executor, Plan, RunAsk } from "@propagit/plan";
import { isReleaseCommand } from "./core/release-progress.js";
import type { FilesTasks } from "./files-tasks.js";
import { isChangeCommand } from "./plan-commands/change-commands.js";

export interface OwnTasks {
  /** Who carries out a command that is one of them. */
  of(command: string): Executor | undefined;
  /**
   * Before a plan is begun: what is missing for its tasks refuses it. What is there stays at least until it is let
   * go, which is when the plan is on disk.
   */
  accept(plan: Plan): Promise<() => void>;
  /** Something was asked of a run, which is on disk. */
  asked(run: string, ask: RunAsk, by: string): void;
}

export interface OwnTaskParts {
  readonly releases: Executor;
  /** Changes in one step. */
  readonly changes: Executor;
  /** Absent: the hub has no repository of files. */
  readonly files: Pick<FilesTasks, "accept" | "run" | "recall"> | undefined;
}

export function ownTasksOf({ releases, changes, files }: OwnTaskParts): OwnTasks {
  return {
    of: (command) => {
      if (isReleaseCommand(command)) return releases;
      if (isChangeCommand(command)) return changes;
      return command === "put-files" ? files : undefined;
    },
    accept: async (plan) => (await files?.accept(plan)) ?? (() => undefined),
    asked: () => undefined,
  };
}
