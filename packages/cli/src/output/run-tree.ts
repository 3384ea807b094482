/**
 * A run of a plan as a tree: its stages, what is under way in them since when, what waits until when, what failed and
 * why, and below tasks that hand a part of it on, that part:
 *
 *     webapp 2.0  4fa1c2d3e4 going, begun 2026-11-22 10:00:00 by ann, 1 failed, 1 running, 9,001 done, 1,037 never run
 *     ├─ ✓ 1. canary  done: 1 done, took 12 s
 *     ├─ ▸ 2. others  1 failed, 1 running, 9,000 done, 997 never run, for 3m
 *     │  ├─ ✗ 2.17.1  web-17  execute  failed 12s ago: exit code 1
 *     │  ├─ ▸ 2.19.1  web-19  execute  running for 2s
 *     │  │  └─ compiling
 *     │  └─ … and 9,997 more: 9,000 done, 997 never run
 *     └─ · 3. rest  ahead, 40 tasks on 40 hosts
 *
 * Pure: the same of the same values.
 */
import {
  timeText,
  type DronesSeen,
  type RunStatus,
  type RunSummary,
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
import { cutTo, padTo, plainText, widthOf } from "./text-width.js";

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
  const head = headLines(seen, now, size.columns).map((line) => cutTo(line, size.columns));
  const linesMax = size.rows === Infinity ? Infinity : linesMaxOfTask;
  const tree = { now, parts, linesMax, isNarrow: size.columns < wideColumns };
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
}

function headLines(
  { status, isCarried, isLocal = false }: SeenRun,
  now: number,
  columns: number,
): readonly string[] {
  const { reason, counts, stays, waitsFor, suspended } = status;
  const head = runHead(status, isCarried);
  const whole = `${head}, ${countWords(counts)}`;
  return [
    ...(widthOf(whole) <= columns ? [whole] : [head, `   ${countWords(counts)}`]),
    ...(reason === undefined ? [] : [badColour(`   ${plainText(reason)}`)]),
    ...(stays === undefined ? [] : [staysLine(status.run, stays, isLocal)]),
    ...(waitsFor ? [`   waits for ${plainText(waitsFor.lock)}, behind ${waitsFor.behind}`] : []),
    ...(status.approval ? [headColour(`   ${approvalText(status)}`)] : []),
    ...(suspended ? [suspendedLine(suspended, now)] : []),
  ];
}

function staysLine(run: string, stays: string, isLocal: boolean): string {
  const words = `propagit plans stop --undo ${run}${isLocal ? " --local" : ""}`;
  return `   what was done stays: ${plainText(stays)}; to take it back: ${words}`;
}

/** Who is to approve what, and how. */
export function approvalText({ run, approval }: Pick<RunSummary, "run" | "approval">): string {
  const who = approval?.by ? `approval by ${approval.by}` : "somebody's approval";
  const what = `${plainText(approval?.stage ?? "")} waits for ${plainText(who)}`;
  return `${what}: propagit plans approve ${run}`;
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
    text: () => stageLine(stage, tree.now),
    rank: isHot ? 0 : distance,
    isOpen: isHot,
    children: children.map(({ node }) => node),
    more: (shown) => {
      if (children.length === 0) return undefined;
      const kept = new Set(shown);
      return moreTasks(
        stage.counts,
        children.filter(({ node }) => kept.has(node)).map(({ task }) => task),
      );
    },
  };
}

function stageLine(stage: StageStatus, now: number): string {
  const { number, name, part, state, counts, hosts, waits, beganAt, endedAt } = stage;
  const back = part === "rollback" ? " (rollback)" : "";
  const head = `${stageMark[state]()} ${number}. ${plainText(name)}${back}  ${stageWords(stage, now)}`;
  if (state === "ahead") {
    const on = hosts.length > 1 ? ` on ${formatNumber(hosts.length)} hosts` : "";
    return `${head}${dimColour(`, ${formatCount(counts.tasks, "task")}${on}`)}`;
  }
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

/** What is left out of a stage's tasks: those that came to nothing worth a line, and those without room. */
function moreTasks(counts: TaskCounts, shown: readonly TaskStatus[]): string | undefined {
  const left = { ...counts };
  for (const { state } of shown) {
    left[countOf(state)] = Math.max(0, left[countOf(state)] - 1);
    left.tasks -= 1;
  }
  if (left.tasks <= 0) return undefined;
  return dimColour(`… and ${formatNumber(left.tasks)} more: ${countWords(left)}`);
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
    node: taskNode(task, { rank, columns, run, tree }),
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
    ...rootOf({ run, stages }, tree),
    text: () =>
      `${headColour(plainText(plan.name))}  ${plainText(how)}: ${countWords(plan.counts)}`,
    isOpen: true,
  };
}

function taskLine(task: TaskStatus, widths: Widths, { now, isNarrow }: Tree): string {
  const place = padTo(cutTo(plainText(placeOf(task)), widths.host), widths.host);
  const id = isNarrow ? "" : `${task.task.padEnd(widths.task)}  `;
  const command = padTo(plainText(task.command), widths.command);
  const why = task.reason === undefined ? "" : `: ${plainText(task.reason)}`;
  return `${taskMark[task.state]()} ${id}${place}  ${command}  ${taskWords(task, now)}${why}`;
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

function taskWords({ state, attempt, beganAt, endedAt, nextAt }: TaskStatus, now: number): string {
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
        ? "never run"
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
