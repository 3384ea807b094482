import { handleClosedPipes } from "./closed-pipes.js";
import { proxyCommand } from "./commands/proxy.js";
import { namedPropagit } from "./named-propagit.js";
import { finish } from "./program.js";
import { runCommand } from "./run.js";

/** Runs `propagit proxy ARGS…`; sets the exit code. The same as `runPropagit` does, with less loaded. */
export async function runProxy(args: readonly string[]): Promise<void> {
  handleClosedPipes();
  await runCommand(finish(namedPropagit().addCommand(proxyCommand())), () => args);
}
