/**
 * How much of the past is kept, for watches that come back.
 *
 * The past is a row of transactions without holes, each with running totals. It is forgotten from its old
 * end and by whole transactions: half of one would look to a watch as if the rest had never happened.
 *
 *     forgotten <-- | 17 | 18 | 19 | ... | newest |
 */
import { PropagitError } from "@propagit/protocol";
import { changesKept, historyBytesKept } from "../store.js";
import type { EncodedWrite } from "./transaction.js";

/** Where a transaction stands: its revision, and totals from the first one up to and including it. */
export interface HistoryMark {
  readonly revision: number;
  readonly changes: number;
  readonly bytes: number;
}

/** Before the first transaction. */
export const historyStart: HistoryMark = { revision: 0, changes: 0, bytes: 0 };

export function markAfter(newest: HistoryMark, writes: readonly EncodedWrite[]): HistoryMark {
  return {
    revision: newest.revision + 1,
    changes: newest.changes + writes.length,
    bytes: newest.bytes + writes.reduce((sum, write) => sum + write.bytes, 0),
  };
}

/** Whether what came after a transaction is enough of a past without it; never true of the newest. */
export function isOutdated(mark: HistoryMark, newest: HistoryMark): boolean {
  return (
    newest.changes - mark.changes >= changesKept || newest.bytes - mark.bytes >= historyBytesKept
  );
}

/**
 * @param since the revision the watcher has seen
 * @param forgotten the newest revision that is no longer kept, 0 when all are
 * @throws CHANGED_MEANWHILE when changes after `since` are gone, or `since` is of another store
 */
export function checkSince(since: number, forgotten: number, newest: number): void {
  // Not the other way round: NaN must not pass.
  if (since >= forgotten && since <= newest) return;
  const reason =
    since > newest
      ? `revision ${since} was never reached here, the newest is ${newest}`
      : `the changes since revision ${since} are not kept, only those since ${forgotten}`;
  throw new PropagitError("CHANGED_MEANWHILE", reason, {
    hint: "list again and watch from the revision of the list",
  });
}
