/**
 * A plan as people write it: what reads as the same plan, as short as that can be. For `--dump` and `--save`,
 * and to be edited by hand.
 *
 * What takes tasks back (`Task.undo`) is not written: it comes again from their commands, where those are known.
 */
import { formatDuration } from "@propagit/shapes";
import type { Commands, TaskDraft } from "../command.js";
import type {
  Basis,
  CodePlace,
  Gate,
  Plan,
  SecretPlace,
  Stage,
  StageDelay,
  Task,
  UndoTask,
} from "../plan.js";
import { attemptsMax, cubedDelaysMs } from "./plan-words.js";
import { timeoutMsDefault, wordsOf } from "./task-shape.js";
import { writtenWindow } from "./window-shape.js";

export interface WrittenPlan {
  readonly name: string;
  readonly basis?: Basis;
  readonly request?: Readonly<Record<string, unknown>>;
  readonly code?: CodePlace;
  readonly secrets?: SecretPlace;
  readonly stages: readonly WrittenStage[];
  readonly rollback?: { readonly stages: readonly WrittenStage[] };
}

export interface WrittenStage {
  readonly name: string;
  readonly concurrency?: number | string;
  readonly concurrencyPerHost?: number | string;
  readonly after?: string | { readonly plan: string } | { readonly stage: string };
  readonly gate?: WrittenGate | readonly WrittenGate[];
  readonly maxFailures?: number | string;
  readonly onFailure?: Stage["onFailure"];
  readonly tasks: readonly (TaskDraft | readonly TaskDraft[])[];
}

/** One of those in docs/plans.md. */
export type WrittenGate = Readonly<Record<string, unknown>>;

/** @param commands those it was read with: what they say anyway is left out; of others, everything is said */
export function writePlan(plan: Plan, commands: Commands): WrittenPlan {
  const { name, basis, request, code, secrets, stages, rollback } = plan;
  return {
    name,
    ...(basis && { basis }),
    ...(request && { request }),
    ...(code && { code }),
    ...(secrets && { secrets }),
    stages: stages.map((stage) => writtenStage(stage, commands)),
    ...(rollback && {
      rollback: { stages: rollback.map((stage) => writtenStage(stage, commands)) },
    }),
  };
}

function writtenStage(stage: Stage, commands: Commands): WrittenStage {
  const { name, concurrency, concurrencyPerHost, after, maxFailures, onFailure } = stage;
  const gates = stage.gates.map((gate) => writtenGate(gate, commands));
  const [only] = gates;
  return {
    name,
    ...(concurrency !== 1 && { concurrency }),
    ...(concurrencyPerHost !== concurrency && { concurrencyPerHost }),
    ...(after && { after: writtenDelay(after) }),
    ...(only && { gate: gates.length === 1 ? only : gates }),
    ...(maxFailures > 0 && { maxFailures }),
    ...(onFailure !== "stop" && { onFailure }),
    tasks: stage.lines.map((line) => writtenLine(line, commands)),
  };
}

function writtenDelay({ ms, from }: StageDelay): NonNullable<WrittenStage["after"]> {
  const time = formatDuration(ms);
  return from === "plan" ? { plan: time } : time;
}

function writtenLine(line: readonly Task[], commands: Commands): TaskDraft | readonly TaskDraft[] {
  const tasks = line.map((task) => writtenTask(task, commands));
  const [only] = tasks;
  return only && tasks.length === 1 ? only : tasks;
}

function writtenTask(task: Task | UndoTask, commands: Commands): TaskDraft {
  const command = commands.get(task.command);
  const { retryDelaysMs, continueOnFail, once } = task;
  const undo = "undo" in task ? (task.undo ?? []) : [];
  return {
    ...writtenAsk(task, commands),
    ...("afterMs" in task && task.afterMs !== undefined && { after: formatDuration(task.afterMs) }),
    ...("tags" in task && task.tags && { tags: task.tags }),
    ...(retryDelaysMs.length > 0 && { retries: writtenRetries(retryDelaysMs) }),
    ...((!command || continueOnFail !== (command.continueOnFail ?? false)) && { continueOnFail }),
    ...((!command || once !== (command.once ?? false)) && { once }),
    ...(!command && undo.length > 0 && { undo: undo.map((one) => writtenTask(one, commands)) }),
  };
}

/** What it does, and where. */
function writtenAsk(
  { command: name, where, args, timeoutMs }: UndoTask,
  commands: Commands,
): TaskDraft {
  const command = commands.get(name);
  const usualMs = command && (command.timeoutMs ?? timeoutMsDefault);
  const timeout = timeoutMs === usualMs ? {} : { timeout: formatDuration(timeoutMs) };
  return { command: name, ...wordsOf(where), ...args, ...timeout };
}

function writtenRetries(delaysMs: readonly number[]): number | readonly string[] {
  const cubed = cubedDelaysMs(delaysMs.length);
  const isUsual =
    delaysMs.length <= attemptsMax && delaysMs.every((ms, index) => ms === cubed[index]);
  return isUsual ? delaysMs.length : delaysMs.map(formatDuration);
}

function writtenGate(gate: Gate, commands: Commands): WrittenGate {
  switch (gate.kind) {
    case "approval": {
      const { by, timeoutMs } = gate;
      return {
        approval: by ?? true,
        ...(timeoutMs !== undefined && { timeout: formatDuration(timeoutMs) }),
      };
    }
    case "window":
      return { window: writtenWindow(gate.window) };
    case "http":
      return { http: gate.url, status: gate.status, ...timesOf(gate) };
    case "command":
      return { command: writtenAsk(gate.task, commands), exit: gate.exit, ...timesOf(gate) };
    case "health":
    case "canary":
    case "errors":
      return writtenSight(gate);
    default:
      return gate satisfies never;
  }
}

/** A gate that looks at what runs of a repository. */
function writtenSight(gate: Extract<Gate, { readonly repo: string }>): WrittenGate {
  const { environment } = gate;
  switch (gate.kind) {
    case "health":
      return {
        health: gate.repo,
        environment,
        ...(gate.service !== undefined && { service: gate.service }),
        ready: `${gate.readyPercent}%`,
        for: formatDuration(gate.forMs),
        ...timesOf(gate),
      };
    case "canary":
      return { canary: gate.repo, environment, ...timesOf(gate) };
    case "errors":
      return {
        errors: gate.repo,
        environment,
        max: `${gate.maxPercent}%`,
        over: formatDuration(gate.overMs),
        ...timesOf(gate),
      };
    default:
      return gate satisfies never;
  }
}

function timesOf({ everyMs, timeoutMs }: { readonly everyMs: number; readonly timeoutMs: number }) {
  return { every: formatDuration(everyMs), timeout: formatDuration(timeoutMs) };
}
