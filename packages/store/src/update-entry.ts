import { PropagitError } from "@propagit/protocol";
import type { Json, Store, Write } from "./store.js";

/** Tries of a read-compare-write; each failure means that somebody else got through. */
const triesMax = 20;

/**
 * Changes one value by what it is now; again when somebody else changed it in between.
 *
 * @param change pure: may be called several times; undefined deletes
 * @returns the new value
 * @throws CHANGED_MEANWHILE when others are faster 20 times in a row
 */
export async function updateEntry(
  store: Store,
  key: string,
  change: (value: Json | undefined) => Json | undefined,
): Promise<Json | undefined> {
  for (let attempt = 0; attempt < triesMax; attempt++) {
    const entry = await store.get(key);
    const value = change(entry?.value);
    const write: Write =
      value === undefined ? { kind: "delete", key } : { kind: "put", key, value };
    const checks = [{ key, revision: entry?.revision ?? 0 }];
    if ((await store.transact({ checks, writes: [write] })).ok) return value;
  }
  throw new PropagitError("CHANGED_MEANWHILE", `${key} was changed by others all the time`);
}
