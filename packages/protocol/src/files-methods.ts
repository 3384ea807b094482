/**
 * What parts tell each other of files that are no repository: folders that `propagit files push` brings to
 * drones.
 *
 *     command line --git push--> hub: the folders as a commit of a hidden repository, see `files-manifest.ts`
 *     command line --hub.files-push--> hub: a plan --drone.files--> each drone: fetches the commit, puts it in place
 *     command line --hub.files-list--> hub --drone.files-status--> each drone: what it was given, and how it is
 */
import * as Type from "typebox";
import type { Static } from "typebox";
import { parseRepoName, type RepoName } from "./ids.js";
import { droneTargetSchema } from "./selector.js";
import { commit, count, exact, list, name, oneOf, text } from "./shape.js";

/** The hub's repository of all files: no user can have one of that name, because of its `--`. */
export const filesRepo = "files--propagit" as RepoName;
/** Where a push of files arrives: `refs/files/<seconds since 1970>-<commit>`. */
export const filesRefs = "refs/files";
/** Of its commits, for git: the same for everybody, so that the same files are the same commit. */
export const filesIdentity = {
  GIT_AUTHOR_NAME: "propagit",
  GIT_AUTHOR_EMAIL: "files@propagit.invalid",
  GIT_AUTHOR_DATE: "@0 +0000",
  GIT_COMMITTER_NAME: "propagit",
  GIT_COMMITTER_EMAIL: "files@propagit.invalid",
  GIT_COMMITTER_DATE: "@0 +0000",
} as const;

/** As `parseRepoName`, for names that also mean what the hub keeps for itself. @throws BAD_NAME */
export function parseStoredRepoName(text: string): RepoName {
  return text === filesRepo ? filesRepo : parseRepoName(text);
}

/** Of a destination: absolute, or `~/…` in the home folder of the drone's user. */
const path = Type.String({ minLength: 1, maxLength: 4_096 });
/** Whether a destination is the home folder of the drone's user itself, written as such: `~`, `~/`. */
export function namesHome(asked: string): boolean {
  return /^~\/*$/.test(asked);
}
/** A name inside of it, for people; one that is no text is shown as far as it is. */
const shownPath = text(4_096);
const author = text(200);

/** What a push changes, or would change. Folders and links count like files. */
export const filesChangesSchema = exact({
  added: count,
  changed: count,
  removed: count,
  unchanged: count,
  /** Of the content of what is added and changed. */
  bytes: count,
  /** Found there and no push's; left alone, or removed with `replace` (and then in `removed` too). */
  foreign: count,
});
export type FilesChanges = Static<typeof filesChangesSchema>;

export const filesExampleSchema = exact({
  what: oneOf("add", "change", "remove"),
  path: shownPath,
});
export type FilesExample = Static<typeof filesExampleSchema>;

const examples = list(filesExampleSchema, 50);

export const filesProgressSchema = exact({
  phase: oneOf("waiting", "fetching", "comparing", "writing", "placing"),
  /** Of `of` files; both 0 where they are not counted. */
  done: count,
  of: count,
});
export type FilesProgress = Static<typeof filesProgressSchema>;

const outcome = {
  drone: name,
  /** `away`: not connected, or never seen to end. */
  outcome: oneOf("done", "refused", "failed", "away"),
  /** The destination as the drone understood it. */
  path: Type.Optional(path),
  changes: Type.Optional(filesChangesSchema),
  examples: Type.Optional(examples),
  code: Type.Optional(text(40)),
  reason: Type.Optional(text(16_384)),
  hint: Type.Optional(text(1_024)),
};
export const filesOutcomeSchema = exact(outcome);
export type FilesOutcome = Static<typeof filesOutcomeSchema>;

/** One destination on a drone: what was pushed there, and how it is now. */
export const filesPlaceSchema = exact({
  path,
  commit,
  /** In ms since 1970. */
  at: count,
  by: author,
  files: count,
  bytes: count,
  /** `half`: a push did not come to its end; the same one again finishes it. `gone`: nothing is there. */
  state: oneOf("as-pushed", "changed", "half", "gone"),
  /** Every byte was compared, and not only sizes and times. */
  verified: Type.Boolean(),
  changed: count,
  missing: count,
  /** Beside what was pushed. */
  foreign: count,
  examples,
});
export type FilesPlace = Static<typeof filesPlaceSchema>;

/** A destination in a list over all drones. */
export const filesRowSchema = exact({
  drone: name,
  path,
  /** As the hub remembers it, when the drone cannot be asked. */
  commit: Type.Optional(commit),
  at: Type.Optional(count),
  by: Type.Optional(author),
  /** What the drone says now. */
  place: Type.Optional(filesPlaceSchema),
  /** Why the drone says nothing. */
  reason: Type.Optional(text(2_000)),
});
export type FilesRow = Static<typeof filesRowSchema>;

/** How far a drone is, or how it ended. */
export const filesPartSchema = Type.Union([
  exact({ drone: name, ...filesProgressSchema.properties }),
  filesOutcomeSchema,
]);
export type FilesPart = Static<typeof filesPartSchema>;

const how = {
  /** What is there goes, also what no push made. */
  replace: Type.Boolean(),
  /** Even if that is more than 1,000 files. */
  force: Type.Boolean(),
  /** Only tells what would change. The commit may then hold the manifest alone. */
  dryRun: Type.Boolean(),
};

export const filesMethods = {
  /**
   * Brings a commit of the files' repository to drones; ends when each has ended or cannot be reached. It is a
   * plan, which goes on whoever goes away.
   */
  "hub.files-push": {
    params: exact({
      target: droneTargetSchema,
      path,
      commit,
      ...how,
      by: Type.Optional(author),
      /** Of its plan; for who may have to ask twice: the second time is looking on. */
      run: Type.Optional(Type.String({ pattern: "^[0-9a-f]{10,32}$" })),
    }),
    part: filesPartSchema,
    /** Drones that were meant; each had a part with its outcome before. */
    result: exact({ drones: count }),
    needs: "cluster",
  },
  /** What was pushed where; asked of the drones that are there. */
  "hub.files-list": {
    params: exact({
      target: Type.Optional(droneTargetSchema),
      path: Type.Optional(path),
      verify: Type.Boolean(),
    }),
    /** Those that do not fit into the frame of the result; they belong before it. */
    part: list(filesRowSchema, 10_000),
    result: exact({ rows: list(filesRowSchema, 10_000) }),
    needs: "cluster",
  },
} as const;

export const filesDroneMethods = {
  /** Fetches a commit of files and makes a folder hold exactly what is in it; one at a time. */
  "drone.files": {
    params: exact({
      path,
      /** What is to be there. */
      commit,
      /** The commit to fetch: the same tree, with what the drone holds already among its parents. */
      carrier: commit,
      ...how,
      by: author,
    }),
    part: filesProgressSchema,
    result: exact({ path, changes: filesChangesSchema, examples }),
    needs: "cluster",
  },
  "drone.files-status": {
    params: exact({ path: Type.Optional(path), verify: Type.Boolean() }),
    part: list(filesPlaceSchema, 1_000),
    result: exact({ places: list(filesPlaceSchema, 1_000) }),
    needs: "cluster",
  },
} as const;
