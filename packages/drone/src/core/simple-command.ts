/**
 * A command that a manifest has as one string runs in a shell, and many shells stay in between:
 *
 *     sh -c 'node server.js'         sh ── node        the pid that is known is the shell's
 *     sh -c 'exec node server.js'    node              as everybody expects
 *
 * So a string that is one plain command gets the `exec`. Whatever may mean more to a shell is left as it is:
 * a shell in between does no harm, a changed meaning would.
 */

/** Run by the shell itself, in any of those that are `/bin/sh` somewhere; `exec` would look for a file. */
const shellWords = new Set(
  (
    ". : [ [[ ! { } alias bg bind break builtin caller case cd chdir command compgen complete compopt " +
    "continue coproc declare dirs disown do done echo elif else enable esac eval exec exit export false " +
    "fc fg fi for function getopts hash help history if in jobs kill let local logout mapfile popd " +
    "printf pushd pwd read readarray readonly return select set shift shopt source suspend test then " +
    "time times trap true type typeset ulimit umask unalias unset until wait while"
  ).split(" "),
);

/** The same command, without a shell that waits for it where that makes no difference. */
export function withoutWaitingShell(command: readonly string[]): readonly string[] {
  const [shell, flag, line, ...others] = command;
  const isLine = shell === "/bin/sh" && flag === "-c" && line !== undefined && others.length === 0;
  return isLine && isSimple(line) ? [shell, flag, `exec ${line.trimStart()}`] : command;
}

/** One program with its arguments: no second command, no redirection, no assignment in front. */
function isSimple(line: string): boolean {
  // A name that stands there as it is: nothing is quoted, expanded or assigned in it.
  const name = /^[ \t]*([A-Za-z0-9_./+@:-]+)(?=[ \t]|$)/.exec(line)?.[1];
  if (name === undefined || name.startsWith("-") || shellWords.has(name)) return false;
  return !hasOperator(line);
}

/** Whether something outside of quotes ends a command, redirects it or makes another; or a quote is open. */
function hasOperator(line: string): boolean {
  let quote: "'" | '"' | undefined;
  for (let index = 0; index < line.length; index++) {
    const char = line.charAt(index);
    if (quote === "'") {
      if (char === "'") quote = undefined;
      continue;
    }
    // Within double quotes, too, commands can be substituted.
    if (char === "`" || (char === "$" && line.charAt(index + 1) === "(")) return true;
    if (char === "\\") {
      if (index + 1 === line.length || line.charAt(index + 1) === "\n") return true;
      index++;
    } else if (char === '"') {
      quote = quote === undefined ? '"' : undefined;
    } else if (quote === undefined) {
      if (char === "'") quote = "'";
      else if (";&|<>()#\n\r".includes(char)) return true;
    }
  }
  return quote !== undefined;
}
