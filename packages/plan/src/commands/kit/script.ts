/**
 * How commands act: by a script for `/bin/sh` whose text is ours and never changes, with all that is foreign in
 * its arguments and its input. So each works here and behind ssh, whatever is in a name.
 */
import { PropagitError } from "@propagit/protocol";
import type { CommandContext, CommandEnd, Executed } from "../../command.js";
import { scriptEnds, scriptPreamble } from "../../core/put-script.js";

export interface Script {
  /** It ends by `unchanged`, `refuse REASON`, `fail REASON`, a failing program, or having done it. */
  readonly text: string;
  /** `$1` and so on. */
  readonly args: readonly string[];
  readonly sudo?: boolean;
  readonly input?: string | Uint8Array;
}

/** @throws TASK_REFUSED, TASK_FAILED with what the script said last */
export async function runScript(context: CommandContext, script: Script): Promise<CommandEnd> {
  const ended = await execute(context, script, { isTold: true });
  switch (ended.code) {
    case scriptEnds.done:
      return { outcome: "done" };
    case scriptEnds.unchanged:
      return { outcome: "unchanged" };
    case scriptEnds.refused:
      throw new PropagitError("TASK_REFUSED", `${context.host.name}: ${lastLine(ended)}`);
    default:
      throw new PropagitError("TASK_FAILED", `${context.host.name}: ${lastLine(ended)}`);
  }
}

/** Absolute, of a path that may begin with `~`: the home of whoever the host lets us be. */
export async function placeOn(context: CommandContext, path: string): Promise<string> {
  if (path !== "~" && !path.startsWith("~/")) return path;
  const text = 'printf %s "$HOME"';
  const { output } = await execute(context, { text, args: [] }, { isTold: false });
  if (!output.startsWith("/")) {
    throw new PropagitError("TASK_FAILED", `${context.host.name} has no home for ${path}`);
  }
  return `${output.replace(/\/+$/, "")}${path.slice(1)}` || "/";
}

/** Why a program ended so: the last line of what it said, or its code. */
export function lastLine(ended: Executed): string {
  return lastWords(ended) || `it ended with ${ended.code}`;
}

/** The last line of what a program said; empty: nothing. */
export function lastWords({ output, errorOutput }: Executed): string {
  const said = errorOutput.trim() === "" ? output : errorOutput;
  return (said.trimEnd().split("\n").at(-1) ?? "").trim().slice(0, 500);
}

function execute(
  { host, signal, say }: CommandContext,
  { text, args, sudo, input }: Script,
  { isTold }: { readonly isTold: boolean },
): Promise<Executed> {
  return host.execute(["/bin/sh", "-c", scriptPreamble + text, "propagit", ...args], {
    signal,
    ...(sudo === true && { sudo }),
    ...(input !== undefined && { input }),
    ...(isTold && { onOutput: say }),
  });
}
