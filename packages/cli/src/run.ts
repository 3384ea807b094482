/** Runs a command line: errors become one clear message and the exit code that tells the truth. */
import { errorCatalogue, exitCodes, toPropagitError, type PropagitError } from "@propagit/protocol";
import { CommanderError, type Command } from "commander";
import { warningColour } from "./output/colour.js";

/** Sets `process.exitCode`; never throws. */
export async function runCommand(
  program: Command,
  readArguments: () => readonly string[],
): Promise<void> {
  try {
    const args = readArguments();
    if (args.length === 0) program.help({ error: true });
    await program.parseAsync(splitFlags(aboutUnknown(program, args)), { from: "user" });
  } catch (thrown) {
    process.exitCode = report(program.name(), thrown);
  }
}

/** `help nope` as `nope`, which commander answers with the nearest name there is. */
function aboutUnknown(program: Command, args: readonly string[]): readonly string[] {
  const [first, second] = args;
  const names = ["help", ...program.commands.map((command) => command.name())];
  const isUnknown = second !== undefined && !second.startsWith("-") && !names.includes(second);
  return first === "help" && isUnknown ? [second] : args;
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

function report(name: string, thrown: unknown): number {
  if (thrown instanceof CommanderError) {
    // commander has printed its message already; help and version are no errors.
    return thrown.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  }
  const error = toPropagitError(thrown);
  printError(name, error);
  return errorCatalogue[error.code].exit;
}

function printError(name: string, error: PropagitError): void {
  process.stderr.write(`${warningColour(`${name}: ${error.message}`)}\n  ${error.hint}\n`);
  if (error.code === "INTERNAL" && error.cause instanceof Error) {
    process.stderr.write(`${error.cause.stack ?? ""}\n`);
  }
}
