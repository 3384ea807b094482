/**
 * The contract of every store: versioned keys, transactions, watches. Engines pass one contract test.
 *
 * Every transaction that writes gets the next revision; a key remembers the revision that wrote it. One
 * that changes nothing (no writes, or deletes of what is not there) leaves the revision as it is. A promise
 * that resolved is on disk (in engines that have one). Values are JSON, as `JSON.stringify` writes them.
 *
 * A read sees every transaction that was asked for before it. A transaction refused with DATA_UNUSABLE
 * changed nothing; only when the machine dies right then may it turn out to have happened.
 */

export type Json =
  null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export interface Entry {
  readonly key: string;
  readonly value: Json;
  /** Revision of the transaction that wrote it last; never 0. */
  readonly revision: number;
}

/** What must hold for a transaction to happen: the key's revision, 0 for "there is none". */
export interface Check {
  readonly key: string;
  readonly revision: number;
}

export type Write =
  | { readonly kind: "put"; readonly key: string; readonly value: Json }
  | { readonly kind: "delete"; readonly key: string };

export interface Transaction {
  readonly checks?: readonly Check[];
  readonly writes: readonly Write[];
}

/** `conflict` names the first check that did not hold; nothing was written then. */
export type Outcome =
  | { readonly ok: true; readonly revision: number }
  | { readonly ok: false; readonly conflict: Check & { readonly found: number } };

export type Change =
  | { readonly kind: "put"; readonly entry: Entry }
  | { readonly kind: "delete"; readonly key: string; readonly revision: number };

export interface Listing {
  readonly entries: readonly Entry[];
  readonly revision: number;
}

export interface WatchOptions {
  /** Keys that begin with this; empty for all. */
  readonly prefix: string;
  /** Changes after this revision come first, then new ones as they happen. */
  readonly since: number;
  /**
   * Called in the order of revisions, once for each change, never before `watch` returned; before or after
   * the promise of the transaction resolves. What it throws stays uncaught.
   */
  readonly onChange: (change: Change) => void;
}

export interface Watch {
  stop(): void;
}

export interface Store {
  /** @throws DATA_UNUSABLE when the file turns out damaged, or the store is closed */
  get(key: string): Promise<Entry | undefined>;
  /**
   * Entries whose key begins with `prefix`, all of the same moment, in the order in which JavaScript
   * compares strings.
   */
  list(prefix: string): Promise<Listing>;
  /**
   * Checks and writes as one step, or does nothing. A key may be written once in it.
   *
   * @throws TOO_LARGE over `storeLimits`; BAD_USAGE when a key is empty, no well-formed text, has NUL in it
   *   or is written twice, or a value is not JSON; DATA_UNUSABLE when the disk does not take it
   */
  transact(transaction: Transaction): Promise<Outcome>;
  /**
   * Follows changes without gap or repetition.
   *
   * @throws CHANGED_MEANWHILE when the changes since then are no longer kept: list again, watch from there
   */
  watch(options: WatchOptions): Watch;
  /** Ends watches and gives files back; what was acknowledged stays. */
  close(): Promise<void>;
}

/**
 * Longest key, in characters; longest value, in bytes of JSON; most writes in a transaction; all its keys
 * and values together, in bytes, so that none holds up a daemon for seconds.
 */
export const storeLimits = {
  keyChars: 512,
  valueBytes: 1024 * 1024,
  writes: 512,
  transactionBytes: 16 * 1024 * 1024,
} as const;

/**
 * Changes kept for watches that come back; older ones need a new `list`. A guess. Forgotten are whole
 * transactions, so up to `storeLimits.writes` more are kept.
 */
export const changesKept = 10_000;

/** Fewer changes are kept when they are large: what is beyond this many bytes of them is forgotten too. */
export const historyBytesKept = 64 * 1024 * 1024;
