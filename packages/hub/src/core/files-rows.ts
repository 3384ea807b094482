/** What the hub remembers of pushes of files: the last one for each drone and destination. */
import { Type, type Static } from "typebox";

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
});
export type FilesRow = Static<typeof filesRow>;

/** Destinations remembered for one drone; those that were pushed to longest ago are forgotten first. */
const rowsPerDroneMax = 1_000;

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
