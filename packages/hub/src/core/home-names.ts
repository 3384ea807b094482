/**
 * What a push to a home folder puts at its top, out of the manifest of its commit: each folder there is a place of its
 * own, all files and links together are one.
 */

export interface HomeNames {
  readonly folders: readonly string[];
  readonly hasFiles: boolean;
}

/** Folders that are looked at one by one, all of them written in one transaction; a guess. */
export const homeFoldersMax = 200;

/** Reads a manifest as it comes, however long it is. */
export class HomeNamesReader {
  readonly #folders: string[] = [];
  #hasFiles = false;
  /** Of a line that has not come whole. */
  #rest = "";

  read(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#line(line);
  }

  /** Undefined when there are too many. */
  get names(): HomeNames | undefined {
    if (this.#folders.length > homeFoldersMax) return undefined;
    return { folders: this.#folders, hasFiles: this.#hasFiles };
  }

  #line(line: string): void {
    const [, kind, name] = topEntry.exec(line) ?? [];
    if (kind === undefined || name === undefined) return;
    if (kind !== "d") this.#hasFiles = true;
    else if (this.#folders.length <= homeFoldersMax) this.#folders.push(textOf(name));
  }
}

/** A line of a manifest whose path has no slash; see `files-manifest.ts`. */
const topEntry = /^\["([dfl])","((?:[^"\\/]|\\.)*)",/;

/** Names are bytes, one character for each; a home folder gets only those that are text. */
function textOf(name: string): string {
  const bytes = Buffer.from(JSON.parse(`"${name}"`) as string, "latin1");
  return bytes.toString("utf8");
}
