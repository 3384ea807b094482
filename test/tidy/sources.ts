/** The project's own files, as the tests about the code read them. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The checkout; the compiled tests lie in test/dist/tidy. */
export const root = join(import.meta.dirname, "../../..");

export interface SourceFile {
  /** From the root of the checkout, with slashes. */
  readonly path: string;
  readonly text: string;
}

const binary = /\.(?:png|ico|gz|zip|pack)$/;

/** Every text file that git knows or would take: nothing ignored, nothing built. */
export const files: readonly SourceFile[] = execFileSync(
  "git",
  ["ls-files", "-z", "--cached", "--others", "--exclude-standard"],
  { cwd: root, encoding: "utf8" },
)
  .split("\0")
  .filter((path) => path !== "" && !binary.test(path) && existsSync(join(root, path)))
  .map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));

export function filesLike(pattern: RegExp): SourceFile[] {
  return files.filter(({ path }) => pattern.test(path));
}

export function read(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

/** Names of the workspace packages under packages/. */
export const packageNames: readonly string[] = filesLike(/^packages\/[^/]+\/package\.json$/).map(
  ({ path }) => path.split("/")[1] ?? "",
);

/** The number of the line that a character is on, from 1. */
export function lineOf(text: string, index: number): number {
  return text.slice(0, index).split("\n").length;
}

/** Code with comments and the insides of texts blanked out; lines stay where they were. */
export function withoutWords(text: string): string {
  const blank = (match: string) => match.replaceAll(/[^\n]/g, " ");
  return text
    .replaceAll(/\/\*[^]*?\*\//g, blank)
    .replaceAll(/(^|\s)\/\/.*$/gm, blank)
    .replaceAll(/"(?:\\.|[^"\\\n])*"/g, blank);
}

export interface Import {
  readonly path: string;
  readonly line: number;
  /** What is imported, as written. */
  readonly from: string;
}

/** Every import and re-export of a file, static or dynamic. */
export function importsOf({ path, text }: SourceFile): Import[] {
  const code = text.replaceAll(/\/\*[^]*?\*\//g, (match) => match.replaceAll(/[^\n]/g, " "));
  const pattern =
    /(?:^|\n)\s*(?:import|export)\b[^;"'`]*?\bfrom\s*"([^"]+)"|\bimport\s*\(?\s*"([^"]+)"/g;
  return [...code.matchAll(pattern)].map((match) => ({
    path,
    line: lineOf(code, match.index + match[0].length),
    from: match[1] ?? match[2] ?? "",
  }));
}
