/** What a transaction may look like, and whether it may happen; the same for every engine. */
import { PropagitError, quote } from "@propagit/protocol";
import { storeLimits, type Outcome, type Transaction } from "../store.js";

/** A transaction's write with its value as JSON text, the way engines keep it. */
export type EncodedWrite =
  | { readonly kind: "put"; readonly key: string; readonly json: string }
  | { readonly kind: "delete"; readonly key: string };

/**
 * Checks limits and encodes the values, before anything is touched.
 *
 * @throws TOO_LARGE when a key, a value or the number of writes is over its limit; BAD_USAGE when a key
 *   is empty or written twice, or a value is not JSON
 */
export function encodeWrites({ writes }: Transaction): readonly EncodedWrite[] {
  if (writes.length > storeLimits.writes) {
    throw tooLarge(`a transaction of ${writes.length} writes`, `${storeLimits.writes} writes`);
  }
  const seen = new Set<string>();
  return writes.map((write) => {
    checkKey(write.key, seen);
    if (write.kind === "delete") return write;
    return { kind: "put", key: write.key, json: encodeValue(write.key, write.value) };
  });
}

/** The first check that does not hold, as an outcome; undefined when all hold. */
export function findConflict(
  { checks = [] }: Transaction,
  revisionOf: (key: string) => number,
): Extract<Outcome, { ok: false }> | undefined {
  for (const check of checks) {
    const found = revisionOf(check.key);
    if (found !== check.revision) return { ok: false, conflict: { ...check, found } };
  }
  return undefined;
}

function checkKey(key: string, seen: Set<string>): void {
  if (key === "") throw new PropagitError("BAD_USAGE", "a store's key cannot be empty");
  if (key.length > storeLimits.keyChars) {
    throw tooLarge(`the key ${quote(key)}`, `${storeLimits.keyChars} characters`);
  }
  if (seen.has(key)) {
    throw new PropagitError("BAD_USAGE", `a transaction writes the key ${quote(key)} twice`);
  }
  seen.add(key);
}

function encodeValue(key: string, value: unknown): string {
  const json = JSON.stringify(value) as string | undefined;
  if (json === undefined) {
    throw new PropagitError("BAD_USAGE", `the value of ${quote(key)} is not JSON`);
  }
  if (Buffer.byteLength(json) > storeLimits.valueBytes) {
    throw tooLarge(`the value of ${quote(key)}`, `${storeLimits.valueBytes} bytes`);
  }
  return json;
}

function tooLarge(what: string, limit: string): PropagitError {
  return new PropagitError("TOO_LARGE", `${what} is over the store's limit of ${limit}`);
}
