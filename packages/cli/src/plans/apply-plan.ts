/** `propagit apply`: has the hub carry a plan out, or does it here; what happens is kept on disk. */
import { PropagitError } from "@propagit/protocol";
import { describeTask, hostName, tasksOf } from "../output/plan-words.js";
import { print } from "../output/print.js";
import { formatCount } from "../output/quantity.js";
import type { HubFlags } from "../hub-call.js";
import { carryOutNew } from "./carry-out.js";
import { applyOnHub, beginOnHub, checkOnHub } from "./hub-plans.js";
import { refuseForeign } from "./foreign.js";
import { withCode } from "./code-place.js";
import { LocalRuns } from "./local-runs.js";
import { formatLine, lineLog } from "./logs.js";
import { planned, type LogOf, type Planned } from "./planned.js";
import { rebase } from "./rebase.js";
import { refuseChangedFiles } from "./source-files.js";
import { showPlanned, type ShowFlags } from "./show-plan.js";

export interface ApplyFlags extends ShowFlags, HubFlags {
  readonly local?: boolean;
  readonly dryRun?: boolean;
  /** The repository that has the project's own commands. */
  readonly code?: string;
  readonly rebase?: boolean;
  /** Nobody waits for its end. */
  readonly detach?: boolean;
}

/** Longer plans are not told task by task before they begin. */
const toldTasksMax = 20;

export async function applyPlan(file: string | undefined, flags: ApplyFlags): Promise<void> {
  if (flags.rebase) return rebase(file, flags);
  if (flags.detach && flags.local) {
    throw new PropagitError("BAD_USAGE", "what this machine carries out ends with its process", {
      hint: "leave --detach or --local out",
    });
  }
  const write = (line: string) => {
    (flags.dryRun ? process.stderr : process.stdout).write(line);
  };
  const made = await checked(file, flags, (who) => lineLog(who, write));
  const isEmpty = tasksOf(made.plan.stages).length === 0;
  if (flags.dryRun) {
    // Of one that does nothing no hub is asked.
    const isAsked = !flags.local && !isEmpty;
    const told = isAsked ? await checkOnHub(made, flags) : undefined;
    return showPlanned(made, flags, told && { kind: "would", told });
  }
  tellBeforehand(made, write);
  if (isEmpty) return;
  if (!flags.local) {
    if (flags.detach) return tellBegun(await beginOnHub(made, flags));
    process.exitCode = await applyOnHub(made, flags);
    return;
  }
  const { plan, commands, folder } = made;
  process.exitCode = await carryOutNew({ runs: await LocalRuns.open(), plan, commands }, folder);
}

/** The plan as it would be begun; what this machine knows to be wrong with it is refused, in a dry run as well. */
async function checked(
  file: string | undefined,
  flags: ApplyFlags,
  logOf: LogOf,
): Promise<Planned> {
  const made = await planned(file, flags, logOf);
  if (flags.local) refuseForeign(made.plan);
  if (file !== undefined) await refuseChangedFiles(made.plan, file);
  return flags.local ? made : { ...made, plan: await withCode(made, flags.code) };
}

function tellBegun(run: string): void {
  print(`${run}  the hub carries it out
  to look on: propagit plans status ${run} --follow
  its log:    propagit plans status ${run} --events
  to end it:  propagit plans stop ${run}
`);
}

/** Its commands say what they would do, each checked. */
function tellBeforehand({ plan, commands }: Planned, write: (line: string) => void): void {
  const tasks = tasksOf(plan.stages);
  const line = (who: string, host: string, message: string) =>
    write(formatLine({ at: Date.now(), level: "INFO", who, host, message }));
  if (tasks.length === 0) return line("engine", "*", "nothing to do");
  for (const task of tasks.slice(0, toldTasksMax)) {
    line(task.command, hostName(task), describeTask(task, commands));
  }
  const left = tasks.length - toldTasksMax;
  if (left > 0)
    line("engine", "*", `and ${formatCount(left, "more task")}: propagit plan --all shows them`);
}
