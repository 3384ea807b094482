/** `propagit plans` and `plans status`: what is, or was, carried out here. */
import { PropagitError } from "@propagit/protocol";
import { formatAge } from "../output/duration.js";
import { print, printJson, terminalColumns } from "../output/print.js";
import { countWords } from "../output/run-progress.js";
import { approvalText, isOver, runWord } from "../output/run-head.js";
import { runTree } from "../output/run-tree.js";
import { formatTable, type Column } from "../output/table.js";
import { plainText } from "../output/text-width.js";
import type { HubFlags } from "../hub-call.js";
import { checkId } from "./ask-run.js";
import { followRun } from "./follow-run.js";
import { plansOfHub } from "./hub-plans.js";
import { LocalRuns, type LocalRun } from "./local-runs.js";
import { readLog, showLog } from "./run-log.js";
import { isGoing, sightAtHub, sightHere } from "./run-sight.js";

export interface StatusFlags extends HubFlags {
  readonly local?: boolean;
  readonly json?: boolean;
  readonly follow?: boolean;
  readonly all?: boolean;
  readonly events?: boolean;
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
  const waiting = runs.filter(({ summary }) => summary.approval).slice(0, approvalsShown);
  if (waiting.length > 0) {
    print(
      `\n${waiting.map(({ summary }) => `${approvalText(summary, flags.local ?? false)}\n`).join("")}`,
    );
  }
}

/** Below the list. */
const approvalsShown = 10;

const columns: readonly Column<LocalRun>[] = [
  { head: "ID", cell: ({ summary }) => summary.run },
  { head: "PLAN", cut: "late", cell: ({ summary }) => plainText(summary.name) },
  { head: "STATE", cell: ({ summary, isCarried }) => runWord(summary, isCarried) },
  {
    head: "TASKS",
    cut: "early",
    cell: ({ summary }) => countWords(summary.counts, isOver(summary)),
  },
  { head: "BY", leaveOut: 1, cell: ({ summary }) => plainText(summary.by) },
  {
    head: "SINCE",
    alignRight: true,
    cell: ({ summary: { beganAt } }) =>
      beganAt === undefined ? "" : formatAge(Date.now() - beganAt),
  },
];

/** The newest that goes, else the newest. @throws NO_PLAN when there is none */
async function usualRun(flags: StatusFlags): Promise<string> {
  const runs = flags.local ? await (await LocalRuns.open()).list() : await runsOfHub(flags);
  const [newest] = runs;
  const { summary } = runs.find(({ isCarried }) => isCarried) ?? newest ?? {};
  if (summary) return summary.run;
  const local = flags.local ? " --local" : "";
  throw new PropagitError("NO_PLAN", `no plan was carried out ${local ? "here" : "by the hub"}`, {
    hint: `carry one out: propagit apply PLAN${local}`,
  });
}

async function runsOfHub(flags: HubFlags): Promise<readonly LocalRun[]> {
  return (await plansOfHub(flags)).map((summary) => ({ summary, isCarried: isGoing(summary) }));
}

export async function showRun(wanted: string | undefined, flags: StatusFlags): Promise<void> {
  if (wanted !== undefined) checkId(wanted);
  const prefix = wanted ?? (await usualRun(flags));
  if (flags.events && !flags.json) return showLog(prefix, flags);
  const sight = flags.local ? await sightHere(prefix) : sightAtHub(prefix, flags);
  if (flags.follow && !flags.json) return followRun(sight);
  const seen = await sight((look) => look(flags.all ? "all" : "notable"));
  if (flags.json) {
    const log = flags.events ? await readLog(prefix, flags) : undefined;
    const events = log && { events: log.events, eventsLeftOut: log.leftOut };
    return printJson({ ...seen.status, isCarried: seen.isCarried, ...events });
  }
  const lines = runTree(seen, Date.now(), { columns: terminalColumns(), rows: Infinity });
  print(`${lines.join("\n")}\n`);
}
