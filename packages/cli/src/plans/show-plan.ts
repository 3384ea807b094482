/** `propagit plan`: what would happen. Nothing is written but what was asked for, and nothing is begun. */
import { existsSync, writeFileSync } from "node:fs";
import {
  openFolderJournal,
  planHash,
  writePlan,
  type Commands,
  type Plan,
  type WrittenPlan,
} from "@propagit/plan";
import { PropagitError, toPropagitError, type ToldOfPlan } from "@propagit/protocol";
import { errnoOf } from "@propagit/runtime";
import { planPage } from "../output/plan-page.js";
import { planPicture } from "../output/plan-picture.js";
import { toldText } from "../output/plan-told.js";
import { print, printJson, terminalColumns } from "../output/print.js";
import { wrapLines } from "../output/text-width.js";
import type { SelectFlags } from "./drone-selections.js";
import { durationsFrom, forecast, pastHere, type Durations, type Forecast } from "./forecast.js";
import { refuseForeign } from "./foreign.js";
import { wordOfHub, type HubWord } from "./hub-word.js";
import { plansFolder } from "./local-runs.js";
import { pastAtHub } from "./past-at-hub.js";
import { lineLog } from "./logs.js";
import { planned, type Planned } from "./planned.js";
import { refuseChangedFiles, withFiles } from "./source-files.js";
import type { SourceFlags } from "./source-flags.js";

/** How a plan is shown. */
export interface PlanShowFlags {
  readonly dump?: boolean;
  readonly json?: boolean;
  readonly save?: string;
  readonly html?: string;
  readonly all?: boolean;
}

export interface ShowFlags extends SourceFlags, SelectFlags, PlanShowFlags {
  readonly local?: boolean;
}

/** A plan with what it is expected to do. */
export interface Shown {
  readonly plan: Plan;
  readonly commands: Commands;
  readonly forecast: Forecast;
}

/** A plan that is given is shown also when it would be refused; that it would is said last. */
export async function showPlan(file: string | undefined, flags: ShowFlags): Promise<void> {
  const toErrors = (line: string) => void process.stderr.write(line);
  const made = await planned(file, flags, (who) => lineLog(who, toErrors));
  const word = file === undefined ? undefined : await wordOf(made, file, flags);
  await showPlanned(made, flags, word);
  if (word?.kind === "refused") throw word.error;
}

/** Of this machine and then of the hub, as `apply` would hear it. */
async function wordOf(made: Planned, file: string, flags: ShowFlags): Promise<HubWord | undefined> {
  try {
    if (flags.local) refuseForeign(made.plan);
    // What is written down now is so as it is now.
    if (flags.save === undefined) await refuseChangedFiles(made.plan, file);
  } catch (thrown) {
    return { kind: "refused", error: toPropagitError(thrown) };
  }
  return flags.local ? undefined : wordOfHub(made, flags);
}

/** Of a plan that is there already. @param word of the hub, when it was asked */
export async function showPlanned(made: Planned, flags: ShowFlags, word?: HubWord): Promise<void> {
  const isWritten = flags.save !== undefined || flags.dump === true;
  const plan = isWritten ? await withFiles(made) : made.plan;
  const told = word?.kind === "would" ? word.told : undefined;
  const durations = await durationsOf(plan, flags, word);
  const shown = { ...made, plan, forecast: forecast(plan, durations, Date.now()) };
  if (!showWith(shown, flags, told)) return;
  if (told) print(toldText(told, flags.save && `carry it out with: propagit apply ${flags.save}`));
  if (made.isGiven && word?.kind !== "refused") tellValid(word);
}

/** What was not checked is said first: the last words are that it is valid. */
function tellValid(word: HubWord | undefined): void {
  if (word?.kind === "unasked") {
    print(`\nonly its syntax is checked, as the hub is not asked: ${word.why}\nSyntax ok\n`);
  } else if (word?.kind === "would") print("Syntax ok, and the hub would begin it now\n");
  else print("\nSyntax ok\n");
}

/**
 * Writes and prints what is asked for.
 *
 * @param told for programs, beside the plan
 * @returns whether that was the picture
 */
export function showWith(shown: Shown, flags: PlanShowFlags, told?: ToldOfPlan): boolean {
  const { plan, commands } = shown;
  const whole = { ...shown, hash: planHash(plan) };
  const written = () => writePlan(plan, commands);
  if (flags.save !== undefined) savePlan(flags.save, written());
  if (flags.html !== undefined) save(flags.html, planPage(whole));
  if (flags.dump) print(textOf(written()));
  else if (flags.json) {
    const { announcement, isTimed } = whole.forecast;
    const { stages, from, until } = announcement;
    printJson({ hash: whole.hash, plan, isTimed, from, until, stages, ...(told && { told }) });
  } else {
    const picture = planPicture({ ...whole, isWhole: flags.all ?? false });
    print(wrapLines(picture, terminalColumns()));
  }
  return !flags.dump && !flags.json;
}

export function savePlan(path: string, plan: WrittenPlan): void {
  save(path, textOf(plan));
}

function textOf(plan: WrittenPlan): string {
  return `${JSON.stringify(plan, undefined, 2)}\n`;
}

/** What the hub knows of such a plan counts more than what this machine does, but for what only this machine carries out. */
async function durationsOf(
  plan: Plan,
  flags: ShowFlags,
  word: HubWord | undefined,
): Promise<Durations> {
  const folder = plansFolder();
  // No folder is made for it.
  const here = existsSync(folder) ? await pastHere(await openFolderJournal(folder), plan) : [];
  const isAsked = !flags.local && word?.kind !== "unasked";
  const atHub = isAsked ? await pastAtHub(plan, flags) : [];
  return new Map([
    ...here,
    ...(word?.kind === "would" ? durationsFrom(word.told.durations) : []),
    ...atHub,
  ]);
}

function save(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (thrown) {
    const reason = errnoOf(thrown) ?? String(thrown);
    throw new PropagitError("BAD_USAGE", `${path} cannot be written: ${reason}`, { cause: thrown });
  }
}
