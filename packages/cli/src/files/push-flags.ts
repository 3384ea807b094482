/** What `files push` and `files queue` take. */
import { isOwner, PropagitError, quote } from "@propagit/protocol";
import type { Command } from "commander";
import { asFlag, asRepeatedFlag, parseWhole } from "../flags.js";
import { withHubFlags, type HubFlags } from "../hub-call.js";
import { withTargetsFlag, type TargetsFlags } from "../targets/book.js";
import { parseDurationMs } from "../traffic-flags.js";

export interface PushFlags extends HubFlags, TargetsFlags {
  readonly exclude?: readonly string[];
  readonly owner?: string;
  readonly mode?: number;
  readonly dirMode?: number;
  readonly replace?: boolean;
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly allowMissing?: boolean;
  readonly json?: boolean;
  readonly after?: number;
  readonly retries?: number;
  readonly concurrency?: number | string;
  readonly detach?: boolean;
}

export function withPushFlags(command: Command): Command {
  return withPushWords(command)
    .option("--detach", "of a plan over a target: do not wait for its end")
    .option("--dry-run", "only show the plan of it, and tell what would change")
    .option("--json", "print what became of it as JSON");
}

/** What is pushed, and how; `plan files` has the same words. */
export function withPushWords(command: Command): Command {
  const flagged = withHubFlags(command)
    .usage("[options] <source...> <target:path>")
    .argument(
      "<sources-and-target...>",
      "folders and files; at the end a target or the drones (names a,b, `*`, /regex/, or a label selector) and the folder there, absolute or ~/…",
    )
    .option(
      "--after <duration>",
      "begin later; makes it a plan as over a target",
      asFlag(parseDurationMs),
    )
    .option(
      "--retries <number>",
      "of a plan over a target: further attempts, after 1, 8, 27, 64 … minutes (default: 4)",
      asFlag((text: string) => parseWhole(text, 0, 20)),
    )
    .option(
      "--concurrency <number>",
      "of a plan over a target: drones at the same time, or a part of them such as 25% (default: 64)",
      asFlag(parseConcurrency),
    )
    .option(
      "--exclude <pattern>",
      "leave out, as .gitignore has it; may be repeated",
      asRepeatedFlag((text: string) => text),
    )
    .option("--owner <user[:group]>", "whom it belongs to there (root drones)", asFlag(parseOwner))
    .option("--mode <octal>", "of all files, such as 644 (default: as here)", asFlag(parseMode))
    .option("--dir-mode <octal>", "of all folders, such as 755", asFlag(parseMode))
    .option("--replace", "remove what no push brought there, too")
    .option("--force", "with --replace: even more than 1,000 files")
    .option("--allow-missing", "drones that are away are no failure");
  return withTargetsFlag(flagged);
}

/** Whatever of them is said. */
export function readingOf(flags: PushFlags) {
  return {
    exclude: flags.exclude ?? [],
    owner: flags.owner,
    mode: flags.mode,
    folderMode: flags.dirMode,
    replace: flags.replace ?? false,
    force: flags.force ?? false,
  };
}

/** What only a plan over a target can. */
export function wantsPlan({ after, retries, concurrency, detach }: PushFlags): boolean {
  return [after, retries, concurrency, detach].some((flag) => flag !== undefined);
}

/** @throws BAD_USAGE */
export function parseMode(text: string): number {
  const mode = Number.parseInt(text, 8);
  if (/^0?[0-7]{3}$/.test(text)) return mode;
  throw new PropagitError("BAD_USAGE", `${quote(text)} is no mode`, {
    hint: "write three octal digits, such as 644 or 750",
  });
}

/** @throws BAD_USAGE */
function parseConcurrency(text: string): number | string {
  if (/^(?:[1-9]\d?|100)%$/.test(text)) return text;
  return parseWhole(text, 1, 10_000);
}

function parseOwner(text: string): string {
  if (isOwner(text)) return text;
  throw new PropagitError("BAD_USAGE", `${quote(text)} is no owner`, {
    hint: "write it like www, www:www, :www or 1000:1000",
  });
}
