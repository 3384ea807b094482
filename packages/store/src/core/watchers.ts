/**
 * Who follows which keys, and how far each one is.
 *
 * A watch first gets what it missed, then what happens; both through one queue of its own, so that a
 * change that comes while the missed ones are handed out waits its turn. Queues need no bound of their
 * own: they begin with at most the kept history and are emptied before the next event is read.
 */
import type { Change, Watch, WatchOptions } from "../store.js";

interface Watcher {
  readonly options: WatchOptions;
  queue: Change[];
  /** How many of the queue were handed out. */
  told: number;
  isDraining: boolean;
  isStopped: boolean;
}

export class Watchers {
  readonly #watchers = new Set<Watcher>();

  /** Adds a watch; `missed` are the changes since its revision, in order. */
  add(options: WatchOptions, missed: readonly Change[]): Watch {
    const watcher = { options, queue: [], told: 0, isDraining: false, isStopped: false };
    this.#watchers.add(watcher);
    offer(watcher, missed);
    return {
      stop: () => {
        watcher.isStopped = true;
        this.#watchers.delete(watcher);
      },
    };
  }

  /** Tells everybody concerned; callbacks run after the caller is done. */
  announce(changes: readonly Change[]): void {
    for (const watcher of this.#watchers) offer(watcher, changes);
  }

  stopAll(): void {
    for (const watcher of this.#watchers) watcher.isStopped = true;
    this.#watchers.clear();
  }
}

function keyOf(change: Change): string {
  return change.kind === "put" ? change.entry.key : change.key;
}

function offer(watcher: Watcher, changes: readonly Change[]): void {
  for (const change of changes) {
    if (keyOf(change).startsWith(watcher.options.prefix)) watcher.queue.push(change);
  }
  if (watcher.queue.length === 0 || watcher.isDraining) return;
  watcher.isDraining = true;
  queueMicrotask(() => drain(watcher));
}

/** What a callback throws is its caller's bug and stays uncaught, but no change is lost over it. */
function drain(watcher: Watcher): void {
  try {
    for (let next = take(watcher); next; next = take(watcher)) watcher.options.onChange(next);
  } finally {
    if (watcher.told > 0) queueMicrotask(() => drain(watcher));
    else watcher.isDraining = false;
  }
}

/** The next change; undefined, and an empty queue, when there is none or the watch was stopped. */
function take(watcher: Watcher): Change | undefined {
  const next = watcher.isStopped ? undefined : watcher.queue[watcher.told++];
  if (next === undefined) {
    watcher.queue = [];
    watcher.told = 0;
  }
  return next;
}
