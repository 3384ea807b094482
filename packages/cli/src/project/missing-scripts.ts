/** Files that commands of a manifest name and that the project does not have: probably mistyped. */
import type { Service, Specification } from "@propagit/protocol";

/** Programs whose first word that is no flag is a file of the project. */
const interpreters = /^(?:node|python3?|ruby|perl|php|bash|sh|deno|bun)$/;

export interface MissingScript {
  /** `services.web`, `build`, … */
  readonly where: string;
  readonly file: string;
}

/** @param has whether the project has a file */
export function missingScripts(
  { services, build, test, release }: Specification,
  has: (path: string) => boolean,
): readonly MissingScript[] {
  // A build may make whatever the others run.
  const later = build
    ? []
    : [...services.map(ofService), ...ofTask("test", test), ...ofTask("release", release)];
  return [...ofTask("build", build), ...later].flatMap(({ where, command, cwd }) => {
    const file = scriptOf(command);
    if (file === undefined || file.startsWith("/") || file.includes("$")) return [];
    const path = cwd === undefined ? file : `${cwd}/${file}`;
    return has(path) ? [] : [{ where, file: path }];
  });
}

interface Command {
  readonly where: string;
  readonly command: readonly string[];
  readonly cwd?: string;
}

function ofService({ name, command, cwd }: Service): Command {
  return { where: `services.${name}`, command, ...(cwd !== undefined && { cwd }) };
}

function ofTask(
  where: string,
  task: { readonly command: readonly string[] } | undefined,
): Command[] {
  return task ? [{ where, command: task.command }] : [];
}

/** The file a command begins with: `./run`, or `web.js` in `node web.js`. */
function scriptOf(command: readonly string[]): string | undefined {
  const [shell, flag, line = ""] = command;
  const isLine = shell === "/bin/sh" && flag === "-c";
  // What a shell would make of anything but plain words is not for us to say.
  const words = isLine ? (/^[\w\s./@:=-]*$/.test(line) ? line.trim().split(/\s+/) : []) : command;
  const [program = "", ...rest] = words[0] === "exec" ? words.slice(1) : words;
  if (program.startsWith("./")) return program.slice(2);
  const [first = ""] = rest;
  return interpreters.test(program) && /^[^-].*\.\w+$/.test(first)
    ? first.replace(/^\.\//, "")
    : undefined;
}
