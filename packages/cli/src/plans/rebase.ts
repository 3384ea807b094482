/**
 * `propagit apply FILE --rebase`: the change that a plan was made of, planned anew from the state as it is now, and
 * what is different. Nothing begins; what was edited by hand in the old plan is among the differences.
 */
import { readPlan, writePlan, type WrittenPlan } from "@propagit/plan";
import { hubCommands } from "@propagit/hub";
import { changeSchema, check, PropagitError, type PlannedChange } from "@propagit/protocol";
import { differenceText, lineDifference } from "../output/line-difference.js";
import { toldText } from "../output/plan-told.js";
import { print } from "../output/print.js";
import type { HubFlags } from "../hub-call.js";
import { readTextFile } from "./read-text.js";
import { madePlan } from "./show-change.js";
import { savePlan } from "./show-plan.js";

export async function rebase(
  file: string | undefined,
  flags: HubFlags & { readonly save?: string },
): Promise<void> {
  if (file === undefined) {
    throw new PropagitError("BAD_USAGE", "--rebase needs the plan that is to be made anew", {
      hint: "give its file: propagit apply plan.json --rebase",
    });
  }
  const old = readPlan({ file, text: readTextFile(file) }, hubCommands);
  const made = await madePlan(changeOf(file, old.request), flags);
  const anew = readPlan({ file: "the hub's plan", text: made.text }, hubCommands);
  const written = writePlan(anew, hubCommands);
  if (anew.stages.length === 0) {
    if (flags.save !== undefined) savePlan(flags.save, written);
    return print(`nothing of ${file} is left to do\n${toldText(made.told)}`);
  }
  const lines = lineDifference(linesOf(writePlan(old, hubCommands)), linesOf(written));
  if (lines.length === 0) print(`${file} is as it would be made now\n`);
  else print(differenceText(lines));
  if (flags.save !== undefined) savePlan(flags.save, written);
  if (lines.length > 0) {
    print(`lines with - are not in the new plan, also what was edited in ${file} by hand\n`);
  }
  print(`${whatNext(file, flags.save)}\n`);
}

function whatNext(file: string, saved: string | undefined): string {
  if (saved !== undefined) return `nothing was changed; carry it out with: propagit apply ${saved}`;
  return `nothing was changed; write the new plan down with: propagit apply ${file} --rebase --save ${beside(file)}`;
}

/** Another name, so that what was edited by hand is not written over. */
function beside(file: string): string {
  return `${file.replace(/\.(?:json|ya?ml)$/, "")}.new.json`;
}

/** @throws BAD_PLAN when it was not made by a hub */
function changeOf(file: string, request: unknown): PlannedChange {
  const checked = check(changeSchema, request);
  if (checked.ok) return checked.value;
  const why = request === undefined ? "does not say" : `says wrongly (${checked.reason})`;
  throw new PropagitError(
    "BAD_PLAN",
    `${file} ${why} what it was made of, so it cannot be made anew`,
    {
      hint: "make it again: propagit plan deploy REPO COMMIT --save plan.json",
    },
  );
}

/** Without what is another one each time: when it was made, and hashes that nobody reads. */
function linesOf(plan: WrittenPlan): readonly string[] {
  return JSON.stringify({ ...plan, basis: undefined }, undefined, 2).split("\n");
}
