/** What became of a push on each drone, or what would, in words. */
import { shortCommit, type FilesOutcome } from "@propagit/protocol";
import type { FilesResult } from "../files/push.js";
import { badColour, dimColour, goodColour } from "./colour.js";
import { formatBytes, formatCount } from "./quantity.js";
import { plainText } from "./text-width.js";

/** @param dryRun nothing was changed: what would be is named */
export function formatOutcome(outcome: FilesOutcome, dryRun: boolean): string {
  const { drone, changes, examples = [], reason, hint } = outcome;
  const colour = outcome.outcome === "done" ? goodColour : badColour;
  const head = `${drone}  ${colour(dryRun && outcome.outcome === "done" ? "compared" : outcome.outcome)}`;
  if (!changes) {
    const why = hint && outcome.outcome !== "away" ? `\n  ${plainText(hint)}` : "";
    return `${head}  ${plainText(reason ?? "")}${why}\n`;
  }
  const shown = dryRun
    ? examples.map(({ what, path }) => `  ${signs[what]} ${shownName(path)}\n`)
    : [];
  return `${head}  ${formatChanges(changes)}\n${shown.join("")}`;
}

const signs = { add: "+", change: "~", remove: "-" } as const;

export function formatEnd({ commit, files, bytes, drones }: FilesResult, dryRun: boolean): string {
  const done = drones.filter(({ outcome }) => outcome === "done").length;
  const what = `${formatCount(files, "file")}, ${formatBytes(bytes)} (${shortCommit(commit)})`;
  const where = `${done} of ${formatCount(drones.length, "drone")}`;
  return dimColour(`${what} ${dryRun ? "compared with" : "are on"} ${where}\n`);
}

/** A line's end in a name must not look like another line. */
export function shownName(path: string): string {
  return /\p{Cc}/u.test(path) ? JSON.stringify(path) : path;
}

function formatChanges(changes: NonNullable<FilesOutcome["changes"]>): string {
  const { added, changed, removed, unchanged, bytes, foreign } = changes;
  const parts = [
    added > 0 && `${added} added`,
    changed > 0 && `${changed} changed`,
    removed > 0 && `${removed} removed`,
    `${unchanged} unchanged`,
    `${formatBytes(bytes)} written`,
    foreign > 0 && `${foreign} not of a push`,
  ];
  return parts.filter((part) => part !== false).join(", ");
}
