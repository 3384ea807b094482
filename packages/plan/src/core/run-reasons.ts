/** Why something failed, in words: which task was the first, and why that did. */
import type { StageRun } from "./stage-run.js";

/** Why a stage failed: `2 lines failed, 1 may: 1.3.1 (execute on web-3): exit 7`. */
export function brokenReason(run: StageRun): string {
  if (run.unknown) return unknownReason(run);
  const { linesFailed, stage } = run;
  const first = run.failure ? `: ${run.failure.task}: ${run.failure.reason}` : "";
  const may = stage.maxFailures === 0 ? "none" : String(stage.maxFailures);
  return `${linesFailed} of ${stage.lines.length} lines failed, ${may} may${first}`;
}

export function unknownReason(run: StageRun): string {
  const { task = "a task", reason = "" } = run.unknown ?? {};
  return `it cannot be known whether ${task} was carried out, and it may be only once: ${reason}`;
}

/** What of a rollback that is through did not put back what it should; undefined when all did. */
export function rollbackFailedReason(runs: readonly StageRun[]): string | undefined {
  const failed = runs.filter(({ linesFailed }) => linesFailed > 0);
  const [first] = failed;
  if (!first) return undefined;
  const lines = failed.reduce((sum, { linesFailed }) => sum + linesFailed, 0);
  const why = first.failure ? `: ${first.failure.task}: ${first.failure.reason}` : "";
  return `${lines} of its lines failed${why}`;
}
