/** What a transaction may look like, whether it may happen and what it changes; for every engine. */
import { PropagitError, quote } from "@propagit/protocol";
import {
  storeLimits,
  type Change,
  type Json,
  type Outcome,
  type Transaction,
  type Write,
} from "../store.js";

/** A transaction's write with its value as JSON text, the way engines keep it. */
export type EncodedWrite =
  | { readonly kind: "put"; readonly key: string; readonly json: string; readonly bytes: number }
  | { readonly kind: "delete"; readonly key: string; readonly bytes: number };

/**
 * Checks limits and encodes the values, before anything is touched.
 *
 * @throws TOO_LARGE when a key, a value, the number or the sum of writes is over its limit; BAD_USAGE when
 *   a key is empty, no text or written twice, or a value is not JSON
 */
export function encodeWrites({ writes }: Transaction): readonly EncodedWrite[] {
  if (writes.length > storeLimits.writes) {
    throw tooLarge(`a transaction of ${writes.length} writes`, `${storeLimits.writes} writes`);
  }
  checkKeys(writes);
  const encoded = writes.map(encodeWrite);
  const bytes = encoded.reduce((sum, write) => sum + write.bytes, 0);
  if (bytes > storeLimits.transactionBytes) {
    throw tooLarge(`a transaction of ${bytes} bytes`, `${storeLimits.transactionBytes} bytes`);
  }
  return encoded;
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

/** The writes that change something: deleting what is not there does not. */
export function pickEffective(
  writes: readonly EncodedWrite[],
  revisionOf: (key: string) => number,
): readonly EncodedWrite[] {
  return writes.filter((write) => write.kind === "put" || revisionOf(write.key) !== 0);
}

/** What watches are told of a transaction; parsed anew, so that nobody holds a part of the store. */
export function changesOf(writes: readonly EncodedWrite[], revision: number): readonly Change[] {
  return writes.map((write) => {
    if (write.kind === "delete") return { kind: "delete", key: write.key, revision };
    const value = deepFreeze(JSON.parse(write.json) as Json);
    return { kind: "put", entry: { key: write.key, value, revision } };
  });
}

/**
 * Whether a text can be a key: engines keep keys as UTF-8, where half a surrogate pair does not exist, and
 * one of the SQLite bindings ends a text at NUL.
 */
export function isStorable(text: string): boolean {
  return !/[\p{Surrogate}\0]/u.test(text);
}

/** The order of entries in a list, in every engine. */
export function byKey(left: { readonly key: string }, right: { readonly key: string }): number {
  if (left.key === right.key) return 0;
  return left.key < right.key ? -1 : 1;
}

function checkKeys(writes: readonly Write[]): void {
  const seen = new Set<string>();
  for (const { key } of writes) {
    if (key === "") throw new PropagitError("BAD_USAGE", "a store's key cannot be empty");
    if (key.length > storeLimits.keyChars) {
      throw tooLarge(`the key ${quote(key)}`, `${storeLimits.keyChars} characters`);
    }
    if (!isStorable(key)) {
      throw new PropagitError("BAD_USAGE", `the key ${quote(key)} is not text without NUL`);
    }
    if (seen.has(key)) {
      throw new PropagitError("BAD_USAGE", `a transaction writes the key ${quote(key)} twice`);
    }
    seen.add(key);
  }
}

function encodeWrite(write: Write): EncodedWrite {
  const { key } = write;
  const keyBytes = Buffer.byteLength(key);
  if (write.kind === "delete") return { kind: "delete", key, bytes: keyBytes };
  const json = toJson(key, write.value);
  const valueBytes = Buffer.byteLength(json);
  if (valueBytes > storeLimits.valueBytes) {
    throw tooLarge(
      `the value of ${quote(key)} (${valueBytes} bytes)`,
      `${storeLimits.valueBytes} bytes`,
    );
  }
  return { kind: "put", key, json, bytes: keyBytes + valueBytes };
}

/** Undefined, functions, cycles and big integers are no JSON, whatever the types say. */
function toJson(key: string, value: unknown): string {
  let cause: unknown;
  try {
    const json = JSON.stringify(value) as string | undefined;
    if (json !== undefined) return json;
  } catch (thrown) {
    cause = thrown;
  }
  throw new PropagitError("BAD_USAGE", `the value of ${quote(key)} is not JSON`, { cause });
}

/** Everybody who asks gets the same value from the store in memory, so nobody may change it. */
function deepFreeze(value: Json): Json {
  if (value !== null && typeof value === "object") {
    for (const part of Object.values<Json>(value)) deepFreeze(part);
    Object.freeze(value);
  }
  return value;
}

function tooLarge(what: string, limit: string): PropagitError {
  return new PropagitError("TOO_LARGE", `${what} is over the store's limit of ${limit}`);
}
