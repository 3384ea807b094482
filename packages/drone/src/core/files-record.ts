/**
 * What a drone writes down of a destination: what a push put there, and so what the next one may change and
 * remove. One text, replaced whole:
 *
 *     {"record":1,"path":"/srv/site","state":"whole",…}
 *     ["<stamp>","f","assets/a.css",420,1234,"<blob>"]       as in the manifest, with what the disk says of it
 *     [null,"d","assets",493]
 *
 *              before anything is touched            after the last file
 *     nothing ---------------------------> applying ---------------------> whole
 *                                          ^                                 |
 *                                          \------ the next push ------------/
 *
 * `applying` holds what was there and what is to be there: whatever the drone is killed in, everything that it
 * may have written is in its record, and so may be taken for its own when the push is repeated.
 */
import {
  filesEntryFields,
  parseFilesEntry,
  parseJson,
  PropagitError,
  type FilesEntry,
} from "@propagit/protocol";
import type { Owner } from "./files-plan.js";

export interface FilesRecord {
  readonly path: string;
  readonly state: "applying" | "whole";
  readonly commit: string;
  /** What was fetched for it, and is kept so that the next one can be small. */
  readonly carrier: string;
  /** In ms since 1970. */
  readonly at: number;
  readonly by: string;
  /** Whom everything was given to. */
  readonly owner: Owner;
  readonly owned: ReadonlyMap<string, OwnedEntry>;
}

export interface OwnedEntry {
  readonly entry: FilesEntry;
  /** Of a file, when it was put there: size, times and inode. As long as they are the same, so is the content. */
  readonly stamp: string | undefined;
}

export type RecordHead = Omit<FilesRecord, "owned">;

export function encodeFilesRecord({ owned, ...head }: FilesRecord): string {
  const lines = [...owned.values()].map(({ entry, stamp }) => [
    stamp ?? null,
    ...filesEntryFields(entry),
  ]);
  return [{ record: 1, ...head }, ...lines].map((line) => `${JSON.stringify(line)}\n`).join("");
}

/** Undefined when it cannot be read: then it counts as none, and what is there as somebody else's. */
export function parseFilesRecord(text: string): FilesRecord | undefined {
  const [first = "", ...lines] = text.split("\n");
  const head = parseRecordHead(first);
  if (!head || lines.pop() !== "") return undefined;
  try {
    const owned = lines.map(parseLine);
    return { ...head, owned: new Map(owned.map((one) => [one.entry.path, one])) };
  } catch (thrown) {
    if (thrown instanceof PropagitError) return undefined;
    throw thrown;
  }
}

/** What there may be while a push is under way: everything of before, and what it adds. */
export function ownedMeanwhile(
  before: FilesRecord["owned"],
  entries: readonly FilesEntry[],
): ReadonlyMap<string, OwnedEntry> {
  const owned = new Map(before);
  for (const entry of entries) {
    if (owned.get(entry.path)?.entry.kind === entry.kind) continue;
    owned.set(entry.path, { entry, stamp: undefined });
  }
  return owned;
}

function parseLine(line: string): OwnedEntry {
  const value = parseJson(line);
  const [stamp, ...fields] = Array.isArray(value) ? (value as unknown[]) : [];
  const entry = parseFilesEntry(JSON.stringify(fields));
  return { entry, stamp: typeof stamp === "string" ? stamp : undefined };
}

/** Of the first line of a record alone. */
export function parseRecordHead(line: string): RecordHead | undefined {
  const value = (parseJson(line) ?? {}) as Partial<RecordHead> & { readonly record?: unknown };
  const { record, path, state, commit, carrier, at, by, owner } = value;
  if (record !== 1 || (state !== "applying" && state !== "whole")) return undefined;
  const texts = [path, commit, carrier, by];
  if (texts.some((text) => typeof text !== "string") || !Number.isSafeInteger(at)) return undefined;
  const { uid, gid } = owner ?? {};
  const numbers = { ...(isId(uid) && { uid }), ...(isId(gid) && { gid }) };
  return { path, state, commit, carrier, at, by, owner: numbers } as RecordHead;
}

function isId(value: unknown): value is number {
  return Number.isSafeInteger(value);
}
