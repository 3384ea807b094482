/** Runs that need the same lock go one after the other, in the order in which they were asked for. */

export interface LockWish {
  readonly run: string;
  readonly locks: readonly string[];
}

/** What a run waits for. */
export interface LockWait {
  readonly lock: string;
  /** Who holds it, or waits for it and was there before. */
  readonly behind: string;
}

/**
 * Undefined when all its locks are free. Who was there before goes first, also when one of its locks is taken
 * and that one is not: else it could be passed for ever.
 *
 * @param before holders, and those that wait and were there before
 */
export function lockWait(
  locks: readonly string[],
  before: Iterable<LockWish>,
): LockWait | undefined {
  for (const { run, locks: theirs } of before) {
    const lock = locks.find((one) => theirs.includes(one));
    if (lock !== undefined) return { lock, behind: run };
  }
  return undefined;
}
