/** Files from here to drones: read, brought to the hub, and from there to each drone. */
import {
  PropagitError,
  type DroneTarget,
  type FilesOutcome,
  type FilesProgress,
} from "@propagit/protocol";
import type { Conversation } from "@propagit/runtime";
import { author } from "../author.js";
import { sourceChanged } from "./import.js";
import { PushedFiles, type HubPlace } from "./repository.js";
import { firstChange, readSource, shown, type Source } from "./source.js";

export interface FilesPush {
  readonly sources: readonly string[];
  readonly exclude: readonly string[];
  readonly target: DroneTarget;
  readonly path: string;
  readonly owner: string | undefined;
  readonly mode: number | undefined;
  readonly folderMode: number | undefined;
  readonly replace: boolean;
  readonly force: boolean;
  readonly dryRun: boolean;
}

export interface FilesWatch {
  readonly note: (line: string) => void;
  /** What is done here, before any drone has to do with it. */
  readonly step: (text: string) => void;
  readonly progress: (drone: string, progress: FilesProgress) => void;
  readonly ended: (outcome: FilesOutcome) => void;
}

export interface FilesResult {
  readonly commit: string;
  readonly files: number;
  readonly bytes: number;
  readonly drones: readonly FilesOutcome[];
}

const folderModeDefault = 0o755;

/** @throws BAD_USAGE, NO_PLACE, CHANGED_MEANWHILE, … when nothing was pushed at all */
export async function pushFiles(
  push: FilesPush,
  place: HubPlace,
  hub: Conversation,
  watch: FilesWatch,
): Promise<FilesResult> {
  // Before anything is read: whether there is such a drone at all.
  await hub.call(
    "hub.drones",
    { target: push.target, machine: false },
    { onPart: () => undefined },
  );
  watch.step("looking at the files");
  const source = await readSource(push.sources, push.exclude);
  noteRepositories(source, watch);
  watch.step(`reading ${source.entries.length} files`);
  const commit = await PushedFiles.use(place, async (pushed) => {
    const read = await pushed.import(push.sources, {
      entries: source.entries,
      head: {
        ...(push.owner !== undefined && { owner: push.owner }),
        mode: push.folderMode ?? source.mode ?? folderModeDefault,
      },
      mode: push.mode,
      folderMode: push.folderMode,
      manifestOnly: push.dryRun,
    });
    const change = firstChange(source, await readSource(push.sources, push.exclude));
    if (change !== undefined) throw sourceChanged(change);
    watch.step("bringing them to the hub");
    await pushed.send(read, push.dryRun ? `${push.path} (dry run)` : push.path);
    return read;
  });
  const drones = await distribute(push, commit, hub, watch);
  const sizes = source.entries.flatMap((entry) => (entry.kind === "file" ? [entry.bytes] : []));
  return { commit, files: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0), drones };
}

/** The error that a push ends with; undefined when every drone has what it should have. */
export function failureOf(
  drones: readonly FilesOutcome[],
  allowMissing: boolean,
): PropagitError | undefined {
  const done = drones.filter(({ outcome }) => outcome === "done").length;
  const isMissed = ({ outcome }: FilesOutcome) => outcome === "away" && allowMissing && done > 0;
  const failed = drones.filter((one) => one.outcome !== "done" && !isMissed(one));
  const [first] = failed;
  if (!first) return undefined;
  const names = failed.slice(0, 10).map(({ drone, outcome }) => `${drone} (${outcome})`);
  const more = failed.length > 10 ? ` and ${failed.length - 10} more` : "";
  const what = `files did not get to ${failed.length} of ${drones.length} drones: ${names.join(", ")}${more}`;
  const isRefused = failed.every(({ outcome }) => outcome === "refused");
  const isAway = failed.every(({ outcome }) => outcome === "away");
  const hint = isAway
    ? "push again when they are back, or let them be missing with --allow-missing"
    : first.hint;
  return new PropagitError(isRefused ? "FILES_REFUSED" : "FILES_FAILED", what, {
    ...(hint !== undefined && { hint }),
  });
}

async function distribute(
  { target, path, replace, force, dryRun }: FilesPush,
  commit: string,
  hub: Conversation,
  watch: FilesWatch,
): Promise<readonly FilesOutcome[]> {
  const outcomes: FilesOutcome[] = [];
  const params = { target, path, commit, replace, force, dryRun, by: author() };
  await hub.call("hub.files-push", params, {
    limitMs: 0,
    onPart: (part) => {
      if ("outcome" in part) {
        outcomes.push(part);
        watch.ended(part);
      } else {
        const { drone, ...progress } = part;
        watch.progress(drone, progress);
      }
    },
  });
  return outcomes.toSorted((left, right) => (left.drone < right.drone ? -1 : 1));
}

function noteRepositories({ repositories }: Source, { note }: FilesWatch): void {
  const [first] = repositories;
  if (first === undefined) return;
  const more = repositories.length > 1 ? ` and ${repositories.length - 1} more` : "";
  note(`note: ${shown(first)}${more} is pushed too; to leave such folders out: --exclude .git`);
}
