/**
 * The lines above the tree of a run: which one it is, how it stands, why, and what can be asked of it now.
 *
 *     webapp 2.0  4fa1c2d3e4 failed, begun 2026-11-22 10:00:00 by ann@laptop, took 44 s, 1 failed, 2 done, 1 never run
 *        stage others failed: 1 of 2 lines failed, none may
 *        to try again: propagit plans retry 4fa1c2d3e4
 */
import type { RunStatus, RunSummary } from "@propagit/plan";
import { badColour, headColour } from "./colour.js";
import { formatAge, formatDuration, formatMoment } from "./duration.js";
import { countWords } from "./run-progress.js";
import { plainText, widthOf } from "./text-width.js";

interface HeadedRun {
  readonly status: RunStatus;
  readonly isCarried: boolean;
  readonly isLocal?: boolean;
}

/** No line is cut. Of a run that came to no good end it says what can be asked of it now. */
export function headLines(
  { status, isCarried, isLocal = false }: HeadedRun,
  now: number,
  columns: number,
): readonly string[] {
  const { reason, counts, stays, waitsFor, suspended } = status;
  const head = runHead(status, isCarried);
  const tasks = countWords(counts, isOver(status));
  const whole = `${head}, ${tasks}`;
  return [
    ...(widthOf(whole) <= columns ? [whole] : [head, `   ${tasks}`]),
    ...(reason === undefined ? [] : [badColour(`   ${plainText(reason)}`)]),
    ...(stays === undefined ? [] : staysLines(status.run, stays, isLocal)),
    ...(mayRetry(status) ? [`   to try again: ${retryWords(status, isLocal)}`] : []),
    ...(waitsFor ? [`   waits for ${plainText(waitsFor.lock)}, behind ${waitsFor.behind}`] : []),
    ...(status.approval ? [headColour(`   ${approvalText(status, isLocal)}`)] : []),
    ...(suspended ? [suspendedLine(suspended, now)] : []),
  ];
}

/** What to write is on a line of its own: a name more, and it would be cut off. */
function staysLines(run: string, stays: string, isLocal: boolean): readonly string[] {
  return [
    `   what was done stays: ${plainText(stays)}`,
    `   to take it back: ${askWords("stop --undo", run, isLocal)}`,
  ];
}

function mayRetry({ state, outcome }: Pick<RunSummary, "state" | "outcome">): boolean {
  return state === "over" && (outcome === "failed" || outcome === "stopped");
}

/** What may run only once is tried again by somebody who has looked at what it did. */
export function retryWords(
  { run, counts }: Pick<RunSummary, "run" | "counts">,
  isLocal: boolean,
): string {
  const words = askWords("retry", run, isLocal);
  if (counts.unknown === 0) return words;
  return `${words} --force, once you know that what is unknown may run again`;
}

function askWords(ask: string, run: string, isLocal: boolean): string {
  return `propagit plans ${ask} ${run}${isLocal ? " --local" : ""}`;
}

/** Who is to approve what, and how. */
export function approvalText(
  { run, approval }: Pick<RunSummary, "run" | "approval">,
  isLocal: boolean,
): string {
  const who = approval?.by ? `approval by ${approval.by}` : "somebody's approval";
  const what = `${plainText(approval?.stage ?? "")} waits for ${plainText(who)}`;
  return `${what}: ${askWords("approve", run, isLocal)}`;
}

function suspendedLine({ since, why }: NonNullable<RunStatus["suspended"]>, now: number): string {
  const age = formatAge(now - since);
  return badColour(
    `   cannot be written down for ${age}, and goes on when it can: ${plainText(why)}`,
  );
}

/** Which run, how it stands, since when and by whom. */
export function runHead(summary: RunSummary, isCarried: boolean): string {
  const { name, run, by, beganAt, endedAt } = summary;
  const began = beganAt === undefined ? "" : `, begun ${formatMoment(beganAt)} by ${plainText(by)}`;
  const took =
    beganAt === undefined || endedAt === undefined
      ? ""
      : `, took ${formatDuration(endedAt - beganAt)}`;
  return `${headColour(plainText(name))}  ${run} ${runWord(summary, isCarried)}${began}${took}`;
}

/** What has not begun never will, unless somebody tries it again. */
export function isOver({ state }: Pick<RunSummary, "state">): boolean {
  return state === "over";
}

/** In one word or two, how a run stands. */
export function runWord(
  { state, outcome, approval }: Pick<RunSummary, "state" | "outcome" | "approval">,
  isCarried: boolean,
): string {
  if (isCarried && state === "going" && approval) return "waits for approval";
  if (state === "over") return outcome ?? "over";
  if (state === "unreadable" || isCarried) return state;
  return state === "paused" ? "paused, waits for resume" : "broken off, waits for resume";
}
