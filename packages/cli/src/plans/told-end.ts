/** How a run that was looked at ended, for whoever is in front: what stays, what to try next, the exit code. */
import {
  hasActed,
  lastingTasks,
  staysText,
  tasksText,
  toolBox,
  type Commands,
  type Run,
  type RunSummary,
} from "@propagit/plan";
import { exitCodes } from "@propagit/protocol";
import { retryWords } from "../output/run-head.js";
import { plainText } from "../output/text-width.js";

export interface EndedRun {
  readonly summary: Pick<RunSummary, "run" | "outcome" | "counts">;
  /** As it stands in the end. */
  readonly run: Run;
  readonly commands?: Commands;
  readonly local: boolean;
}

/** @returns the exit code */
export function toldEnd(ended: EndedRun): number {
  const { outcome } = ended.summary;
  if (outcome === "done") return exitCodes.ok;
  process.stderr.write(`${endLines(ended).join("\n")}\n`);
  return exitCodes.failed;
}

function endLines({ summary, run, commands = toolBox, local }: EndedRun): readonly string[] {
  const { run: id, outcome } = summary;
  const ask = (words: string) => `propagit plans ${words} ${id}${local ? " --local" : ""}`;
  const stays = staysText(run);
  const lasting = tasksText(
    lastingTasks(run.plan, ({ command }) => commands.get(command)?.needsNoUndo ?? false).filter(
      (task) => wasToBeTakenBack(run) && hasActed(run, task),
    ),
  );
  return [
    ...(lasting === undefined
      ? []
      : [`was not taken back, as nothing does: ${plainText(lasting)}`]),
    ...(stays === undefined
      ? []
      : [`what was done stays: ${plainText(stays)}; to take it back: ${ask("stop --undo")}`]),
    `what became of each task: ${ask("status")}; ${
      outcome === "undone"
        ? "what it did was put back: to do it after all, plan it anew"
        : `to try again what failed or never ran: ${retryWords(summary, local)}`
    }`,
  ];
}

function wasToBeTakenBack({ rollback, stages }: Run): boolean {
  const isWanted = stages.some(({ state, run }) => {
    return state === "failed" && run.isBroken && run.stage.onFailure === "rollback";
  });
  return rollback !== undefined || isWanted;
}
