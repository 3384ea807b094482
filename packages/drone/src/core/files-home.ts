/**
 * What is pushed to `~/`, the home folder of the drone's user: nobody's home becomes what a push holds, so each name
 * at the top is a place of its own, as `scp` has it.
 *
 *     my/folder  and/my/file   ->  ~/folder   a destination like any other, with a record of its own
 *                                  ~/file     one of the files in the home folder that pushes brought, all in one record
 *
 * So two pushes to `~/` leave alone what the other one brought, and everything else there.
 */
import type { FilesChanges, FilesEntry, FilesExample, FilesManifest } from "@propagit/protocol";
import type { OwnedEntry } from "./files-record.js";

interface HomeFolder {
  readonly name: string;
  readonly mode: number;
  /** Relative to it. */
  readonly entries: readonly FilesEntry[];
}

export interface HomeParts {
  readonly folders: readonly HomeFolder[];
  /** Files and links that lie in the home folder itself. */
  readonly files: readonly FilesEntry[];
}

export function homeParts({ entries }: Pick<FilesManifest, "entries">): HomeParts {
  const folders = new Map<string, { name: string; mode: number; entries: FilesEntry[] }>();
  const files: FilesEntry[] = [];
  for (const entry of entries) {
    const [name = ""] = entry.path.split("/", 1);
    if (name !== entry.path) {
      folders.get(name)?.entries.push({ ...entry, path: entry.path.slice(name.length + 1) });
    } else if (entry.kind === "folder") {
      folders.set(name, { name, mode: entry.mode, entries: [] });
    } else {
      files.push(entry);
    }
  }
  return { folders: [...folders.values()], files };
}

/** What earlier pushes put beside what is wanted now, and what they put in its place. */
export function splitOwned(
  owned: ReadonlyMap<string, OwnedEntry>,
  wanted: readonly FilesEntry[],
): Record<"same" | "beside", ReadonlyMap<string, OwnedEntry>> {
  const names = new Set(wanted.map(({ path }) => path));
  const all = [...owned];
  return {
    same: new Map(all.filter(([path]) => names.has(path))),
    beside: new Map(all.filter(([path]) => !names.has(path))),
  };
}

interface Part {
  /** Of the folder in the home; empty for the files in the home itself. */
  readonly name: string;
  readonly changes: FilesChanges;
  readonly examples: readonly FilesExample[];
}

/** All of them as one. */
export function homeChanges(parts: readonly Part[]): Omit<Part, "name"> {
  const sum = (key: keyof FilesChanges) =>
    parts.reduce((total, { changes }) => total + changes[key], 0);
  return {
    changes: {
      added: sum("added"),
      changed: sum("changed"),
      removed: sum("removed"),
      unchanged: sum("unchanged"),
      bytes: sum("bytes"),
      foreign: sum("foreign"),
    },
    examples: parts
      .flatMap(({ name, examples }) =>
        examples.map(({ what, path }) => ({ what, path: name === "" ? path : `${name}/${path}` })),
      )
      .slice(0, examplesMax),
  };
}

const examplesMax = 20;
