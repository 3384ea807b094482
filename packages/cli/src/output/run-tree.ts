/**
 * A run of a plan as a tree: its stages, what is under way in them since when, what waits until when, what failed and
 * why, and below tasks that hand a part of it on, that part:
 *
 *     webapp 2.0  4fa1c2d3e4 going, begun 2026-11-22 10:00:00 by ann, 1 failed, 1 running, 9,001 done, 1,037 ahead
 *     ├─ ✓ 1. canary  done: 1 done, took 12 s
 *     ├─ ▸ 2. others  1 failed, 1 running, 9,000 done, 997 ahead, for 3m
 *     │  ├─ ✗ 2.17.1  web-17  execute  failed 12s ago: exit code 1
 *     │  ├─ ▸ 2.19.1  web-19  execute  running for 2s
 *     │  │  └─ compiling
 *     │  └─ … and 9,997 more: 9,000 done, 997 ahead
 *     └─ · 3. rest  ahead, 40 tasks on 40 hosts
 *
 * Pure: the same of the same values.
 */
import {
  timeText,
  type DronesSeen,
  type RunStatus,
  type StageStatus,
  type TaskCounts,
  type TaskStatus,
} from "@propagit/plan";
import type { PlanDelegation } from "@propagit/protocol";
import { badColour, dimColour, goodColour, headColour } from "./colour.js";
import { formatAge, formatDuration, formatMoment, formatTime } from "./duration.js";
import { droneTexts } from "./drones-seen.js";
import { fitTree, type TreeNode, type TreeSize } from "./fit-tree.js";
import { placeName } from "./plan-words.js";
import { formatCount, formatNumber } from "./quantity.js";
import { countWords, stageWords } from "./run-progress.js";
import { headLines, isOver } from "./run-head.js";
import { cutTo, padTo, plainText, wrapLines } from "./text-width.js";

export interface SeenRun {
  readonly status: RunStatus;
  /** Whether somebody carries it out now. */
  readonly isCarried: boolean;
  /** It is carried out without a hub. */
  readonly isLocal?: boolean;
  /** Parts of it that relays carry out. */
  readonly parts?: readonly PlanDelegation[];
}

/** Lines, none wider and not more than there is room for. */
export function runTree(seen: SeenRun, now: number, size: TreeSize): readonly string[] {
  const { status, parts = [] } = seen;
  const isLive = size.rows !== Infinity;
  const head = headLines(seen, now, size.columns).flatMap((line) =>
    isLive ? cutTo(line, size.columns) : wrapLines(line, size.columns).split("\n"),
  );
  const linesMax = isLive ? linesMaxOfTask : Infinity;
  const isNarrow = size.columns < wideColumns;
  const tree = { now, parts, linesMax, isNarrow, isOver: isOver(status) };
  const root = rootOf(status, tree);
  const below = fitTree(root, { ...size, rows: size.rows - head.length });
  return [...head, ...below].slice(0, size.rows);
}

/** Of what a task said last, where rows are few. */
const linesMaxOfTask = 3;
const hostColumnsMax = 24;
/** With less there is no room for the ids of tasks, which only say where they are in the plan. */
const wideColumns = 99;
const dayMs = 86_400_000;

interface Tree {
  readonly now: number;
  readonly parts: readonly PlanDelegation[];
  readonly linesMax: number;
  readonly isNarrow: boolean;
  /** Of the run: what has not begun never will. */
  readonly isOver: boolean;
}

function rootOf({ run, stages }: Pick<RunStatus, "run" | "stages">, tree: Tree): TreeNode {
  const at = stages.findLastIndex(({ state }) => state !== "ahead");
  const children = stages.map((stage, index) => ({
    stage,
    ...stageNode(stage, { run, tree, distance: Math.abs(index - at) }),
  }));
  return {
    text: () => "",
    rank: 0,
    children,
    more: (shown) => {
      const kept = new Set(shown);
      const left = children.filter((child) => !kept.has(child));
      return left.length === 0 ? undefined : moreStages(left.map(({ stage }) => stage));
    },
  };
}

function moreStages(stages: readonly StageStatus[]): string {
  const counts = new Map<string, number>();
  for (const { state } of stages) counts.set(state, (counts.get(state) ?? 0) + 1);
  const words = [...counts].map(([state, count]) => `${formatNumber(count)} ${state}`).join(", ");
  return dimColour(`… and ${formatNumber(stages.length)} more stages: ${words}`);
}

interface Place {
  readonly run: string;
  readonly tree: Tree;
  /** From the stage where the run stands. */
  readonly distance: number;
}

function stageNode(stage: StageStatus, { run, tree, distance }: Place): TreeNode {
  const isHot = ["running", "waiting", "failed", "stopped"].includes(stage.state);
  const children = taskNodes(stage, run, tree);
  return {
    text: () => stageLine(stage, tree),
    rank: isHot ? 0 : distance,
    isOpen: isHot,
    children: children.map(({ node }) => node),
    more: (shown) => {
      if (children.length === 0) return undefined;
      const kept = new Set(shown);
      return moreTasks(
        stage.counts,
        children.filter(({ node }) => kept.has(node)).map(({ task }) => task),
        isEnded(stage, tree),
      );
    },
  };
}

function stageLine(stage: StageStatus, { now, isOver: isLast }: Tree): string {
  const { number, name, part, state, counts, hosts, waits, beganAt, endedAt } = stage;
  const back = part === "rollback" ? " (rollback)" : "";
  const title = `${stageMark[state]()} ${number}. ${plainText(name)}${back}`;
  if (state === "ahead") {
    const on = hosts.length > 1 ? ` on ${formatNumber(hosts.length)} hosts` : "";
    const words = isLast ? "never begun" : "ahead";
    return `${title}  ${dimColour(`${words}, ${formatCount(counts.tasks, "task")}${on}`)}`;
  }
  const head = `${title}  ${stageWords(stage, now)}`;
  if (state === "waiting" && waits?.until !== undefined) {
    return `${head}, until ${whenText(waits.until, now)}`;
  }
  if (state === "waiting" || beganAt === undefined) return head;
  return endedAt === undefined
    ? `${head}, for ${formatAge(now - beganAt)}`
    : `${head}, took ${formatDuration(endedAt - beganAt)}`;
}

const stageMark = {
  ahead: () => dimColour("·"),
  waiting: () => "◷",
  running: () => headColour("▸"),
  done: () => goodColour("✓"),
  failed: () => badColour("✗"),
  stopped: () => badColour("■"),
} satisfies Record<StageStatus["state"], () => string>;

/** Of its tasks, what has not begun never will. */
function isEnded({ state }: StageStatus, tree: Tree): boolean {
  return tree.isOver || state === "done" || state === "failed" || state === "stopped";
}

/** What is left out of a stage's tasks: those that came to nothing worth a line, and those without room. */
function moreTasks(
  counts: TaskCounts,
  shown: readonly TaskStatus[],
  isLast: boolean,
): string | undefined {
  const left = { ...counts };
  for (const { state } of shown) {
    left[countOf(state)] = Math.max(0, left[countOf(state)] - 1);
    left.tasks -= 1;
  }
  if (left.tasks <= 0) return undefined;
  return dimColour(`… and ${formatNumber(left.tasks)} more: ${countWords(left, isLast)}`);
}

function countOf(state: TaskStatus["state"]): keyof TaskCounts {
  return state === "never-run" ? "neverRun" : state;
}

interface TaskNode {
  readonly task: TaskStatus;
  readonly node: TreeNode;
}

/** As the plan has them when all are known; otherwise those that need a look, those first that need it most. */
function taskNodes(stage: StageStatus, run: string, tree: Tree): readonly TaskNode[] {
  const seen = new Map<string, number>();
  const nodes = stage.tasks.map((task) => {
    const earlier = seen.get(task.state) ?? 0;
    seen.set(task.state, earlier + 1);
    return { task, rank: urgency[task.state] + earlier * 10 };
  });
  const isWhole = stage.tasks.length === stage.counts.tasks;
  const sorted = isWhole ? nodes : nodes.toSorted((left, right) => byState(left.task, right.task));
  const columns = widthsOf(stage.tasks);
  return sorted.map(({ task, rank }) => ({
    task,
    node: taskNode(task, { rank, columns, run, tree: { ...tree, isOver: isEnded(stage, tree) } }),
  }));
}

/** Of many failed and many that run some of each are shown. */
const urgency: Readonly<Record<TaskStatus["state"], number>> = {
  failed: 0,
  unknown: 1,
  running: 2,
  retrying: 1e8,
  stopped: 1e8,
  "never-run": 1e9,
  done: 2e9,
  unchanged: 2e9,
};

function byState(left: TaskStatus, right: TaskStatus): number {
  return urgency[left.state] - urgency[right.state];
}

interface Widths {
  readonly task: number;
  readonly host: number;
  readonly command: number;
}

function widthsOf(tasks: readonly TaskStatus[]): Widths {
  const widths = { task: 0, host: 0, command: 0 };
  for (const one of tasks) {
    widths.task = Math.max(widths.task, one.task.length);
    widths.host = Math.max(widths.host, placeOf(one).length);
    widths.command = Math.max(widths.command, one.command.length);
  }
  return { ...widths, host: Math.min(hostColumnsMax, widths.host) };
}

function placeOf({ host, command }: TaskStatus): string {
  return placeName(host, command);
}

interface TaskPlacing {
  readonly rank: number;
  readonly columns: Widths;
  readonly run: string;
  readonly tree: Tree;
}

function taskNode(task: TaskStatus, { rank, columns, run, tree }: TaskPlacing): TreeNode {
  const parts = tree.parts.filter((part) => part.parent === run && part.task === task.task);
  // Of drones each says its own.
  const said = task.drones ? droneNodes(task.drones, task, tree) : saidNodes(task.lastLines, tree);
  return {
    text: () => taskLine(task, columns, tree),
    rank,
    isOpen: parts.length > 0 || task.drones !== undefined,
    children: [...said, ...parts.map((part) => partNode(part, tree))],
  };
}

/** The last lines of what somebody said. */
function saidNodes(lines: readonly string[] = [], { linesMax }: Tree): readonly TreeNode[] {
  return lines.slice(-linesMax).map((line, index, { length }) => ({
    text: () => dimColour(plainText(line)),
    // The newest says most.
    rank: length - index,
    children: [],
  }));
}

/** Those that a task waits for, the ones that need a look first. */
function droneNodes(
  drones: DronesSeen,
  { state }: Pick<TaskStatus, "state">,
  tree: Tree,
): readonly TreeNode[] {
  return droneTexts(drones, state !== "running").map(({ text, isBad, lines }, rank) => ({
    text: () => (isBad ? badColour : dimColour)(plainText(text)),
    rank,
    children: saidNodes(lines, tree),
  }));
}

/** What a relay carries out, under the task that handed it on. */
function partNode(part: PlanDelegation, tree: Tree): TreeNode {
  const { relay, line, plan, run, stages } = part;
  const words = {
    waiting: `${relay} has not taken it over yet`,
    cut: `there is no line to ${relay}, which goes on; as it was`,
    up: `${relay} carries it out`,
  } satisfies Record<PlanDelegation["line"], string>;
  const how = plan.state === "over" ? (plan.outcome ?? "over") : words[line];
  return {
    ...rootOf({ run, stages }, { ...tree, isOver: isOver(plan) }),
    text: () =>
      `${headColour(plainText(plan.name))}  ${plainText(how)}: ${countWords(plan.counts, isOver(plan))}`,
    isOpen: true,
  };
}

function taskLine(task: TaskStatus, widths: Widths, tree: Tree): string {
  const { isNarrow } = tree;
  const place = padTo(cutTo(plainText(placeOf(task)), widths.host), widths.host);
  const id = isNarrow ? "" : `${task.task.padEnd(widths.task)}  `;
  const command = padTo(plainText(task.command), widths.command);
  const why = task.reason === undefined ? "" : `: ${plainText(task.reason)}`;
  return `${taskMark[task.state]()} ${id}${place}  ${command}  ${taskWords(task, tree)}${why}`;
}

const taskMark = {
  running: () => headColour("▸"),
  retrying: () => "↻",
  done: () => goodColour("✓"),
  unchanged: () => goodColour("="),
  failed: () => badColour("✗"),
  stopped: () => badColour("■"),
  unknown: () => badColour("?"),
  "never-run": () => dimColour("·"),
} satisfies Record<TaskStatus["state"], () => string>;

function taskWords(
  { state, attempt, beganAt, endedAt, nextAt }: TaskStatus,
  { now, isOver: isLast }: Tree,
): string {
  const tries = attempt > 1 ? `, attempt ${attempt}` : "";
  switch (state) {
    case "running":
      return `running for ${formatAge(now - (beganAt ?? now))}${tries}`;
    case "retrying":
      return nextAt === undefined
        ? `is tried again${tries}`
        : `again in ${timeText(wholeSeconds(nextAt - now))}, at ${whenText(nextAt, now)}${tries}`;
    case "done":
    case "unchanged":
      return beganAt === undefined || endedAt === undefined
        ? `${state}${tries}`
        : `${state} in ${formatDuration(endedAt - beganAt)}${tries}`;
    case "failed":
    case "stopped":
    case "unknown":
      return `${state}${endedAt === undefined ? "" : ` ${formatAge(now - endedAt)} ago`}${tries}`;
    case "never-run":
      return nextAt === undefined
        ? isLast
          ? "never run"
          : "ahead"
        : `in ${timeText(wholeSeconds(nextAt - now))}, at ${whenText(nextAt, now)}`;
    default:
      return state satisfies never;
  }
}

function whenText(at: number, now: number): string {
  return at - now < dayMs ? formatTime(at) : formatMoment(at);
}

/** Up, so that what is still to come is never `0 s`. */
function wholeSeconds(ms: number): number {
  return Math.ceil(Math.max(0, ms) / 1_000) * 1_000;
}
