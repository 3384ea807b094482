/**
 * What git's hooks and the hub say to each other about one push, over a pipe of its own:
 *
 *     hook: pre-receive | post-receive          hub: say TEXT       a line for whoever pushes
 *           GIT_OBJECT_DIRECTORY                     end 0 | end 1  taken | refused
 *           GIT_ALTERNATE_OBJECT_DIRECTORIES
 *           GIT_QUARANTINE_PATH
 *           option OPTION …
 *           (empty)
 *           <old> <new> <ref> …
 *           (empty)
 */
import type { RefChange } from "./ref-change.js";

export interface HookQuestion {
  readonly hook: "pre-receive" | "post-receive";
  /** Where git keeps what came until it is taken; the hub's own git reads it with these. */
  readonly quarantine: Readonly<Record<string, string>>;
  /** What was given with `git push -o`. */
  readonly options: readonly string[];
  readonly changes: readonly RefChange[];
}

/** A push of 20,000 refs; of more it is refused, since nobody can look at them. */
export const questionCharsMax = 4 * 1024 * 1024;
/** A line of the terminal's own width and some more; git cuts at 65,520 bytes. */
const lineCharsMax = 1_000;
const quarantineNames = [
  "GIT_OBJECT_DIRECTORY",
  "GIT_ALTERNATE_OBJECT_DIRECTORIES",
  "GIT_QUARANTINE_PATH",
] as const;

/** The question at the beginning of what was heard, or undefined while it is not complete. */
export function parseQuestion(
  heard: string,
): { readonly question: HookQuestion | undefined; readonly rest: string } | undefined {
  const match = /^([^\n]*)\n((?:[^\n]*\n){3})((?:option [^\n]*\n)*)\n((?:[^\n]+\n)*)\n/.exec(heard);
  if (!match) return undefined;
  const [whole, hook, places = "", options = "", changes = ""] = match;
  const rest = heard.slice(whole.length);
  const parsed = linesOf(changes).map(parseChange);
  const isWhole = parsed.every((change) => change !== undefined);
  if ((hook !== "pre-receive" && hook !== "post-receive") || !isWhole) {
    return { question: undefined, rest };
  }
  const values = places.split("\n");
  const quarantine = quarantineNames.map((name, at) => [name, values[at] ?? ""] as const);
  const question = {
    hook,
    quarantine: Object.fromEntries(quarantine.filter(([, value]) => value !== "")),
    options: linesOf(options).map((line) => line.slice("option ".length)),
    changes: parsed,
  } as const;
  return { question, rest };
}

/** As one line each; nothing in it can reach into whoever's terminal shows it. */
export function sayLines(text: string): string {
  return text
    .split("\n")
    .map((line) => `say ${line.replaceAll(/[\p{Cc}\p{Cf}]+/gu, " ").slice(0, lineCharsMax)}\n`)
    .join("");
}

export function sayEnd(isTaken: boolean): string {
  return `end ${isTaken ? 0 : 1}\n`;
}

function linesOf(text: string): readonly string[] {
  return text.split("\n").slice(0, -1);
}

function parseChange(line: string): RefChange | undefined {
  const match = /^([0-9a-f]{40,64}) ([0-9a-f]{40,64}) (refs\/[^\n]+)$/.exec(line);
  if (!match) return undefined;
  const [, oldId = "", newId = "", ref = ""] = match;
  return { ref, oldId: idOrNone(oldId), newId: idOrNone(newId) };
}

function idOrNone(id: string): string | undefined {
  return /^0+$/.test(id) ? undefined : id;
}
