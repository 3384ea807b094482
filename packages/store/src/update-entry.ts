import { PropagitError, quote } from "@propagit/protocol";
import type { Json, Store, Write } from "./store.js";

/**
 * Tries of a read-compare-write; each failure means that somebody else got through. As many may change one
 * key at the same moment: of those who read the same, one a round gets through. A guess.
 */
export const updateTriesMax = 100;

/**
 * Changes one value by what it is now; again when somebody else changed it in between.
 *
 * @param change pure: may be called several times. Undefined deletes; the very value it was given, or
 *   undefined for nothing, leaves all as it is and writes nothing
 * @returns the new value
 * @throws CHANGED_MEANWHILE when others were faster `updateTriesMax` times in a row
 * @example
 * const store = openMemoryStore();
 * await updateEntry(store, "visits", (value) => (typeof value === "number" ? value : 0) + 1);
 */
export async function updateEntry(
  store: Store,
  key: string,
  change: (value: Json | undefined) => Json | undefined,
): Promise<Json | undefined> {
  for (let attempt = 0; attempt < updateTriesMax; attempt++) {
    const entry = await store.get(key);
    const value = change(entry?.value);
    if (value === entry?.value) return value;
    const write: Write =
      value === undefined ? { kind: "delete", key } : { kind: "put", key, value };
    const checks = [{ key, revision: entry?.revision ?? 0 }];
    if ((await store.transact({ checks, writes: [write] })).ok) return value;
  }
  throw new PropagitError(
    "CHANGED_MEANWHILE",
    `${quote(key)} was changed by others ${updateTriesMax} times while it was to be changed here`,
  );
}
