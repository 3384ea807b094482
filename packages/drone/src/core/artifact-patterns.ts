/**
 * Patterns of files, as `.gitignore` has them: `*` and `?` stay within one name, `**` crosses folders, a
 * slash at the beginning or in the middle binds to the top, one at the end means folders, `!` takes back.
 * What holds for a folder holds for everything below it.
 */

export interface Pattern {
  readonly isNegated: boolean;
  readonly onlyFolders: boolean;
  readonly expression: RegExp;
}

/** Lines that say nothing (empty, comments) are left out. */
export function parsePatterns(lines: readonly string[]): readonly Pattern[] {
  return lines.map(parsePattern).filter((pattern) => pattern !== undefined);
}

/** Whether a path is meant: by itself, or with one of the folders it is in. */
export function matchesPath(patterns: readonly Pattern[], path: string, isFolder = false): boolean {
  const names = path.split("/");
  for (let depth = 1; depth < names.length; depth++) {
    // As git has it: what is below a folder that is meant cannot be taken back.
    if (matchesName(patterns, names.slice(0, depth).join("/"), true)) return true;
  }
  return matchesName(patterns, path, isFolder);
}

/** The last pattern that fits decides. */
function matchesName(patterns: readonly Pattern[], path: string, isFolder: boolean): boolean {
  const last = patterns.findLast(
    ({ expression, onlyFolders }) => (isFolder || !onlyFolders) && expression.test(path),
  );
  return last !== undefined && !last.isNegated;
}

function parsePattern(line: string): Pattern | undefined {
  const trimmed = withoutTrailingSpaces(line);
  if (trimmed === "" || trimmed.startsWith("#")) return undefined;
  const isNegated = trimmed.startsWith("!");
  const positive = isNegated ? trimmed.slice(1) : trimmed;
  const onlyFolders = positive.endsWith("/");
  const body = onlyFolders ? positive.slice(0, -1) : positive;
  if (body === "") return undefined;
  const isBound = body.includes("/");
  const glob = body.startsWith("/") ? body.slice(1) : body;
  const prefix = isBound ? "" : "(?:.*/)?";
  const expression = compile(`^${prefix}${translate(glob)}$`);
  return expression && { isNegated, onlyFolders, expression };
}

/** `s`: a name may hold line ends. What cannot be understood (`[z-a]`) matches nothing. */
function compile(text: string): RegExp | undefined {
  try {
    return new RegExp(text, "su");
  } catch {
    return undefined;
  }
}

/** Spaces at the end count only when they are quoted with a backslash. */
function withoutTrailingSpaces(line: string): string {
  return line.replace(/(?<!\\) +$/, "");
}

function translate(glob: string): string {
  let text = "";
  for (let at = 0; at < glob.length;) {
    const [piece, length] = translateAt(glob, at);
    text += piece;
    at += length;
  }
  return text;
}

/** What stands at a place of a glob as a regular expression, and how long it is there. */
function translateAt(glob: string, at: number): [string, number] {
  const rest = glob.slice(at);
  const isAtName = at === 0 || glob[at - 1] === "/";
  if (isAtName && rest.startsWith("**/")) return ["(?:.*/)?", 3];
  if (isAtName && rest === "**") return [".+", 2];
  const stars = /^\*+/.exec(rest)?.[0].length ?? 0;
  if (stars > 0) return ["[^/]*", stars];
  if (rest.startsWith("?")) return ["[^/]", 1];
  if (rest.startsWith("[")) return translateSet(rest);
  if (rest.startsWith("\\") && rest.length > 1)
    return [literal(characterAt(rest, 1)), 1 + characterAt(rest, 1).length];
  const character = characterAt(rest, 0);
  return [literal(character), character.length];
}

/** `[a-z]`, `[!a-z]`; a bracket that is never closed is a character like others. */
function translateSet(rest: string): [string, number] {
  const match = /^\[([!^]?)(\]?(?:\\.|[^\]\\])*)\]/su.exec(rest);
  if (!match) return ["\\[", 1];
  const [whole, not, inside = ""] = match;
  const members = inside.replaceAll(/\\(.)|([\][^&|~])/gsu, (_, quoted?: string, plain?: string) =>
    literal(quoted ?? plain ?? ""),
  );
  // A slash is never one of them.
  return [`(?!/)[${not ? "^" : ""}${members}]`, whole.length];
}

function characterAt(text: string, at: number): string {
  return String.fromCodePoint(text.codePointAt(at) ?? 0);
}

function literal(character: string): string {
  return character.replace(/[\\^$.*+?()[\]{}|/-]/u, String.raw`\$&`);
}
