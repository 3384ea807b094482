/** The files of a build's folder that become its artifact. */
import { lstat, readdir } from "node:fs/promises";
import { isGitName, type ArtifactMode } from "../core/artifact-import.js";
import { matchesPath, parsePatterns, type Pattern } from "../core/artifact-patterns.js";

export interface ArtifactFile {
  /** Inside the folder; one character for each byte, since names need not be UTF-8. */
  readonly path: string;
  readonly mode: ArtifactMode;
  readonly bytes: number;
}

export interface ArtifactChoice {
  /** Files of the commit itself, which always belong to it. */
  readonly own: ReadonlySet<string>;
  /** Patterns of what else does; none means everything. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

/** Every file that belongs to the artifact, in the order of the disk. */
export async function* artifactFiles(
  folder: string,
  choice: ArtifactChoice,
): AsyncGenerator<ArtifactFile> {
  const isChosen = chooser(choice);
  const ownFolders = foldersOf(choice.own);
  const waiting = [""];
  for (let below = waiting.pop(); below !== undefined; below = waiting.pop()) {
    for (const entry of await readdir(bytesOf(folder, below), {
      withFileTypes: true,
      encoding: "buffer",
    })) {
      const name = entry.name.toString("latin1");
      if (isGitName(name)) continue;
      const path = below === "" ? name : `${below}/${name}`;
      if (entry.isDirectory()) {
        if (ownFolders.has(path) || !isChosen.never(path)) waiting.push(path);
      } else if (choice.own.has(path) || isChosen.file(path)) {
        const file = await describe(folder, path);
        if (file) yield file;
      }
    }
  }
}

/** Where a file of the folder is, for calls that take bytes. */
export function bytesOf(folder: string, path: string): Buffer {
  return Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(path, "latin1")]);
}

/** Sockets, pipes and devices are nothing that could be kept. */
async function describe(folder: string, path: string): Promise<ArtifactFile | undefined> {
  const seen = await lstat(bytesOf(folder, path));
  if (seen.isSymbolicLink()) return { path, mode: "120000", bytes: seen.size };
  if (!seen.isFile()) return undefined;
  // As git does it: what its owner may execute is executable.
  return { path, mode: seen.mode & 0o100 ? "100755" : "100644", bytes: seen.size };
}

function chooser({ include, exclude }: ArtifactChoice) {
  const included: readonly Pattern[] = parsePatterns(include);
  const excluded = parsePatterns(exclude);
  const isOut = (path: string, isFolder: boolean) =>
    excluded.length > 0 && matchesPath(excluded, utf8(path), isFolder);
  return {
    file: (path: string) =>
      (included.length === 0 || matchesPath(included, utf8(path))) && !isOut(path, false),
    /** Nothing in this folder can belong to it. */
    never: (path: string) => isOut(path, true),
  };
}

/** Patterns are text; a name that is none is matched as far as it is. */
function utf8(path: string): string {
  return Buffer.from(path, "latin1").toString("utf8");
}

function foldersOf(paths: ReadonlySet<string>): ReadonlySet<string> {
  const folders = new Set<string>();
  for (const path of paths) {
    for (let at = path.indexOf("/"); at > 0; at = path.indexOf("/", at + 1)) {
      folders.add(path.slice(0, at));
    }
  }
  return folders;
}
