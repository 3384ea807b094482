/**
 * What the steps of `propagit setup` do at a host: by scripts whose text is ours, with everything foreign in their
 * arguments and their input, as the tool-box does it.
 *
 *     ~/.local/share/propagit/
 *       0.1.0-3f2a91c0d4e5/     a version of the program, with the SHA-256 of each of its files; never changed
 *       node-20.20.2-9b…/       a Node that was brought
 *       next-current, next-node what the next start of the drone is to use: links
 *       current, node           what it was started with: links, each switched in one step
 *       secret                  the hub's, mode 0600
 *       drone.json              how its drone was asked for: what is not said the next time stays
 *       started                 what the drone that runs was started with
 *       switch.json             what there was before, until the hub has seen the drone after it
 */
import { lastLine, scriptPreamble, type CommandContext, type Executed } from "@propagit/plan";
import { PropagitError } from "@propagit/protocol";

export interface FarScript {
  readonly text: string;
  /** `$1` and so on. */
  readonly args?: readonly string[];
  readonly input?: string | Uint8Array;
  readonly sudo?: boolean;
}

/** The folder of everything that is brought, and whose it is. */
export interface Place {
  readonly home: string;
  readonly base: string;
  readonly isRoot: boolean;
}

/** Runs a script to its end, however that is. @throws HOST_LOST, HOST_DENIED */
export function tryThere(context: CommandContext, script: FarScript): Promise<Executed> {
  const { text, args = [], input, sudo = false } = script;
  const words = ["/bin/sh", "-c", scriptPreamble + helpers + text, "propagit", ...args];
  const { host, signal } = context;
  return host.execute(words, { signal, sudo, ...(input !== undefined && { input }) });
}

/** What it printed. @throws TASK_FAILED with the last that it said when it failed */
export async function askThere(
  context: CommandContext,
  script: FarScript,
  hint?: string,
): Promise<string> {
  const ended = await tryThere(context, script);
  if (ended.code === 0) return ended.output;
  throw failure(context, lastLine(ended), hint);
}

export function failure({ host }: CommandContext, why: string, hint?: string): PropagitError {
  // A shell begins with its name and the line; ours is called so above.
  const message = `${host.name}: ${why.replace(/^propagit: (?:line )?\d+: /, "")}`;
  return new PropagitError("TASK_FAILED", message, hint === undefined ? {} : { hint });
}

export async function placeOf(context: CommandContext): Promise<Place> {
  const said = await askThere(context, { text: 'printf "%s\\n%s" "$(id -u)" "$HOME"' });
  const [id = "", ...lines] = said.split("\n");
  const home = lines.join("\n").replace(/\/+$/, "");
  if (!home.startsWith("/")) {
    throw failure(context, "its user has no home", "give it one: sudo usermod --home");
  }
  return { home, base: `${home}/.local/share/propagit`, isRoot: id === "0" };
}

/** Lets a link lead somewhere, at every moment to the old or to the new place; says whether it led elsewhere. */
export async function leadLink(
  context: CommandContext,
  path: string,
  to: string,
): Promise<"done" | "unchanged"> {
  const said = await askThere(context, { text: 'lead "$1" "$2"', args: [path, to] });
  return said.trim() === "led" ? "done" : "unchanged";
}

const helpers = `lead() {
  [ "$(readlink -- "$1" 2>/dev/null)" != "$2" ] || return 0
  rm -f -- "$1.new" && ln -s -- "$2" "$1.new" && mv -fT -- "$1.new" "$1" || fail "$1 cannot be made"
  echo led
}
`;

/** Text of a file there; empty when there is none. */
export async function readThere(context: CommandContext, path: string): Promise<string> {
  return askThere(context, { text: 'if [ -f "$1" ]; then cat -- "$1"; fi', args: [path] });
}

export async function writeThere(
  context: CommandContext,
  path: string,
  text: string,
  options: { readonly mode?: number; readonly sudo?: boolean } = {},
): Promise<"done" | "unchanged"> {
  const { host, signal } = context;
  const bytes = new TextEncoder().encode(text);
  return host.put({ kind: "bytes", bytes }, path, { signal, mode: 0o644, ...options });
}
