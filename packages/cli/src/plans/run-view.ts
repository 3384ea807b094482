/** A run as it is looked at: a line for each thing that happens, and on a terminal where it stands, below them. */
import {
  noTasks,
  summaryOf,
  timeText,
  type Plan,
  type Run,
  type RunAsk,
  type RunEvent,
  type Task,
  type TaskCounts,
} from "@propagit/plan";
import { droneLines } from "../output/drones-seen.js";
import { hostName } from "../output/plan-words.js";
import { LiveArea } from "../output/live-area.js";
import { countWords, progressLines } from "../output/run-progress.js";
import { formatLine, type Level, type LogLine } from "./logs.js";

const drawMs = 250;

export interface ViewedRun {
  readonly id: string;
  readonly plan: Plan;
  /** Of it as it stands now. */
  readonly run: () => Run | undefined;
  /** Default standard output. */
  readonly output?: NodeJS.WriteStream;
}

export class RunView {
  readonly #viewed: ViewedRun;
  readonly #output: NodeJS.WriteStream;
  readonly #area: LiveArea | undefined;
  readonly #timer: NodeJS.Timeout | undefined;
  /** Of large plans it takes longer to look where they stand than to say a line. */
  #seen: { readonly at: number; readonly lines: readonly string[] } = { at: 0, lines: [] };

  constructor(viewed: ViewedRun) {
    this.#viewed = viewed;
    this.#output = viewed.output ?? process.stdout;
    if (!this.#output.isTTY) return;
    this.#area = new LiveArea(this.#output);
    this.#timer = setInterval(() => this.#draw(), drawMs);
  }

  say(
    who: string,
    message: string,
    {
      level = "INFO",
      at = Date.now(),
      host = "*",
    }: Partial<Pick<LogLine, "level" | "at" | "host">> = {},
  ): void {
    const text = formatLine({ at, level, who, host, message });
    if (this.#area) this.#area.say(text);
    else this.#output.write(text);
    this.#draw();
  }

  /** Output of a task. @param at default: now */
  output(task: Task, line: string, at = Date.now()): void {
    this.say(task.command, line, { host: hostName(task), at });
  }

  event(event: RunEvent): void {
    const said = wordsOf(event, namesOf(this.#viewed));
    if (!said) return;
    const { who = "engine", message, level, host } = said;
    this.say(who, message, {
      at: event.at,
      ...(level && { level }),
      ...(host !== undefined && { host }),
    });
  }

  close(): void {
    clearInterval(this.#timer);
    this.#area?.close();
  }

  #draw(): void {
    const run = this.#viewed.run();
    if (!this.#area || !run) return;
    const now = Date.now();
    if (now - this.#seen.at >= drawMs) {
      this.#seen = { at: now, lines: progressLines(run, now, this.#area.rows) };
    }
    this.#area.draw(this.#seen.lines);
  }
}

/** What an event means by its numbers. */
export interface EventNames {
  readonly run: string;
  readonly plan: string;
  readonly stage: (number: number) => string;
  /** Whether somebody is to open that gate, of a run that is looked on at; absent: nobody is told. */
  readonly isApproval?: (stage: number, gate: number | undefined) => boolean;
  readonly task: (
    id: string,
  ) => { readonly command: string; readonly host: string; readonly mayFail: boolean } | undefined;
  /** Of the plan's own stages and of what put them back, of a run that is looked on at. */
  readonly counts?: () => TaskCounts;
}

function namesOf({ id, plan, run }: ViewedRun): EventNames {
  return {
    run: id,
    plan: plan.name,
    isApproval: (number, gate = 0) =>
      run()?.stages[number - 1]?.run.stage.gates[gate - 1]?.kind === "approval",
    stage: (number) => run()?.stages[number - 1]?.run.stage.name ?? String(number),
    counts: () => {
      const now = run();
      return now ? summaryOf(id, now).counts : noTasks;
    },
    task: (taskId) => {
      const task = run()?.task(taskId);
      if (!task) return undefined;
      const { command, continueOnFail } = task;
      return { command, host: hostName(task), mayFail: continueOnFail };
    },
  };
}

export interface Said {
  readonly message: string;
  readonly who?: string;
  readonly level?: Level;
  readonly host?: string;
}

/** What a task said last, or the drones that have a part in it. */
export function outputOf(event: RunEvent): readonly string[] {
  if ("drones" in event && event.drones) return droneLines(event.drones);
  return "lastLines" in event ? (event.lastLines ?? []) : [];
}

/** Undefined of what needs no line while one looks on. */
export function wordsOf(event: RunEvent, names: EventNames): Said | undefined {
  const { plan, run } = names;
  switch (event.kind) {
    case "run-queued":
      return { message: `waits for ${event.locks.join(", ")}` };
    case "run-begun":
      return { message: `starting plan: ${plan} (run ${run})` };
    case "stage-waits": {
      const until =
        event.until === undefined ? "" : `, for ${timeText(Math.max(0, event.until - event.at))}`;
      const next = names.isApproval?.(event.stage, event.gate)
        ? `; let it begin: propagit plans approve ${run}`
        : "";
      return { message: `stage ${names.stage(event.stage)} waits: ${event.why}${until}${next}` };
    }
    case "gate-open":
      return { message: `stage ${names.stage(event.stage)} may begin: ${event.why}` };
    case "gate-refused":
      return {
        message: `stage ${names.stage(event.stage)} may not begin: ${event.why}`,
        level: "ERROR",
      };
    case "stage-begun":
      return { message: `starting stage: ${names.stage(event.stage)}` };
    case "stage-ended":
      return event.outcome === "done"
        ? { message: `finished stage: ${names.stage(event.stage)}` }
        : {
            message: `stage ${names.stage(event.stage)} ${event.outcome}${because(event.reason)}`,
            level: "ERROR",
          };
    case "task-begun":
      return undefined;
    case "task-ended":
    case "task-retries":
      return taskWords(event, names);
    case "asked":
      return { message: `${event.by} asks to ${askText(event.ask)}` };
    case "rollback-begun":
      return { message: `rolling back${because(event.reason)}`, level: "WARNING" };
    case "run-ended":
      return event.outcome === "done"
        ? { message: `finished plan: ${plan}${failuresOf(names)}` }
        : {
            message: `plan ${event.outcome}${countsOf(names)}${because(event.reason)}`,
            level: "ERROR",
          };
    default:
      return event satisfies never;
  }
}

function countsOf({ counts }: EventNames): string {
  return counts ? `, ${countWords(counts(), true)}` : "";
}

/** What failed and counts for nothing. */
function failuresOf(names: EventNames): string {
  return (names.counts?.().failed ?? 0) === 0 ? "" : countsOf(names);
}

function taskWords(
  event: Extract<RunEvent, { kind: "task-ended" | "task-retries" }>,
  names: EventNames,
): Said {
  const task = names.task(event.task);
  const place = task ? { who: task.command, host: task.host } : {};
  if (event.kind === "task-retries") {
    const wait = timeText(Math.max(0, event.nextAt - event.at));
    return {
      ...place,
      message: `failed${because(event.reason)}; tried again in ${wait}`,
      level: "WARNING",
    };
  }
  const isGood = event.outcome === "done" || event.outcome === "unchanged";
  const level = isGood ? undefined : task?.mayFail ? "WARNING" : "ERROR";
  return { ...place, message: `${event.outcome}${because(event.reason)}`, ...(level && { level }) };
}

function because(reason: string | undefined): string {
  return reason === undefined ? "" : `: ${reason}`;
}

/** `stop, and to take back what was done`. */
function askText(ask: RunAsk): string {
  if (ask.kind === "retry") return ask.force ? "retry, also what may run only once" : "retry";
  if (ask.kind !== "stop") return ask.kind;
  const now = ask.now ? ", what is under way as well" : "";
  return `stop${now}${ask.undo ? ", and to take back what was done" : ""}`;
}
