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
    await program.parseAsync(args, { from: "user" });
  } catch (thrown) {
    process.exitCode = report(program.name(), thrown);
  }
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

export function printError(name: string, error: PropagitError): void {
  process.stderr.write(`${warningColour(`${name}: ${error.message}`)}\n  ${error.hint}\n`);
  if (error.code === "INTERNAL" && error.cause instanceof Error) {
    process.stderr.write(`${error.cause.stack ?? ""}\n`);
  }
}
