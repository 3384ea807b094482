/** `propagit apply`: has the hub carry a plan out, or does it here; what happens is kept on disk. */
import type { Gate, Plan } from "@propagit/plan";
import { isOfHub } from "@propagit/hub";
import { PropagitError } from "@propagit/protocol";
import { describeTask, hostName, tasksOf } from "../output/plan-words.js";
import { print } from "../output/print.js";
import { formatCount, formatNames } from "../output/quantity.js";
import type { HubFlags } from "../hub-call.js";
import { carryOutNew } from "./carry-out.js";
import { applyOnHub, beginOnHub } from "./hub-plans.js";
import { withCode } from "./code-place.js";
import { LocalRuns } from "./local-runs.js";
import { formatLine, lineLog } from "./logs.js";
import { planned, type Planned } from "./planned.js";
import { rebase } from "./rebase.js";
import { refuseChangedFiles } from "./source-files.js";
import { showPlan, type ShowFlags } from "./show-plan.js";

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
  if (flags.dryRun) return showPlan(file, flags);
  if (flags.detach && flags.local) {
    throw new PropagitError("BAD_USAGE", "what this machine carries out ends with its process", {
      hint: "leave --detach or --local out",
    });
  }
  const write = (line: string) => void process.stdout.write(line);
  const made = await planned(file, flags, (who) => lineLog(who, write));
  if (flags.local) refuseForeign(made.plan);
  if (file !== undefined) await refuseChangedFiles(made.plan, file);
  tellBeforehand(made, write);
  if (tasksOf(made.plan.stages).length === 0) return;
  if (!flags.local) {
    const begun = { ...made, plan: await withCode(made, flags.code) };
    if (flags.detach) return tellBegun(await beginOnHub(begun, flags));
    process.exitCode = await applyOnHub(begun, flags);
    return;
  }
  const { plan, commands, folder } = made;
  process.exitCode = await carryOutNew({ runs: await LocalRuns.open(), plan, commands }, folder);
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

/** What only a hub can do is refused before anything begins. */
function refuseForeign({ stages, rollback = [] }: Plan): void {
  const all = [...stages, ...rollback];
  const tasks = tasksOf(all).flatMap(({ where }) => (where.kind === "drone" ? [where.drone] : []));
  const gates = all.flatMap((stage) => stage.gates.filter(needsHub).map(({ kind }) => kind));
  const drones =
    tasks.length > 0
      ? `has tasks for ${formatNames([...new Set(tasks)], 5)}, which only a hub reaches`
      : "";
  const waits =
    gates.length > 0 ? `waits for ${formatNames([...new Set(gates)])}, which only a hub knows` : "";
  const ofHub = tasksOf(all).filter(({ command }) => isOfHub(command));
  const changes =
    ofHub.length > 0
      ? `changes what only a hub keeps (${formatNames([...new Set(ofHub.map(({ command }) => command))], 5)})`
      : "";
  const why = [drones, changes, waits].filter((one) => one !== "").join(", and ");
  if (why === "") return;
  throw new PropagitError("BAD_PLAN", `the plan ${why}`, {
    hint: "have the hub carry it out, without --local; or name machines by `host`, which is reached by ssh",
  });
}

function needsHub(gate: Gate): boolean {
  if (gate.kind === "command") return gate.task.where.kind === "drone";
  return gate.kind === "health" || gate.kind === "canary" || gate.kind === "errors";
}
