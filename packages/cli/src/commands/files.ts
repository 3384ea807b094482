/** `files push`, `files list`: folders and files that are no repository, on drones. */
import { PropagitError, shortCommit, type FilesPlace, type FilesRow } from "@propagit/protocol";
import { Command } from "commander";
import { examples } from "../examples.js";
import { carryOutPush } from "../files/carry-out-push.js";
import { withPushFlags, type PushFlags } from "../files/push-flags.js";
import {
  ageCommand,
  moreCommand,
  queueCommand,
  resetCommand,
  statusCommand,
  stopCommand,
  type StatusFlags,
} from "../files/verb-commands.js";
import { parseFilesSight, type FilesPlaceFlag } from "../files/place.js";
import { asFlag } from "../flags.js";
import { collect, withHub, withHubFlags } from "../hub-call.js";
import { badColour, goodColour } from "../output/colour.js";
import { formatAge } from "../output/duration.js";
import { shownName } from "../output/files-outcome.js";
import { print, printJson } from "../output/print.js";
import { formatBytes, formatCount } from "../output/quantity.js";
import { formatTable, type Column } from "../output/table.js";
import { plainText } from "../output/text-width.js";

export function filesCommand(): Command {
  return withHubFlags(
    new Command("files")
      .summary("folders and files on drones")
      .description(
        "Brings folders and files that are no repository to drones, by way of the hub: only what changed travels, and each file is replaced in one step. See docs/files.md.",
      ),
  )
    .addCommand(pushCommand())
    .addCommand(listCommand())
    .addCommand(queueCommand(carryOutPush))
    .addCommand(statusCommand(list))
    .addCommand(stopCommand())
    .addCommand(ageCommand())
    .addCommand(resetCommand())
    .addCommand(moreCommand());
}

function pushCommand(): Command {
  const command = withPushFlags(
    new Command("push")
      .summary("bring folders and files to drones")
      .description(
        "Makes a folder on drones hold what is in folders here. `site` goes there by its name, `site/` as what is in it. Links stay links. The folder there must be new, empty, or of a former push; what a former push brought and this one does not is removed. Ends with the truth about every drone.",
      ),
  );
  return examples(command, [
    "propagit files push site/ web-1:/srv/site",
    "propagit files push --exclude='*.map' --owner=www:www site/ 'role=web:/srv/site'",
    "propagit files push --dry-run fonts logo.svg '*:~/assets'",
    "propagit files push --after=30m --detach /my/folder /and/my/file mytarget:~/",
  ]).action((words: readonly string[], _: unknown, self: Command) =>
    carryOutPush(words, self.optsWithGlobals<PushFlags>()),
  );
}

function listCommand(): Command {
  const command = withHubFlags(
    new Command("list")
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
    "propagit files list --verify 'role=web:/srv/site'",
  ]).action((sight: Partial<FilesPlaceFlag> | undefined, _: unknown, self: Command) =>
    list(sight, self.optsWithGlobals()),
  );
}

async function list(sight: Partial<FilesPlaceFlag> | undefined, flags: StatusFlags): Promise<void> {
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
