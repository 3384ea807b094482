/** What the hub remembers of pushes of files: the last one for each drone and destination. */
import { namesHome } from "@propagit/protocol";
import { Type, type Static } from "typebox";
import type { HomeNames } from "./home-names.js";

const commit = Type.String({ pattern: "^(?:[0-9a-f]{40}|[0-9a-f]{64})$" });

export const filesRow = Type.Object({
  identity: Type.String({ pattern: "^[0-9a-f]{32}$" }),
  /** As it was asked for; `place` is what the drone made of it. */
  path: Type.String(),
  place: Type.Optional(Type.String()),
  /** What the drone holds, so that the next push can be small. */
  commit,
  /** The commit that it was fetched with. */
  carrier: commit,
  at: Type.Integer({ minimum: 0 }),
  by: Type.String(),
  /** Only for the next push there: what it put into a home folder is in rows of its own. */
  spread: Type.Optional(Type.Literal(true)),
  /** The files and links in a home folder itself, beside those of others. */
  shared: Type.Optional(Type.Literal(true)),
});
export type FilesRow = Static<typeof filesRow>;

/** Destinations remembered for one drone; those that were pushed to longest ago are forgotten first. */
const rowsPerDroneMax = 1_000;

/** @param names of a push to a home folder; undefined: it is one place */
export function rowsOfPush(pushed: FilesRow, names: HomeNames | undefined): readonly FilesRow[] {
  if (!names) return [pushed];
  const { place } = pushed;
  const folders = names.folders.map((name) => ({
    ...pushed,
    path: `~/${name}`,
    ...(place !== undefined && { place: `${place}/${name}` }),
  }));
  const files = names.hasFiles ? [{ ...pushed, shared: true } as const] : [];
  return [{ ...pushed, spread: true }, ...folders, ...files];
}

/** One for each place, as a place may have been written in several ways. */
export function newestOfPlaces(rows: readonly FilesRow[]): readonly FilesRow[] {
  const newest = new Map<string, FilesRow>();
  for (const row of rows) {
    const key = row.place ?? row.path;
    const before = newest.get(key);
    if (row.spread || (before && before.at > row.at)) continue;
    newest.set(key, row);
  }
  return [...newest.values()];
}

/** Of a home folder everything that was pushed right into it. */
export function isPlaceAt(
  { path, place }: Pick<FilesRow, "path" | "place">,
  wanted: string | undefined,
): boolean {
  if (wanted === undefined) return true;
  if (namesHome(wanted)) return namesHome(path) || /^~\/[^/]+$/.test(plainPath(path));
  return plainPath(wanted) === plainPath(path) || plainPath(wanted) === place;
}

function plainPath(path: string): string {
  return path.replaceAll(/\/+/g, "/").replace(/(?<=.)\/$/, "");
}

/** Keys of rows that are of no use: of drones that nobody knows, and the oldest of too many. */
export function forgottenFiles(
  rows: ReadonlyMap<string, FilesRow>,
  isKnown: (identity: string) => boolean,
): readonly string[] {
  const newestFirst = [...rows].toSorted(([, left], [, right]) => right.at - left.at);
  const counts = new Map<string, number>();
  return newestFirst.flatMap(([key, { identity }]) => {
    const count = (counts.get(identity) ?? 0) + 1;
    counts.set(identity, count);
    return !isKnown(identity) || count > rowsPerDroneMax ? [key] : [];
  });
}
