/** `files push`, `files list`: folders and files that are no repository, on drones. */
import {
  isOwner,
  PropagitError,
  quote,
  shortCommit,
  type FilesOutcome,
  type FilesPlace,
  type FilesProgress,
  type FilesRow,
} from "@propagit/protocol";
import { Command } from "commander";
import { examples } from "../examples.js";
import type { ReadTargets } from "@propagit/plan";
import {
  parseFilesPlace,
  parseFilesSight,
  splitPlace,
  type FilesPlaceFlag,
} from "../files/place.js";
import type { FilesResult } from "../files/push.js";
import { asFlag, asRepeatedFlag, parseWhole } from "../flags.js";
import { collect, findHubAccess, withHub, withHubFlags, type HubFlags } from "../hub-call.js";
import { badColour, dimColour, goodColour } from "../output/colour.js";
import { formatAge } from "../output/duration.js";
import { openFilesView } from "../output/files-progress.js";
import { print, printJson } from "../output/print.js";
import { formatBytes, formatCount } from "../output/quantity.js";
import { formatTable, type Column } from "../output/table.js";
import { plainText } from "../output/text-width.js";
import { endOnInterrupt } from "../interrupt.js";
import { findTargets, withTargetsFlag, type TargetsFlags } from "../targets/book.js";
import { parseDurationMs } from "../traffic-flags.js";

interface PushFlags extends HubFlags, TargetsFlags {
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

interface ListFlags extends HubFlags {
  readonly verify?: boolean;
  readonly json?: boolean;
}

export function filesCommand(): Command {
  return withHubFlags(
    new Command("files")
      .summary("folders and files on drones")
      .description(
        "Brings folders and files that are no repository to drones, by way of the hub: only what changed travels, and each file is replaced in one step. See docs/files.md.",
      ),
  )
    .addCommand(pushCommand())
    .addCommand(listCommand());
}

function pushCommand(): Command {
  const command = withHubFlags(
    new Command("push")
      .summary("bring folders and files to drones")
      .description(
        "Makes a folder on drones hold what is in folders here. `site` goes there by its name, `site/` as what is in it. Links stay links. The folder there must be new, empty, or of a former push; what a former push brought and this one does not is removed. Ends with the truth about every drone.",
      )
      .usage("[options] <source...> <target:path>")
      .argument(
        "<sources-and-target...>",
        "folders and files; at the end a target or the drones (names a,b, `*`, /regex/, or a label selector) and the folder there, absolute or ~/…",
      ),
  )
    .option("--after <duration>", "begin later; makes it a plan", asFlag(parseDurationMs))
    .option(
      "--retries <number>",
      "of a plan: further attempts, after 1, 8, 27, 64 … minutes (default: 4)",
      asFlag((text: string) => parseWhole(text, 0, 20)),
    )
    .option(
      "--concurrency <number>",
      "of a plan: drones at the same time, or a part of them such as 25% (default: 64)",
      asFlag(parseConcurrency),
    )
    .option("--detach", "of a plan: do not wait for its end")
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
    .option("--dry-run", "only tell what would change")
    .option("--allow-missing", "drones that are away are no failure")
    .option("--json", "print what became of it as JSON");
  return examples(withTargetsFlag(command), [
    "propagit files push site/ web-1:/srv/site",
    "propagit files push --exclude='*.map' --owner=www:www site/ 'role=web:/srv/site'",
    "propagit files push --dry-run fonts logo.svg '*:~/assets'",
    "propagit files push --after=30m --detach /my/folder /and/my/file mytarget:~/",
  ]).action(push);
}

function listCommand(): Command {
  const command = withHubFlags(
    new Command("list")
      .alias("status")
      .summary("what was pushed where, and whether it still is")
      .description(
        "Lists the folders that files were pushed to, asked of the drones: what was pushed there when and by whom, and whether it is as it was pushed. With --verify every byte is compared, and a difference is a failure.",
      )
      .argument("[target:path]", "drones, a folder on them, or both", asFlag(parseFilesSight)),
  )
    .option("--verify", "compare contents, not only sizes and times")
    .option("--json", "print it as JSON");
  return examples(command, [
    "propagit files list",
    "propagit files status --verify 'role=web:/srv/site'",
  ]).action(list);
}

async function push(words: readonly string[], _: unknown, command: Command): Promise<void> {
  const flags = command.optsWithGlobals<PushFlags>();
  const { sources, target, place } = splitWords(words);
  const targets = findTargets(flags);
  if (targets?.book.targets.has(target) || wantsPlan(flags)) {
    return pushOver(sources, words.at(-1) ?? "", { flags, targets });
  }
  endOnInterrupt();
  // Git and what it works with are loaded only here.
  const { failureOf, pushFiles } = await import("../files/push.js");
  const request = {
    sources,
    ...place,
    exclude: flags.exclude ?? [],
    owner: flags.owner,
    mode: flags.mode,
    folderMode: flags.dirMode,
    replace: flags.replace ?? false,
    force: flags.force ?? false,
    dryRun: flags.dryRun ?? false,
  };
  const access = findHubAccess(flags);
  const isDrawn = !flags.json && process.stdout.isTTY && process.env["TERM"] !== "dumb";
  const view = openFilesView(process.stdout, isDrawn);
  const watch = {
    note: (line: string) => void process.stderr.write(`${line}\n`),
    step: (text: string) => view.step(text),
    progress: (drone: string, progress: FilesProgress) => view.progress(drone, progress),
    ended: (outcome: FilesOutcome) => {
      if (!flags.json) view.ended(outcome.drone, formatOutcome(outcome, request.dryRun));
    },
  };
  const result = await withHub(flags, (hub) => pushFiles(request, access, hub, watch)).finally(() =>
    view.end(),
  );
  if (flags.json) printJson({ ...result, dryRun: request.dryRun, path: request.path });
  else print(formatEnd(result, request.dryRun));
  const failure = failureOf(result.drones, flags.allowMissing ?? false);
  if (failure) throw failure;
}

/** A target, or what only a plan can: it is carried out by the hub. */
async function pushOver(
  sources: readonly string[],
  last: string,
  { flags, targets }: { flags: PushFlags; targets: ReadTargets | undefined },
): Promise<void> {
  if (flags.allowMissing) {
    throw new PropagitError("BAD_USAGE", "a plan tries drones again that are away", {
      hint: "leave --allow-missing out; how often is said by --retries",
    });
  }
  const { concurrencyDefault, pushByPlan, retriesDefault } = await import("../files/plan-push.js");
  const view = openFilesView(process.stdout, !flags.json && process.stdout.isTTY);
  const watch = {
    note: (line: string) => void process.stderr.write(`${line}\n`),
    step: (text: string) => view.step(text),
  };
  const push = {
    sources,
    ...splitPlace(last),
    exclude: flags.exclude ?? [],
    owner: flags.owner,
    mode: flags.mode,
    folderMode: flags.dirMode,
    replace: flags.replace ?? false,
    force: flags.force ?? false,
    afterMs: flags.after ?? 0,
    retries: flags.retries ?? retriesDefault,
    concurrency: flags.concurrency ?? concurrencyDefault,
  };
  const { dryRun = false, detach = false, json = false } = flags;
  const wish = { dryRun, detach, json, flags, watch };
  await pushByPlan(push, targets, findHubAccess(flags), wish).finally(() => view.end());
}

function wantsPlan({ after, retries, concurrency, detach }: PushFlags): boolean {
  return [after, retries, concurrency, detach].some((flag) => flag !== undefined);
}

async function list(
  sight: Partial<FilesPlaceFlag> | undefined,
  _: unknown,
  command: Command,
): Promise<void> {
  const flags = command.optsWithGlobals<ListFlags>();
  const verify = flags.verify ?? false;
  const params = { ...sight, verify };
  const rows = await withHub(flags, (hub) =>
    collect<FilesRow>(async (onPart) => {
      const { rows } = await hub.call("hub.files-list", params, { limitMs: 0, onPart });
      return rows;
    }),
  );
  if (flags.json) printJson(rows);
  else if (rows.length > 0) print(formatTable(columns(Date.now()), rows));
  else print("no files were pushed there; propagit files push DIR/ TARGET:PATH\n");
  const wrong = rows.filter(({ place }) => place?.state !== "as-pushed");
  if (verify && wrong.length > 0) {
    const names = [...new Set(wrong.map(({ drone }) => drone))].slice(0, 10).join(", ");
    throw new PropagitError(
      "FILES_FAILED",
      `${wrong.length} of ${formatCount(rows.length, "folder")} are not as they were pushed: on ${names}`,
      { hint: "the same push again puts them right" },
    );
  }
}

/** @throws BAD_USAGE */
function splitWords(words: readonly string[]): {
  readonly sources: readonly string[];
  /** As it is written before the path. */
  readonly target: string;
  readonly place: FilesPlaceFlag;
} {
  const sources = words.slice(0, -1);
  const last = words.at(-1) ?? "";
  if (sources.length === 0) {
    throw new PropagitError("BAD_USAGE", "there must be something to push, and a place for it", {
      hint: "write it like: propagit files push site/ web-1:/srv/site",
    });
  }
  return { sources, target: splitPlace(last).target, place: parseFilesPlace(last) };
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

function formatOutcome(outcome: FilesOutcome, dryRun: boolean): string {
  const { drone, changes, examples = [], reason, hint } = outcome;
  const colour = outcome.outcome === "done" ? goodColour : badColour;
  const head = `${drone}  ${colour(dryRun && outcome.outcome === "done" ? "compared" : outcome.outcome)}`;
  if (!changes) {
    const why = hint && outcome.outcome !== "away" ? `\n  ${plainText(hint)}` : "";
    return `${head}  ${plainText(reason ?? "")}${why}\n`;
  }
  const shown = dryRun
    ? examples.map(({ what, path }) => `  ${signs[what]} ${shownName(path)}\n`)
    : [];
  return `${head}  ${formatChanges(changes)}\n${shown.join("")}`;
}

const signs = { add: "+", change: "~", remove: "-" } as const;

function formatChanges(changes: NonNullable<FilesOutcome["changes"]>): string {
  const { added, changed, removed, unchanged, bytes, foreign } = changes;
  const parts = [
    added > 0 && `${added} added`,
    changed > 0 && `${changed} changed`,
    removed > 0 && `${removed} removed`,
    `${unchanged} unchanged`,
    `${formatBytes(bytes)} written`,
    foreign > 0 && `${foreign} not of a push`,
  ];
  return parts.filter((part) => part !== false).join(", ");
}

function formatEnd({ commit, files, bytes, drones }: FilesResult, dryRun: boolean): string {
  const done = drones.filter(({ outcome }) => outcome === "done").length;
  const what = `${formatCount(files, "file")}, ${formatBytes(bytes)} (${shortCommit(commit)})`;
  const where = `${done} of ${formatCount(drones.length, "drone")}`;
  return dimColour(`${what} ${dryRun ? "compared with" : "are on"} ${where}\n`);
}

/** A line's end in a name must not look like another line. */
function shownName(path: string): string {
  return /\p{Cc}/u.test(path) ? JSON.stringify(path) : path;
}

function columns(now: number): readonly Column<FilesRow>[] {
  return [
    { head: "DRONE", cell: ({ drone }) => drone },
    { head: "PATH", cut: "late", cell: ({ path }) => shownName(path) },
    { head: "STATE", cell: formatState, colour: colourState },
    { head: "FILES", alignRight: true, cell: ({ place }) => (place ? String(place.files) : "-") },
    {
      head: "SIZE",
      alignRight: true,
      leaveOut: 2,
      cell: ({ place }) => (place ? formatBytes(place.bytes) : "-"),
    },
    { head: "PUSHED", cell: shownCommit },
    { head: "BY", leaveOut: 1, cell: (row) => plainText((row.place ?? row).by ?? "-") },
    {
      head: "SINCE",
      alignRight: true,
      leaveOut: 3,
      cell: (row) => formatAge(now - ((row.place ?? row).at ?? now)),
    },
  ];
}

function shownCommit(row: FilesRow): string {
  const { commit } = row.place ?? row;
  return commit === undefined ? "-" : shortCommit(commit);
}

function formatState({ place, reason }: FilesRow): string {
  if (!place) return `unknown: ${plainText(reason ?? "it did not answer")}`;
  const { state, changed, missing, foreign, verified } = place;
  const beside = foreign > 0 ? `, ${foreign} not of a push` : "";
  switch (state) {
    case "as-pushed":
      return `${verified ? "as pushed, verified" : "as pushed"}${beside}`;
    case "changed":
      return `${changed} changed, ${missing} missing${beside}`;
    case "half":
      return "half: push it again";
    case "gone":
      return "gone";
    default:
      return state satisfies never;
  }
}

function colourState({ place }: FilesRow, text: string): string {
  return isGood(place) ? goodColour(text) : badColour(text);
}

function isGood(place: FilesPlace | undefined): boolean {
  return place?.state === "as-pushed";
}
