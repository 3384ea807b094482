/** Runs a command line: errors become one clear message and the exit code that tells the truth. */
import { errorCatalogue, exitCodes, PropagitError, toPropagitError } from "@propagit/protocol";
import { CommanderError, type Command } from "commander";
import { warningColour } from "./output/colour.js";

/** Sets `process.exitCode`; never throws. */
export async function runCommand(
  program: Command,
  readArguments: () => readonly string[],
): Promise<void> {
  let running: string | undefined;
  try {
    const args = readArguments();
    if (args.length === 0) program.help({ error: true });
    const meant = aboutUnknown(program, args);
    checkCommandWord(program, meant);
    noteCommand(program, (command) => (running = command));
    await program.parseAsync(splitFlags(meant), { from: "user" });
  } catch (thrown) {
    process.exitCode = report(program.name(), thrown, running);
  }
}

/** `help env set` as `env set --help`; `help nope` as `nope`, which commander answers with the nearest name. */
function aboutUnknown(program: Command, args: readonly string[]): readonly string[] {
  const [first, ...path] = args;
  const [second] = path;
  if (first !== "help" || second === undefined || second.startsWith("-")) return args;
  if (second === "help") return args;
  let parent = program;
  for (const [index, name] of path.entries()) {
    const found = parent.commands.find((command) => command.name() === name);
    // What has no commands of its own takes any word as an argument.
    if (!found) return parent.commands.length > 0 ? path.slice(0, index + 1) : [...path, "--help"];
    parent = found;
  }
  return [...path, "--help"];
}

/**
 * A command of the user's behind `--` that is called like one of ours: `drone -- drain` would be taken for
 * `drone drain`.
 */
function checkCommandWord(program: Command, args: readonly string[]): void {
  const [first] = args;
  const word = args[args.indexOf("--") + 1];
  const own = program.commands.find((command) => command.name() === first);
  if (!args.includes("--") || !own?.commands.some((command) => command.name() === word)) return;
  throw new PropagitError("BAD_USAGE", `${word} is a command of \`propagit ${first}\``, {
    hint: `to run a program of that name write its path: propagit ${first} … -- ./${word}`,
  });
}

/**
 * `--flag=value` as two words, up to `--`: commander takes both spellings, but looks for the nearest
 * flag with the value still on it.
 */
export function splitFlags(args: readonly string[]): readonly string[] {
  const end = args.indexOf("--");
  const own = end < 0 ? args : args.slice(0, end);
  const split = own.flatMap((word) => {
    const match = /^(--[^=]+)=(.*)$/s.exec(word);
    return match ? [match[1] ?? "", match[2] ?? ""] : [word];
  });
  return [...split, ...(end < 0 ? [] : args.slice(end))];
}

/** The words of the command that is about to run, so that its own help can be named. */
function noteCommand(program: Command, note: (words: string) => void): void {
  program.hook("preAction", (_, action) => {
    const words: string[] = [];
    for (let at: Command | null = action; at && at !== program; at = at.parent) {
      words.unshift(at.name());
    }
    note(words.join(" "));
  });
}

function report(name: string, thrown: unknown, running: string | undefined): number {
  if (thrown instanceof CommanderError) {
    // commander has printed its message already; help and version are no errors.
    return thrown.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  }
  const error = toPropagitError(thrown);
  printError(name, error, running);
  return errorCatalogue[error.code].exit;
}

function printError(name: string, error: PropagitError, running: string | undefined): void {
  const isGeneral = running !== undefined && error.hint === errorCatalogue.BAD_USAGE.hint;
  const hint = isGeneral ? `see \`${name} help ${running}\`` : error.hint;
  process.stderr.write(`${warningColour(`${name}: ${error.message}`)}\n  ${hint}\n`);
  if (error.code === "INTERNAL" && error.cause instanceof Error) {
    process.stderr.write(`${error.cause.stack ?? ""}\n`);
  }
}
