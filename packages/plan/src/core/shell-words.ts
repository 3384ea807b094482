/**
 * Words for a shell, so that they reach a program exactly, whatever is in them. The only place where foreign
 * text becomes part of a line that a shell reads.
 */

/** What no shell reads as anything but itself, also in the middle of a word. */
const plainWord = /^[A-Za-z0-9_@%+:,./-]+$/;

/** One word for a POSIX shell. */
function shellWord(word: string): string {
  return plainWord.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

export interface ProgramStart {
  readonly words: readonly string[];
  readonly sudo?: boolean | undefined;
  readonly directory?: string | undefined;
  readonly environment?: Readonly<Record<string, string>> | undefined;
}

/** A POSIX shell's line that becomes the program; 127 when there is none, 1 when the directory is not there. */
export function programLine({ words, sudo = false, directory, environment }: ProgramStart): string {
  const settings = Object.entries(environment ?? {}).map(
    ([name, value]) => `${name}=${shellWord(value)} && export ${name}`,
  );
  const steps = [
    ...(directory === undefined ? [] : [`cd -- ${shellWord(folderOf(directory))}`]),
    ...settings,
    `exec ${words.map(shellWord).join(" ")}`,
  ];
  const line = steps.join(" && ");
  // sudo gives the program an environment and a folder of its own making, so they are set behind it.
  if (!sudo) return line;
  const start = `/bin/sh -c ${shellWord(line)}`;
  return `if [ "$(id -u)" = 0 ]; then exec ${start}; else exec sudo -n -- ${start}; fi`;
}

/** `-` would be the folder before, and a bare name one below CDPATH. */
function folderOf(directory: string): string {
  return directory.startsWith("/") ? directory : `./${directory}`;
}

/** What stands for itself within single quotes of every shell that people log in with, and for `printf %b`. */
const plainByte = /[A-Za-z0-9_@+:,./= -]/;

/**
 * A line for whatever shell somebody has at a host, `fish` and `csh` too, that has `/bin/sh` carry out a POSIX
 * line: those read a quote, `!`, a backslash or the end of a line within quotes in their own way, so that
 * every such byte goes as a number. (`printf %b` reads `\0101`; in its format, `%` would be one of its own.)
 */
export function loginLine(line: string): string {
  const bytes = new TextEncoder().encode(line);
  const coded = Array.from(bytes, (byte) => {
    const char = String.fromCodePoint(byte);
    return plainByte.test(char) ? char : `\\0${byte.toString(8).padStart(3, "0")}`;
  });
  return `exec /bin/sh -c 'eval "$(printf %b "${coded.join("")}")"'`;
}
