/** Where a run stands, in a few lines: for a terminal while it is under way. */
import {
  statusOf,
  timeText,
  type Run,
  type StageStatus,
  type TaskCounts,
  type TaskStatus,
} from "@propagit/plan";
import { placeName } from "./plan-words.js";
import { badColour, dimColour, goodColour, headColour } from "./colour.js";
import { formatAge } from "./duration.js";
import { formatNumber } from "./quantity.js";
import { padTo, plainText } from "./text-width.js";

const runningShown = 8;
const nameColumnsMax = 30;

export function progressLines(run: Run, now: number, rows: number): readonly string[] {
  const { stages } = statusOf("", run, { tasksMax: runningShown });
  const width = Math.min(
    nameColumnsMax,
    Math.max(0, ...stages.map(({ name }) => plainText(name).length)),
  );
  const lines = stages.flatMap((stage) => [
    `${padTo(plainText(stage.name), width)}  ${stageWords(stage, now)}`,
    ...(stage.state === "running"
      ? stage.tasks.filter(isUnderWay).map((task) => taskLine(task, now))
      : []),
  ]);
  // What is under way is at the end of what has begun; that is what somebody wants to see.
  const last = stages.findLastIndex(({ state }) => state !== "ahead");
  return lines.length <= rows
    ? lines
    : lines.slice(Math.max(0, Math.min(last, lines.length - rows))).slice(0, rows);
}

function isUnderWay({ state }: TaskStatus): boolean {
  return state === "running" || state === "retrying";
}

function taskLine(
  { host, command, state, beganAt, nextAt, lastLines = [] }: TaskStatus,
  now: number,
): string {
  const time =
    state === "retrying" && nextAt !== undefined
      ? `again in ${timeText(Math.max(0, nextAt - now))}`
      : formatAge(now - (beganAt ?? now));
  const said = plainText(lastLines.at(-1) ?? "");
  return dimColour(`  ${placeName(host, command)} ${command} ${time}  ${said}`.trimEnd());
}

export function stageWords({ state, counts, waits, reason }: StageStatus, now: number): string {
  switch (state) {
    case "ahead":
      return dimColour("ahead");
    case "waiting": {
      const until =
        waits?.until === undefined ? "" : `, ${timeText(Math.max(0, waits.until - now))} left`;
      return `waits: ${plainText(waits?.why ?? "")}${until}${waits?.seen === undefined ? "" : ` (${plainText(waits.seen)})`}`;
    }
    case "running":
      return headColour(countWords(counts, false)) + nextWords(waits?.until, now);
    case "done":
      return goodColour(`done: ${countWords(counts, true)}`);
    case "failed":
    case "stopped":
      return badColour(
        `${state}: ${countWords(counts, true)}${reason === undefined ? "" : `; ${plainText(reason)}`}`,
      );
    default:
      return state satisfies never;
  }
}

/** Of a stage that runs: when those of its lines begin whose time has not come. */
function nextWords(until: number | undefined, now: number): string {
  return until === undefined ? "" : `, the next in ${timeText(Math.max(0, until - now))}`;
}

/**
 * `1 failed, 12 done, 3 never run` of what there is: first what needs a look, should the rest be cut off.
 *
 * @param isOver whether what has not begun never will; otherwise it is `ahead`
 */
export function countWords(counts: TaskCounts, isOver: boolean): string {
  const words = [
    [counts.failed, "failed"],
    [counts.unknown, "unknown"],
    [counts.stopped, "stopped"],
    [counts.running, "running"],
    [counts.retrying, "tried again later"],
    [counts.done, "done"],
    [counts.unchanged, "unchanged"],
    [counts.neverRun, isOver ? "never run" : "ahead"],
  ] as const;
  const said = words
    .filter(([count]) => count > 0)
    .map(([count, word]) => `${formatNumber(count)} ${word}`);
  return said.join(", ") || "nothing";
}
