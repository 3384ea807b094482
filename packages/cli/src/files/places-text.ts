/** Where each source of a push goes on a drone, for people. */
import { basename, resolve } from "node:path";
import { plainText } from "../output/text-width.js";
import type { PlanPush } from "./plan-push.js";
import { meansContents } from "./source.js";

/** More of them are counted. */
const shownMax = 20;

/** A line for each source. */
export function placesText({ sources, path }: Pick<PlanPush, "sources" | "path">): string {
  const lines = sources
    .slice(0, shownMax)
    .map((name) => `${plainText(name)} -> ${plainText(placeOf(name, path))}\n`);
  const more = sources.length > shownMax ? `… and ${sources.length - shownMax} more\n` : "";
  return lines.join("") + more;
}

function placeOf(name: string, path: string): string {
  const folder = path.endsWith("/") ? path : `${path}/`;
  return meansContents(name) ? `${folder}: what is in it` : `${folder}${basename(resolve(name))}`;
}
