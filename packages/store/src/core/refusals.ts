/** What every engine refuses in the same words. */
import { PropagitError, quote } from "@propagit/protocol";
import { isStorable } from "./transaction.js";

/** @throws DATA_UNUSABLE when the store was closed, as happens to late callers of a daemon that ends */
export function refuseClosed(isClosed: boolean): void {
  if (!isClosed) return;
  throw new PropagitError("DATA_UNUSABLE", "the store is closed, its daemon is ending", {
    hint: "try again when it runs again",
  });
}

/** @throws BAD_USAGE for half a character, which engines would understand differently */
export function refuseOddPrefix(prefix: string): void {
  if (isStorable(prefix)) return;
  throw new PropagitError("BAD_USAGE", `the prefix ${quote(prefix)} is not text without NUL`);
}
