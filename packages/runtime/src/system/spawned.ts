/** Children that could not be started for want of file descriptors. */
import type { ChildProcess } from "node:child_process";
import { PropagitError } from "@propagit/protocol";

/**
 * A child fresh from `spawn`, with the streams it was asked to have. When the process has too many files
 * open, Node returns one without any, and tells why a moment later, which ends whoever does not listen.
 *
 * @throws OVERLOADED
 */
export function withStreams<C extends ChildProcess>(child: C): C {
  if ((child.stdio as unknown) !== undefined) return child;
  child.once("error", () => undefined);
  throw new PropagitError("OVERLOADED", `${child.spawnfile} cannot be run: too many open files`);
}
