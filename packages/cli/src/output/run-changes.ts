/**
 * What became of a run between two looks at it, in lines that stay right: for logs and pipes.
 *
 *     10:00:12  2. others  12 done, 4 running
 *     10:00:12  2. others  web-17 execute failed: exit code 1
 *     10:03:40  webapp 2.0 4fa1c2d3e4 done, took 3 min 40 s
 */
import type { StageStatus, TaskStatus } from "@propagit/plan";
import { formatTime } from "./duration.js";
import { placeName } from "./plan-words.js";
import { countWords } from "./run-progress.js";
import { runHead, runWord } from "./run-head.js";
import type { SeenRun } from "./run-tree.js";
import { plainText } from "./text-width.js";

/** @param before absent: all that is there is new */
export function changeLines(
  before: SeenRun | undefined,
  seen: SeenRun,
  now: number,
): readonly string[] {
  const stages = new Map(before?.status.stages.map((stage) => [stage.number, stage]));
  const lines = seen.status.stages.flatMap((stage) => {
    const head = `${stage.number}. ${plainText(stage.name)}`;
    const former = stages.get(stage.number);
    return [...stageChange(former, stage), ...taskChanges(former, stage)].map(
      (change) => `${head}  ${change}`,
    );
  });
  const isNews = before === undefined || wordOf(before) !== wordOf(seen);
  const head = isNews ? [runHead(seen.status, seen.isCarried)] : [];
  // How it ended is the last thing that is said.
  const all = seen.status.state === "over" ? [...lines, ...head] : [...head, ...lines];
  return all.map((line) => `${formatTime(now)}  ${line}`);
}

function wordOf({ status, isCarried }: SeenRun): string {
  return `${runWord(status, isCarried)} ${status.waitsFor?.behind ?? ""}`;
}

function stageChange(former: StageStatus | undefined, stage: StageStatus): readonly string[] {
  if (stage.state === "ahead") return [];
  const words = stageText(stage);
  return former && stageText(former) === words ? [] : [words];
}

function stageText({ state, counts, waits, reason }: StageStatus): string {
  const why = reason === undefined ? "" : `: ${plainText(reason)}`;
  switch (state) {
    case "ahead":
      return state;
    case "waiting":
      return `waits: ${plainText(waits?.why ?? "")}`;
    case "running":
      return countWords(counts, false);
    case "done":
    case "failed":
    case "stopped":
      return `${state}${why} (${countWords(counts, true)})`;
    default:
      return state satisfies never;
  }
}

/** Of those that went wrong; how many went well is in the stage's own line. */
function taskChanges(former: StageStatus | undefined, { tasks }: StageStatus): readonly string[] {
  const before = new Map(former?.tasks.map((task) => [task.task, taskText(task)]));
  return tasks
    .filter(({ state }) => told.has(state))
    .filter((task) => before.get(task.task) !== taskText(task))
    .map(taskText);
}

const told: ReadonlySet<TaskStatus["state"]> = new Set([
  "failed",
  "retrying",
  "stopped",
  "unknown",
]);

function taskText({ host, command, state, attempt, nextAt, reason }: TaskStatus): string {
  const place = plainText(placeName(host, command));
  const what =
    state === "retrying" && nextAt !== undefined ? `again at ${formatTime(nextAt)}` : state;
  const tries = attempt > 1 ? `, attempt ${attempt}` : "";
  const why = reason === undefined ? "" : `: ${plainText(reason)}`;
  return `${place} ${plainText(command)} ${what}${tries}${why}`;
}
