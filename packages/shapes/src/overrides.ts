/**
 * One map laid over another: an environment's words over those of all, a service's over the defaults of its
 * type.
 *
 * Maps are merged key by key, short forms counting as what they stand for; everything else is replaced;
 * `null` takes something away.
 */
import { isNull, type Located, type LocatedEntry, type LocatedMap } from "./located.js";
import type { Shape } from "./shape.js";

/**
 * @param base of the shape, as is `over`, which is laid over it
 * @param inside the path of `over`, for messages about what it says
 */
export function overridden(
  shape: Shape<unknown>,
  base: LocatedMap,
  over: LocatedMap,
  inside?: string,
): LocatedMap {
  const entries = new Map<string, LocatedEntry>(base.entries);
  for (const [key, entry] of over.entries) {
    if (isNull(entry.value)) {
      entries.delete(key);
      continue;
    }
    const below = entries.get(key);
    const path = inside === undefined ? undefined : `${inside}.${key}`;
    const value = below
      ? laidOver(shape.child?.(key), below.value, entry.value, path)
      : entry.value;
    // What two have in common is read as a part of what all share; its entries know where they are from.
    const isOwn = inside !== undefined && value === entry.value;
    entries.set(key, { keyAt: entry.keyAt, value, ...(isOwn && { inside }) });
  }
  // Errors about the whole belong to what lies below.
  return { kind: "map", entries, at: base.at };
}

function laidOver(
  shape: Shape<unknown> | undefined,
  base: Located,
  over: Located,
  path: string | undefined,
): Located {
  if (!shape?.child) return over;
  const long = (node: Located) => shape.expand?.(node) ?? node;
  const [below, above] = [long(base), long(over)];
  return below.kind === "map" && above.kind === "map"
    ? overridden(shape, below, above, path)
    : over;
}
