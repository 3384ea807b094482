/** Calls to the hub from the command line: connect, prove, ask, hang up. */
import {
  openCredential,
  parseAddress,
  PropagitError,
  type Address,
  type Credential,
} from "@propagit/protocol";
import {
  credentialFromSecret,
  dial,
  hangUp,
  nodeWorld,
  sessionPaths,
  silentLog,
  type Conversation,
} from "@propagit/runtime";
import type { Command } from "commander";
import { asFlag, parseAddressFlag } from "./flags.js";
import { findSecret, type SecretFlags } from "./secret.js";

export interface HubFlags extends SecretFlags {
  readonly hub?: Address;
}

/** Adds `--hub`, `--secret` and `--secret-file`. */
export function withHubFlags(command: Command): Command {
  return withSecretFlags(
    command.option(
      "--hub <host:port>",
      "address of the hub (or PROPAGIT_HUB)",
      asFlag(parseAddressFlag),
    ),
  );
}

export function withSecretFlags(command: Command): Command {
  return command
    .option("--secret <text>", "the shared secret (or PROPAGIT_SECRET)")
    .option("--secret-file <path>", "file with the shared secret (or PROPAGIT_SECRET_FILE)");
}

/** @throws BAD_USAGE when neither flag nor environment name a hub */
export function findHub(flags: HubFlags, env = process.env): Address {
  if (flags.hub) return flags.hub;
  const { PROPAGIT_HUB: hub } = env;
  if (hub) return parseAddress(hub);
  throw new PropagitError("BAD_USAGE", "no hub is given", {
    hint: "add --hub=host:port or set PROPAGIT_HUB",
  });
}

/** The credential a secret makes; the open one when there is none. */
export function credentialOf(secret: string | undefined): Credential {
  return secret === undefined ? openCredential : credentialFromSecret(secret);
}

/** Connects to the hub, does the work, and hangs up also when it fails. */
export async function withHub<T>(
  flags: HubFlags,
  work: (hub: Conversation) => Promise<T>,
): Promise<T> {
  const hub = await dial(nodeWorld(silentLog), {
    address: findHub(flags),
    path: sessionPaths.hub,
    role: "cli",
    credential: credentialOf(findSecret(flags)),
    acceptsOpen: false,
  });
  try {
    return await work(hub);
  } finally {
    await hangUp(hub);
  }
}

/** A list that the hub sends in pieces, whole. */
export async function collect<T>(
  call: (onPart: (piece: readonly T[]) => void) => Promise<readonly T[]>,
): Promise<readonly T[]> {
  const pieces: T[] = [];
  const last = await call((piece) => void pieces.push(...piece));
  return [...pieces, ...last];
}
