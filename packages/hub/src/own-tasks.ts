/** Tasks that only the hub can carry out, with its ledger and what it knows of drones. */
import type { Executor, Plan } from "@propagit/plan";
import { isReleaseCommand } from "./core/release-progress.js";
import type { Delegations } from "./delegations.js";
import type { FilesTasks } from "./files-tasks.js";
import { isChangeCommand } from "./plan-commands/change-commands.js";

export interface OwnTasks {
  /** Who carries out a command that is one of them. */
  of(command: string): Executor | undefined;
  /** Whether what is missing for its tasks would refuse a plan; nothing is kept for it. */
  check(plan: Plan): Promise<void>;
  /**
   * Before a plan is begun: what is missing for its tasks refuses it. What is there stays at least until it is let
   * go, which is when the plan is on disk.
   */
  accept(plan: Plan): Promise<() => void>;
}

export interface OwnTaskParts {
  readonly releases: Executor;
  /** Changes in one step. */
  readonly changes: Executor;
  /** Absent: the hub has no repository of files. */
  readonly files: Pick<FilesTasks, "check" | "accept" | "run" | "recall"> | undefined;
  readonly delegations: Pick<Delegations, "check" | "run" | "recall" | "outlives">;
}

export function ownTasksOf({ releases, changes, files, delegations }: OwnTaskParts): OwnTasks {
  return {
    of: (command) => {
      if (isReleaseCommand(command)) return releases;
      if (isChangeCommand(command)) return changes;
      if (command === "delegate") return delegations;
      return command === "put-files" ? files : undefined;
    },
    check: async (plan) => {
      await delegations.check(plan);
      await files?.check(plan);
    },
    accept: async (plan) => {
      await delegations.check(plan);
      return (await files?.accept(plan)) ?? (() => undefined);
    },
  };
}
