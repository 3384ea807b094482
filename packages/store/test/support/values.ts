/** Short names for what the tests of a store say all the time. */
import { PropagitError, type ErrorCode } from "@propagit/protocol";
import type { Change, Json, Store, Watch, Write } from "../../src/index.js";

export function put(key: string, value: Json = key): Write {
  return { kind: "put", key, value };
}

export function remove(key: string): Write {
  return { kind: "delete", key };
}

/** For `assert.rejects`: the code, and what a user reads. */
export function failsWith(code: ErrorCode, text = /./): (error: unknown) => boolean {
  return (error) =>
    error instanceof PropagitError && error.code === code && text.test(error.message);
}

/** Follows changes; `seen` grows as they come. */
export function follow(
  store: Store,
  since: number,
  prefix = "",
): { readonly seen: Change[]; readonly watch: Watch } {
  const seen: Change[] = [];
  const watch = store.watch({ prefix, since, onChange: (change) => seen.push(change) });
  return { seen, watch };
}

export function keyOf(change: Change): string {
  return change.kind === "put" ? change.entry.key : change.key;
}

export function revisionOf(change: Change): number {
  return change.kind === "put" ? change.entry.revision : change.revision;
}

/** Comes after every promise that can settle and every callback that is due. */
export function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
