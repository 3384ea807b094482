/** Refusing a watch that wants more of the past than is kept. */
import { PropagitError } from "@propagit/protocol";

/**
 * @param since the revision the watcher has seen
 * @param oldestKept revision of the oldest change that is kept; undefined when there is none
 * @param newest revision of the store
 * @throws CHANGED_MEANWHILE when changes after `since` are gone, or `since` is of another store
 */
export function checkSince(since: number, oldestKept: number | undefined, newest: number): void {
  if (since > newest) {
    throw new PropagitError(
      "CHANGED_MEANWHILE",
      `revision ${since} was never reached here, the newest is ${newest}`,
      { hint: "list again and watch from the revision of the list" },
    );
  }
  const isComplete = since === newest || (oldestKept !== undefined && oldestKept <= since + 1);
  if (isComplete) return;
  throw new PropagitError("CHANGED_MEANWHILE", `the changes since revision ${since} are not kept`, {
    hint: "list again and watch from the revision of the list",
  });
}
