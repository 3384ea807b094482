/** Commands that somebody runs, with a terminal or without. */
import { PropagitError, toPropagitError } from "@propagit/protocol";
import { errnoOf, type Clock } from "@propagit/runtime";
import type { Commands, RunCommand, RunListener, RunningCommand } from "../task-world.js";
import { accountOf } from "./shim-user.js";
import { startInTerminal } from "./terminal-pty.js";
import { startWithPipes } from "./terminal-pipes.js";

export class NodeCommands implements Commands {
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async start(request: RunCommand, listener: RunListener): Promise<RunningCommand> {
    try {
      const command = await asUser(request);
      return request.terminal
        ? await startInTerminal(this.#clock, command, listener)
        : await startWithPipes(this.#clock, command, listener);
    } catch (thrown) {
      if (thrown instanceof PropagitError && thrown.code === "COMMAND_FAILED") throw thrown;
      throw notStarted(thrown);
    }
  }
}

function notStarted(thrown: unknown): PropagitError {
  const { message, hint } = toPropagitError(thrown);
  const [reason, options] =
    thrown instanceof PropagitError ? [message, { hint }] : [errnoOf(thrown) ?? message, {}];
  return new PropagitError("COMMAND_FAILED", `the command cannot be started: ${reason}`, {
    ...options,
    cause: thrown,
  });
}

/**
 * A shell becomes the command: what cannot be found ends with 127 and what cannot be executed with 126, with
 * its words about it, in a terminal as without.
 */
async function asUser(request: RunCommand): Promise<RunCommand> {
  const account = await accountOf(request.user);
  const exec = `exec ${account?.become ?? ""} "$@"`;
  return {
    ...request,
    command: ["/bin/sh", "-c", exec, "sh", ...request.command],
    variables: { ...request.variables, ...account?.variables },
  };
}
