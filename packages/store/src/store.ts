/**
 * The contract of every store: versioned keys, transactions, watches. Engines pass one contract test.
 *
 * Every transaction that writes gets the next revision; a key remembers the revision that wrote it. A
 * promise that resolved is on disk (in engines that have one). Values are JSON.
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

export interface WatchOptions {
  /** Keys that begin with this; empty for all. */
  readonly prefix: string;
  /** Changes after this revision come first, then new ones as they happen. */
  readonly since: number;
  /** Called in the order of revisions, once for each change, never before `watch` returned. */
  readonly onChange: (change: Change) => void;
}

export interface Watch {
  stop(): void;
}

export interface Store {
  get(key: string): Promise<Entry | undefined>;
  /** Entries whose key begins with `prefix`, by key, all of the same moment. */
  list(prefix: string): Promise<{ readonly entries: readonly Entry[]; readonly revision: number }>;
  /** Checks and writes as one step, or does nothing. A key may be written once in it. */
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

/** Longest key, in characters; longest value, in bytes of JSON; most writes in a transaction. */
export const storeLimits = { keyChars: 512, valueBytes: 1024 * 1024, writes: 512 } as const;

/** Changes kept for watches that come back; older ones need a new `list`. A guess. */
export const changesKept = 10_000;
