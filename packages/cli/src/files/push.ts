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

/** What is read here, and how it is to be there. */
export interface FilesReading {
  readonly sources: readonly string[];
  readonly exclude: readonly string[];
  readonly owner: string | undefined;
  readonly mode: number | undefined;
  readonly folderMode: number | undefined;
}

export interface FilesPush extends FilesReading {
  readonly target: DroneTarget;
  readonly path: string;
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
  const read = await readFiles(push, place, watch, {
    destination: push.dryRun ? `${push.path} (dry run)` : push.path,
    manifestOnly: push.dryRun,
  });
  return { ...read, drones: await distribute(push, read.commit, hub, watch) };
}

export interface FilesDestination {
  /** What was pushed there before is not sent again; undefined: nothing is sent at all. */
  readonly destination: string | undefined;
  /** Only what there is, without contents. */
  readonly manifestOnly: boolean;
}

/** Reads files into a commit, the same whenever they are the same, and brings it to the hub. @throws CHANGED_MEANWHILE */
export async function readFiles(
  { sources, exclude, owner, mode, folderMode }: FilesReading,
  place: HubPlace,
  watch: Pick<FilesWatch, "note" | "step">,
  { destination, manifestOnly }: FilesDestination,
): Promise<Omit<FilesResult, "drones">> {
  watch.step("looking at the files");
  const source = await readSource(sources, exclude);
  noteRepositories(source, watch);
  watch.step(`reading ${source.entries.length} files`);
  const commit = await PushedFiles.use(place, async (pushed) => {
    const read = await pushed.import(sources, {
      entries: source.entries,
      head: {
        ...(owner !== undefined && { owner }),
        mode: folderMode ?? source.mode ?? folderModeDefault,
      },
      mode,
      folderMode,
      manifestOnly,
    });
    const change = firstChange(source, await readSource(sources, exclude));
    if (change !== undefined) throw sourceChanged(change);
    if (destination === undefined) return read;
    watch.step("bringing them to the hub");
    await pushed.send(read, destination);
    return read;
  });
  const sizes = source.entries.flatMap((entry) => (entry.kind === "file" ? [entry.bytes] : []));
  return { commit, files: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
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

function noteRepositories({ repositories }: Source, { note }: Pick<FilesWatch, "note">): void {
  const [first] = repositories;
  if (first === undefined) return;
  const more = repositories.length > 1 ? ` and ${repositories.length - 1} more` : "";
  note(`note: ${shown(first)}${more} is pushed too; to leave such folders out: --exclude .git`);
}
