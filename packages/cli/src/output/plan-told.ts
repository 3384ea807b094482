/** What is told beside a plan that the hub made: what is left alone, what travels, what to think of. */
import type { ToldOfPlan } from "@propagit/protocol";
import { formatBytes, formatCount, formatNames } from "./quantity.js";
import { plainText } from "./text-width.js";

const namesMax = 5;
const dronesShown = 20;

/** @param next what to try now; absent: there is nothing to do */
export function toldText(told: ToldOfPlan, next?: string): string {
  const { travel, warnings } = told;
  const lines = [
    ...dronesLines(told),
    ...skippedLines(told),
    ...(travel ? [travelLine(travel)] : []),
    ...warnings.map((warning) => plainText(warning)),
    "",
    next === undefined ? "nothing was changed" : `nothing was changed; ${next}`,
  ];
  return `\n${lines.join("\n").trimStart()}\n`;
}

/** Those that fit, where the plan says no more than that. */
function dronesLines({ drones = [], dronesCount = drones.length }: ToldOfPlan): readonly string[] {
  if (drones.length === 0) return [];
  const shown = drones.slice(0, dronesShown);
  const left = dronesCount - shown.length;
  const more = left > 0 ? ` and ${formatCount(left, "more drone")}` : "";
  return [`drones that fit: ${plainText(shown.join(", "))}${more}`];
}

/** Those with the same reason in one line. */
function skippedLines({ skipped, skippedCount }: ToldOfPlan): readonly string[] {
  const byWhy = new Map<string, string[]>();
  for (const { what, why } of skipped) byWhy.set(why, [...(byWhy.get(why) ?? []), what]);
  const lines = [...byWhy].map(
    ([why, names]) => `skipped: ${plainText(formatNames(names, namesMax))} (${plainText(why)})`,
  );
  const left = skippedCount - skipped.length;
  return left > 0 ? [...lines, `skipped: ${left} more`] : lines;
}

function travelLine({ bytes, drones }: NonNullable<ToldOfPlan["travel"]>): string {
  const all = drones > 1 ? `, ${formatBytes(bytes * drones)} in all` : "";
  return `travels: at most ${formatBytes(bytes)} to ${formatCount(drones, "drone")}${all}`;
}
