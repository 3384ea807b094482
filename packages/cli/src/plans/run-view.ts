/** A run as it is looked at: a line for each thing that happens, and on a terminal where it stands, below them. */
import { timeText, type Plan, type Run, type RunEvent, type Task } from "@propagit/plan";
import { hostName } from "../output/plan-words.js";
import { LiveArea } from "../output/live-area.js";
import { progressLines } from "../output/run-progress.js";
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

  /** Output of a task. */
  output(task: Task, line: string): void {
    this.say(task.command, line, { host: hostName(task) });
  }

  event(event: RunEvent): void {
    const said = wordsOf(event, this.#viewed);
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

interface Said {
  readonly message: string;
  readonly who?: string;
  readonly level?: Level;
  readonly host?: string;
}

function wordsOf(event: RunEvent, viewed: ViewedRun): Said | undefined {
  const { plan, id } = viewed;
  switch (event.kind) {
    case "run-queued":
      return { message: `waits for ${event.locks.join(", ")}` };
    case "run-begun":
      return { message: `starting plan: ${plan.name} (run ${id})` };
    case "stage-waits": {
      const until =
        event.until === undefined ? "" : `, for ${timeText(Math.max(0, event.until - event.at))}`;
      return { message: `stage ${nameOf(event.stage, viewed)} waits: ${event.why}${until}` };
    }
    case "gate-open":
      return { message: `stage ${nameOf(event.stage, viewed)} may begin: ${event.why}` };
    case "gate-refused":
      return {
        message: `stage ${nameOf(event.stage, viewed)} may not begin: ${event.why}`,
        level: "ERROR",
      };
    case "stage-begun":
      return { message: `starting stage: ${nameOf(event.stage, viewed)}` };
    case "stage-ended":
      return event.outcome === "done"
        ? { message: `finished stage: ${nameOf(event.stage, viewed)}` }
        : {
            message: `stage ${nameOf(event.stage, viewed)} ${event.outcome}${because(event.reason)}`,
            level: "ERROR",
          };
    case "task-begun":
      return undefined;
    case "task-ended":
    case "task-retries":
      return taskWords(event, viewed);
    case "asked":
      return { message: `${event.by} asks to ${event.ask.kind}` };
    case "rollback-begun":
      return { message: `rolling back${because(event.reason)}`, level: "WARNING" };
    case "run-ended":
      return event.outcome === "done"
        ? { message: `finished plan: ${plan.name}` }
        : { message: `plan ${event.outcome}${because(event.reason)}`, level: "ERROR" };
    default:
      return event satisfies never;
  }
}

function taskWords(
  event: Extract<RunEvent, { kind: "task-ended" | "task-retries" }>,
  { run }: ViewedRun,
): Said {
  const task = run()?.task(event.task);
  const place = task ? { who: task.command, host: hostName(task) } : {};
  if (event.kind === "task-retries") {
    const wait = timeText(Math.max(0, event.nextAt - event.at));
    return {
      ...place,
      message: `failed${because(event.reason)}; tried again in ${wait}`,
      level: "WARNING",
    };
  }
  const isGood = event.outcome === "done" || event.outcome === "unchanged";
  const level = isGood ? undefined : task?.continueOnFail ? "WARNING" : "ERROR";
  return { ...place, message: `${event.outcome}${because(event.reason)}`, ...(level && { level }) };
}

function because(reason: string | undefined): string {
  return reason === undefined ? "" : `: ${reason}`;
}

function nameOf(number: number, { run }: ViewedRun): string {
  return run()?.stages[number - 1]?.run.stage.name ?? String(number);
}
