/**
 * How a push to a drone ended, as the end of a task of a plan, and back: a journal keeps only the latter, and
 * whoever asks after a former life of the hub gets what it has.
 *
 *     outcome of a drone --endOf--> end of its task --journal--> outcomeOf --> the same, counts as text
 */
import {
  formatBytes,
  isRefusal,
  shortCommit,
  type FilesChanges,
  type FilesOutcome,
  type PlannedChange,
} from "@propagit/protocol";
import type { RunSummary, TaskEnd } from "@propagit/plan";

export type FilesChange = Extract<PlannedChange, { kind: "files" }>;

const reasonChars = 1_000;
/** Names that a line of the log has room for. */
const namesMax = 50;

export function endOf({ outcome, code, reason, drone, changes }: FilesOutcome): TaskEnd {
  if (outcome !== "done" || !changes) {
    const why = reason ?? "it did not say why";
    const said = `${drone}: ${outcome}: ${why}`.slice(0, reasonChars);
    return { outcome: "failed", reason: said, ...(isRefusal(code) && { refused: true }) };
  }
  const { added, changed, removed } = changes;
  const isSame = added + changed + removed === 0;
  return { outcome: isSame ? "unchanged" : "done", reason: changesText(changes) };
}

/** @param end of a task that put files there, as a journal has it */
export function outcomeOf(
  drone: string,
  { outcome, reason = "it did not say why" }: Pick<TaskEnd, "reason"> & { outcome: string },
): FilesOutcome {
  if (outcome === "done" || outcome === "unchanged") return { drone, outcome: "done", reason };
  const said = /^[^:]+: (refused|failed|away): ([^]*)$/.exec(reason);
  const [, how = "failed", why = reason] = said ?? [];
  return { drone, outcome: how as "refused" | "failed" | "away", reason: why };
}

/** What is noted of a push that has ended. @param missed drones that did not get it */
export function pushedText(
  { path, commit }: Pick<FilesChange, "path" | "commit">,
  { by, counts }: Pick<RunSummary, "by" | "counts">,
  missed: readonly string[],
): string {
  const done = counts.done + counts.unchanged;
  const names = missed.slice(0, namesMax).join(", ");
  const left = counts.tasks - done;
  const but = left === 0 ? "" : `, but not on ${left}: ${names}`;
  const what = `files ${shortCommit(commit)} to ${path.slice(0, 500)}`;
  return `${by} pushed ${what} on ${done} of ${counts.tasks} drones${but}`;
}

function changesText({ added, changed, removed, unchanged, bytes }: FilesChanges): string {
  const counts = `${added} added, ${changed} changed, ${removed} removed, ${unchanged} unchanged`;
  return `${counts}, ${formatBytes(bytes)} written`;
}
