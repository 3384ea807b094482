import { handleClosedPipes } from "./closed-pipes.js";
import { droneProgram } from "./drone-program.js";
import { runCommand } from "./run.js";

/** Runs `propagit drone ARGS…`; sets the exit code. The same as `runPropagit` does, with less loaded. */
export async function runDrone(args: readonly string[]): Promise<void> {
  handleClosedPipes();
  await runCommand(droneProgram(), () => args);
}
