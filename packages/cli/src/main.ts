import { handleClosedPipes } from "./closed-pipes.js";
import { propagitProgram } from "./propagit.js";
import { normaliseRegistryArguments, registryProgram } from "./registry.js";
import { runCommand } from "./run.js";

/** Runs `propagit ARGS…`; sets the exit code. */
export async function runPropagit(args: readonly string[]): Promise<void> {
  handleClosedPipes();
  await runCommand(propagitProgram(), () => args);
}

/** Runs `registry ARGS…`; sets the exit code. */
export async function runRegistry(args: readonly string[]): Promise<void> {
  handleClosedPipes();
  await runCommand(registryProgram(), () => normaliseRegistryArguments(args));
}
