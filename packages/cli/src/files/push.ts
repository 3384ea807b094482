/** Files from here to drones: read, brought to the hub, and from there to each drone. */
import {
  PropagitError,
  type DroneTarget,
  type FilesOutcome,
  type FilesPart,
  type FilesProgress,
} from "@propagit/protocol";
import { nodeRandom } from "@propagit/runtime";
import { author } from "../author.js";
import { findHubAccess, withHub, type HubFlags } from "../hub-call.js";
import { interruptedExitCode, onInterrupt } from "../interrupt.js";
import { againWhileLost } from "../plans/hub-plans.js";
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
/** Of a plan's id. */
const idChars = 10;

/** @throws BAD_USAGE, NO_PLACE, CHANGED_MEANWHILE, … when nothing was pushed at all */
export async function pushFiles(
  push: FilesPush,
  flags: HubFlags,
  watch: FilesWatch,
): Promise<FilesResult> {
  const stopListening = onInterrupt(() => process.exit(interruptedExitCode));
  await checkTarget(push.target, flags);
  const { commit, files, bytes } = await readFiles(push, findHubAccess(flags), watch, {
    destination: push.path,
    manifestOnly: false,
  });
  stopListening();
  return { commit, files, bytes, drones: await distribute(push, commit, flags, watch) };
}

/** Before anything is read: whether there is such a drone at all. @throws NO_PLACE */
export async function checkTarget(target: DroneTarget, flags: HubFlags): Promise<void> {
  const params = { target, machine: false };
  await withHub(flags, (hub) => hub.call("hub.drones", params, { onPart: () => undefined }));
}

export interface FilesDestination {
  /** What was pushed there before is not sent again; undefined: nothing is sent at all. */
  readonly destination: string | undefined;
  /** Only what there is goes to the hub, without contents. */
  readonly manifestOnly: boolean;
}

export interface ReadFiles {
  /** Of what was read, with all contents. */
  readonly commit: string;
  /** What went to the hub instead. */
  readonly manifest?: string;
  readonly files: number;
  readonly bytes: number;
}

/** Reads files into a commit, the same whenever they are the same, and brings it to the hub. @throws CHANGED_MEANWHILE */
export async function readFiles(
  { sources, exclude, owner, mode, folderMode }: FilesReading,
  place: HubPlace,
  watch: Pick<FilesWatch, "note" | "step">,
  { destination, manifestOnly }: FilesDestination,
): Promise<ReadFiles> {
  watch.step("looking at the files");
  const source = await readSource(sources, exclude);
  noteRepositories(source, watch);
  watch.step(`reading ${source.entries.length} files`);
  const head = {
    ...(owner !== undefined && { owner }),
    mode: folderMode ?? source.mode ?? folderModeDefault,
  };
  const request = { entries: source.entries, head, mode, folderMode };
  const commits = await PushedFiles.use(place, async (pushed) => {
    const commit = await pushed.import(sources, { ...request, manifestOnly: false });
    const change = firstChange(source, await readSource(sources, exclude));
    if (change !== undefined) throw sourceChanged(change);
    if (destination === undefined) return { commit };
    watch.step("bringing them to the hub");
    if (!manifestOnly) {
      await pushed.send(commit, destination);
      return { commit };
    }
    const manifest = await pushed.import(sources, { ...request, manifestOnly });
    await pushed.send(manifest, destination);
    return { commit, manifest };
  });
  const sizes = source.entries.flatMap((entry) => (entry.kind === "file" ? [entry.bytes] : []));
  return { ...commits, files: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
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

/** The hub goes on with it, whoever goes away; asked again, it is looked on at. */
async function distribute(
  { target, path, replace, force }: FilesPush,
  commit: string,
  flags: HubFlags,
  watch: FilesWatch,
): Promise<readonly FilesOutcome[]> {
  const outcomes = new Map<string, FilesOutcome>();
  const run = nodeRandom.hex(idChars);
  const by = author();
  const params = { target, path, commit, replace, force, dryRun: false, by, run };
  const hear = (part: FilesPart) => {
    if (!("outcome" in part)) {
      const { drone, ...progress } = part;
      watch.progress(drone, progress);
    } else if (!outcomes.has(part.drone)) {
      outcomes.set(part.drone, part);
      watch.ended(part);
    }
  };
  const stopListening = onInterrupt(() => {
    process.stderr.write(
      `the hub goes on with it; look: propagit files status ${run}, end it: propagit files stop ${run}\n`,
    );
    process.exit(interruptedExitCode);
  });
  try {
    const ask = (heard: () => void) => {
      const onPart = (part: FilesPart) => {
        heard();
        hear(part);
      };
      return withHub(flags, (hub) => hub.call("hub.files-push", params, { limitMs: 0, onPart }));
    };
    await againWhileLost(ask, () => {
      watch.note("the hub was lost on the way; waiting for it to come back");
    });
  } finally {
    stopListening();
  }
  return [...outcomes.values()].toSorted((left, right) => (left.drone < right.drone ? -1 : 1));
}

function noteRepositories({ repositories }: Source, { note }: Pick<FilesWatch, "note">): void {
  const [first] = repositories;
  if (first === undefined) return;
  const more = repositories.length > 1 ? ` and ${repositories.length - 1} more` : "";
  note(`note: ${shown(first)}${more} is pushed too; to leave such folders out: --exclude .git`);
}
