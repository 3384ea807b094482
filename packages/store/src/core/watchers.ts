/**
 * Who follows which keys, and how far each one is.
 *
 * A watch first gets what it missed, then what happens; both through one queue of its own, so that a
 * change that comes while the missed ones are handed out waits its turn.
 */
import type { Change, Watch, WatchOptions } from "../store.js";

interface Watcher {
  readonly options: WatchOptions;
  readonly queue: Change[];
  isDraining: boolean;
  isStopped: boolean;
}

export class Watchers {
  readonly #watchers = new Set<Watcher>();

  /** Adds a watch; `missed` are the changes since its revision, in order. */
  add(options: WatchOptions, missed: readonly Change[]): Watch {
    const watcher: Watcher = { options, queue: [], isDraining: false, isStopped: false };
    this.#watchers.add(watcher);
    for (const change of missed) offer(watcher, change);
    return {
      stop: () => {
        watcher.isStopped = true;
        this.#watchers.delete(watcher);
      },
    };
  }

  /** Tells everybody concerned; callbacks run after the caller is done. */
  announce(changes: readonly Change[]): void {
    for (const watcher of this.#watchers) {
      for (const change of changes) offer(watcher, change);
    }
  }

  stopAll(): void {
    for (const watcher of this.#watchers) watcher.isStopped = true;
    this.#watchers.clear();
  }
}

export function keyOf(change: Change): string {
  return change.kind === "put" ? change.entry.key : change.key;
}

export function revisionOf(change: Change): number {
  return change.kind === "put" ? change.entry.revision : change.revision;
}

function offer(watcher: Watcher, change: Change): void {
  if (!keyOf(change).startsWith(watcher.options.prefix)) return;
  watcher.queue.push(change);
  if (watcher.isDraining) return;
  watcher.isDraining = true;
  queueMicrotask(() => drain(watcher));
}

function drain(watcher: Watcher): void {
  for (let next = watcher.queue.shift(); next && !watcher.isStopped; next = watcher.queue.shift()) {
    watcher.options.onChange(next);
  }
  watcher.isDraining = false;
}
