/** `propagit plans` and `plans status`: what is, or was, carried out here. */
import { Run, statusOf, type RunStatus, type RunSummary } from "@propagit/plan";
import { nodeClock, sleep } from "@propagit/runtime";
import { headColour, dimColour } from "../output/colour.js";
import { formatAge, formatDuration, formatMoment } from "../output/duration.js";
import { openPicture } from "../output/picture.js";
import { print, printJson } from "../output/print.js";
import { localName } from "../output/plan-words.js";
import { countWords, stageWords } from "../output/run-progress.js";
import { formatTable, type Column } from "../output/table.js";
import { plainText } from "../output/text-width.js";
import type { HubFlags } from "../hub-call.js";
import { plansOfHub, statusOfHub } from "./hub-plans.js";
import { LocalRuns, type LocalRun } from "./local-runs.js";

const followMs = 1_000;

export interface StatusFlags extends HubFlags {
  readonly local?: boolean;
  readonly json?: boolean;
  readonly follow?: boolean;
  readonly all?: boolean;
}

export async function listRuns(flags: StatusFlags): Promise<void> {
  const runs = flags.local ? await (await LocalRuns.open()).list() : await runsOfHub(flags);
  if (flags.json)
    return printJson(runs.map(({ summary, isCarried }) => ({ ...summary, isCarried })));
  if (runs.length === 0) {
    const local = flags.local ? " --local" : "";
    return print(
      `no plan was carried out ${local ? "here" : "by the hub"}: propagit apply PLAN${local}\n`,
    );
  }
  print(formatTable(columns, runs));
}

const columns: readonly Column<LocalRun>[] = [
  { head: "ID", cell: ({ summary }) => summary.run },
  { head: "PLAN", cut: "late", cell: ({ summary }) => plainText(summary.name) },
  { head: "STATE", cell: stateWord },
  { head: "TASKS", cut: "early", cell: ({ summary }) => countWords(summary.counts) },
  { head: "BY", leaveOut: 1, cell: ({ summary }) => plainText(summary.by) },
  {
    head: "SINCE",
    alignRight: true,
    cell: ({ summary: { beganAt } }) =>
      beganAt === undefined ? "" : formatAge(Date.now() - beganAt),
  },
];

async function runsOfHub(flags: HubFlags): Promise<readonly LocalRun[]> {
  return (await plansOfHub(flags)).map((summary) => ({ summary, isCarried: isGoing(summary) }));
}

/** The hub carries out whatever is not over. */
function isGoing({ state }: RunSummary): boolean {
  return state !== "over" && state !== "unreadable";
}

function stateWord({ summary, isCarried }: LocalRun): string {
  if (summary.state === "over") return summary.outcome ?? "over";
  if (summary.state === "unreadable" || isCarried) return summary.state;
  return summary.state === "paused" ? "paused, waits for resume" : "broken off, waits for resume";
}

export async function showRun(prefix: string, flags: StatusFlags): Promise<void> {
  const look = flags.local ? await lookHere(prefix, flags) : () => lookAtHub(prefix, flags);
  if (flags.json) {
    const { status, isCarried } = await look();
    return printJson({ ...status, isCarried });
  }
  if (!flags.follow) return print(statusText(await look()));
  const picture = openPicture();
  for (;;) {
    const seen = await look();
    picture.show(statusText(seen));
    if (!seen.isCarried) break;
    await sleep(nodeClock, followMs);
  }
}

interface Seen {
  readonly status: RunStatus;
  readonly isCarried: boolean;
}

async function lookHere(prefix: string, flags: StatusFlags): Promise<() => Promise<Seen>> {
  const runs = await LocalRuns.open();
  const id = await runs.find(prefix);
  return async () => {
    const { plan, events } = await runs.journal.read(id);
    const status = statusOf(id, new Run(plan, events), { tasks: flags.all ? "all" : "notable" });
    return { status, isCarried: status.state !== "over" && (await runs.isCarried(id)) };
  };
}

async function lookAtHub(prefix: string, flags: StatusFlags): Promise<Seen> {
  const status = await statusOfHub(prefix, flags.all ?? false, flags);
  return { status, isCarried: isGoing(status) };
}

function statusText({ status, isCarried }: { status: RunStatus; isCarried: boolean }): string {
  const now = Date.now();
  const { stages } = status;
  const bodies = stages.map((stage) => {
    const part = stage.part === "rollback" ? " (rollback)" : "";
    const tasks = stage.tasks.map(
      ({ task, command, host, state, attempt, reason, lastLines = [] }) => {
        const tries = attempt > 1 ? `, attempt ${attempt}` : "";
        const why = reason === undefined ? "" : `: ${plainText(reason)}`;
        const lines = lastLines.map((line) => dimColour(`       ${plainText(line)}\n`));
        return `   ${task} ${host === "engine" ? localName : host} ${command} ${state}${tries}${why}\n${lines.join("")}`;
      },
    );
    const left = stage.tasksLeftOut > 0 ? `   and ${stage.tasksLeftOut} more\n` : "";
    return `${stage.number}. ${plainText(stage.name)}${part}  ${stageWords(stage, now)}\n${tasks.join("")}${left}`;
  });
  return `${headColour(plainText(status.name))}  ${headWords(status, isCarried)}\n${bodies.join("")}`;
}

function headWords(summary: RunSummary, isCarried: boolean): string {
  const { run, by, beganAt, endedAt, reason } = summary;
  const state = stateWord({ summary, isCarried });
  const why = reason === undefined ? "" : `: ${plainText(reason)}`;
  const began = beganAt === undefined ? "" : `, begun ${formatMoment(beganAt)} by ${plainText(by)}`;
  const took =
    beganAt === undefined || endedAt === undefined
      ? ""
      : `, took ${formatDuration(endedAt - beganAt)}`;
  return `${run} ${state}${why}${began}${took}`;
}
