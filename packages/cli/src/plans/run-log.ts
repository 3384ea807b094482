/**
 * `plans status --events`: all that happened to a plan, and to the parts of it that relays carry out, as one log: begun,
 * waited, asked by whom, each task, what it said last.
 *
 *     2026-11-22 10:00:00,034 [INFO    ] [engine         ] [*] starting plan: webapp 2.0 (run 4fa1c2d3e4)
 *     2026-11-22 10:00:09,412 [WARNING ] [engine         ] [*] ann@laptop asks to pause
 *     2026-11-22 10:00:12,127 [INFO    ] [put-files      ] [web-1 by dc2-head] done: 3 added
 */
import { hostOf, Run, type RunEvent } from "@propagit/plan";
import type { PlanLogged } from "@propagit/protocol";
import { nodeClock, sleep } from "@propagit/runtime";
import { collect, withHub, type HubFlags } from "../hub-call.js";
import { print } from "../output/print.js";
import { formatCount } from "../output/quantity.js";
import { placeName } from "../output/plan-words.js";
import { awayMsMax, isLost } from "./hub-plans.js";
import { LocalRuns } from "./local-runs.js";
import { formatLine } from "./logs.js";
import { outputOf, wordsOf, type EventNames, type Said } from "./run-view.js";

export interface LogFlags extends HubFlags {
  readonly local?: boolean;
  readonly all?: boolean;
  readonly follow?: boolean;
}

export interface SeenLog {
  readonly run: string;
  /** By time. */
  readonly events: readonly PlanLogged[];
  /** Older ones. */
  readonly leftOut: number;
  readonly isOver: boolean;
}

/** Lines that people look through; with `--all` many times as many. */
const eventsShown = 1_000;
const eventsMax = 100_000;
const followMs = 1_000;

/** @param prefix of the run's id. @throws NO_PLAN, AMBIGUOUS */
export function readLog(
  prefix: string,
  flags: LogFlags,
  seen: ReadonlyMap<string, number> = new Map(),
): Promise<SeenLog> {
  const most = flags.all || seen.size > 0 ? eventsMax : eventsShown;
  return flags.local ? logHere(prefix, most, seen) : logAtHub(prefix, { most, flags, seen });
}

/** Prints it, with `--follow` until the plan is over. */
export async function showLog(prefix: string, flags: LogFlags): Promise<void> {
  const first = await readLog(prefix, flags);
  if (first.leftOut > 0) {
    print(`… ${formatCount(first.leftOut, "earlier event")}: --all shows more\n`);
  }
  print(logText(first));
  if (!flags.follow) return;
  const seen = new Map<string, number>();
  note(seen, first);
  for (let { isOver } = first; !isOver;) {
    await sleep(nodeClock, followMs);
    const news = await lookAgain(first.run, flags, seen);
    note(seen, news);
    print(logText(news));
    ({ isOver } = news);
  }
}

/** A hub that was lost is looked for again. */
async function lookAgain(
  run: string,
  flags: LogFlags,
  seen: ReadonlyMap<string, number>,
): Promise<SeenLog> {
  const until = Date.now() + awayMsMax;
  for (;;) {
    try {
      return await readLog(run, flags, seen);
    } catch (thrown) {
      if (!isLost(thrown) || Date.now() > until) throw thrown;
      await sleep(nodeClock, followMs);
    }
  }
}

function note(seen: Map<string, number>, { run, events }: SeenLog): void {
  if (!seen.has(run)) seen.set(run, 0);
  for (const one of events) seen.set(one.run, Math.max(seen.get(one.run) ?? 0, one.index + 1));
}

async function logAtHub(
  prefix: string,
  {
    most,
    flags,
    seen,
  }: {
    readonly most: number;
    readonly flags: HubFlags;
    readonly seen: ReadonlyMap<string, number>;
  },
): Promise<SeenLog> {
  const known = [...seen].map(([run, events]) => ({ run, events }));
  const params = { id: prefix, seen: known, eventsMax: most };
  return withHub(flags, async (hub) => {
    let head: Omit<SeenLog, "events"> | undefined;
    const events = await collect<PlanLogged>(async (onPart) => {
      const { events: last, ...rest } = await hub.call("hub.plan-log", params, { onPart });
      head = rest;
      return last;
    });
    return { ...(head ?? { run: prefix, leftOut: 0, isOver: true }), events };
  });
}

async function logHere(
  prefix: string,
  most: number,
  seen: ReadonlyMap<string, number>,
): Promise<SeenLog> {
  const runs = await LocalRuns.open();
  const id = await runs.find(prefix);
  const { plan, events } = await runs.journal.read(id);
  const run = new Run(plan, events);
  const from = Math.max(seen.get(id) ?? 0, events.length - most);
  const told = events.slice(from).map((event, index) => ({
    run: id,
    index: from + index,
    plan: plan.name,
    event: event as PlanLogged["event"],
    ...namesIn(run, event),
  }));
  const leftOut = from - (seen.get(id) ?? 0);
  const isOver = run.state === "over" || !(await runs.isCarried(id));
  return { run: id, events: told, leftOut: Math.max(0, leftOut), isOver };
}

function namesIn(run: Run, event: RunEvent): Pick<PlanLogged, "stage" | "command" | "host"> {
  const stage = "stage" in event ? run.stages[event.stage - 1]?.run.stage.name : undefined;
  const task = "task" in event ? run.task(event.task) : undefined;
  return {
    ...(stage !== undefined && { stage }),
    ...(task && { command: task.command, host: hostOf(task.where) }),
  };
}

function logText({ events }: Pick<SeenLog, "events">): string {
  return events.flatMap(linesOf).join("");
}

function linesOf(logged: PlanLogged): readonly string[] {
  const { relay, command } = logged;
  const event = logged.event as RunEvent;
  const said =
    event.kind === "task-begun" ? begunWords(event, logged) : wordsOf(event, namesFor(logged));
  if (!said) return [];
  const { who = "engine", message, level = "INFO", host = "*" } = said;
  const place = relay === undefined ? host : host === "*" ? relay : `${host} by ${relay}`;
  const line = (text: string, how: typeof level = "INFO") =>
    formatLine({ at: event.at, level: how, who, host: place, message: text });
  const output = command === undefined ? [] : outputOf(event);
  return [...output.map((text) => line(text)), line(message, level)];
}

function begunWords(event: Extract<RunEvent, { kind: "task-begun" }>, logged: PlanLogged): Said {
  const task = namesFor(logged).task(event.task);
  const again = event.attempt > 1 ? `, attempt ${event.attempt}` : "";
  return { who: task?.command ?? "engine", host: task?.host ?? "*", message: `begins${again}` };
}

function namesFor({ run, plan, stage, command, host = "*" }: PlanLogged): EventNames {
  return {
    run,
    plan,
    stage: (number) => stage ?? String(number),
    task: () =>
      command === undefined
        ? undefined
        : { command, host: placeName(host, command), mayFail: false },
  };
}
