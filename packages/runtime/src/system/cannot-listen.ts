/** Why a port cannot be listened on, in the same words wherever that is tried. */
import { formatAddress, PropagitError } from "@propagit/protocol";
import { errnoOf } from "./errno.js";

export interface ListenPlace {
  readonly port: number;
  /** Undefined: all addresses. */
  readonly host?: string | undefined;
  /** That it was given with, for the hint; default: `--port`. */
  readonly flag?: string;
}

/** PORT_IN_USE, or BAD_USAGE when the address is not this machine's or the port is not allowed. */
export function cannotListen({ port, host, flag }: ListenPlace, error: unknown): PropagitError {
  const code = errnoOf(error);
  if (code === "EADDRINUSE") {
    const where = host === undefined ? "" : ` of ${host}`;
    return new PropagitError("PORT_IN_USE", `port ${port}${where} is in use by another process`, {
      ...(flag !== undefined && {
        hint: `choose another ${flag}, or end the process that holds it`,
      }),
      cause: error,
    });
  }
  const where = host === undefined ? `port ${port}` : formatAddress({ host, port });
  const reason = code ?? (error instanceof Error ? error.message : String(error));
  return new PropagitError("BAD_USAGE", `${where} cannot be listened on: ${reason}`, {
    hint:
      code === "EACCES"
        ? "ports below 1024 need the right to use them: choose one of 1024 or above"
        : "give an address of this machine with --host",
    cause: error,
  });
}
