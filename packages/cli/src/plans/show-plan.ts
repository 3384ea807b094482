/** `propagit plan`: what would happen. Nothing is written but what was asked for, and nothing is begun. */
import { writeFileSync } from "node:fs";
import { openFolderJournal, planHash, writePlan } from "@propagit/plan";
import { PropagitError } from "@propagit/protocol";
import { errnoOf } from "@propagit/runtime";
import { planPage } from "../output/plan-page.js";
import { planPicture } from "../output/plan-picture.js";
import { print, printJson } from "../output/print.js";
import { forecast, pastDurations, type Durations } from "./forecast.js";
import { plansFolder } from "./local-runs.js";
import { lineLog } from "./logs.js";
import { planned, type Planned } from "./planned.js";
import type { SourceFlags } from "./source-flags.js";
import { existsSync } from "node:fs";

export interface ShowFlags extends SourceFlags {
  readonly dump?: boolean;
  readonly json?: boolean;
  readonly save?: string;
  readonly html?: string;
  readonly all?: boolean;
}

export async function showPlan(file: string | undefined, flags: ShowFlags): Promise<void> {
  const toErrors = (line: string) => void process.stderr.write(line);
  await showPlanned(await planned(file, flags, (who) => lineLog(who, toErrors)), flags);
}

/** Of a plan that is there already. */
export async function showPlanned(made: Planned, flags: ShowFlags): Promise<void> {
  const durations = await durationsOf(made);
  const hash = planHash(made.plan);
  const whole = { ...made, hash, forecast: forecast(made.plan, durations, Date.now()) };
  const written = () => `${JSON.stringify(writePlan(made.plan, made.commands), undefined, 2)}\n`;
  if (flags.save !== undefined) save(flags.save, written());
  if (flags.html !== undefined) save(flags.html, planPage(whole));
  if (flags.dump) return print(written());
  if (flags.json) {
    const { announcement, isTimed } = whole.forecast;
    const { stages, from, until } = announcement;
    return printJson({ hash, plan: made.plan, isTimed, from, until, stages });
  }
  print(planPicture({ ...whole, isWhole: flags.all ?? false }));
  if (made.isGiven) print("\nSyntax ok\n");
}

/** No folder is made for it. */
async function durationsOf({ plan }: Planned): Promise<Durations> {
  const folder = plansFolder();
  return existsSync(folder) ? pastDurations(await openFolderJournal(folder), plan) : new Map();
}

function save(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (thrown) {
    const reason = errnoOf(thrown) ?? String(thrown);
    throw new PropagitError("BAD_USAGE", `${path} cannot be written: ${reason}`, { cause: thrown });
  }
}
