/** Calls to the hub from the command line: connect, prove, ask, hang up. */
import {
  openCredential,
  parseAddress,
  PropagitError,
  toPropagitError,
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
import { asFlag } from "./flags.js";
import { gitRemotes, placeOfUrl } from "./project/git-project.js";
import {
  defaultRemote,
  findRemote,
  isRemoteName,
  readRemotes,
  remoteOfGitPlace,
  type Remote,
} from "./project/remotes.js";
import { findSecret, type SecretFlags } from "./secret.js";

/** An address, or the name of a remote. */
type HubChoice = Address | { readonly remote: string };

export interface HubFlags extends SecretFlags {
  readonly hub?: HubChoice;
}

/** A hub, and the secret that opens it. */
export interface HubAccess {
  readonly hub: Address;
  readonly secret: string | undefined;
  /** Its name, when it has one. */
  readonly remote: string | undefined;
}

/** Adds `--hub`, `--secret` and `--secret-file`. */
export function withHubFlags(command: Command): Command {
  return withSecretFlags(
    command.option(
      "--hub <host:port>",
      "address or name of the hub (or PROPAGIT_HUB; default: see `propagit help remote`)",
      asFlag(parseHubChoice),
    ),
  );
}

export function withSecretFlags(command: Command): Command {
  return command
    .option("--secret <text>", "the shared secret (or PROPAGIT_SECRET)")
    .option("--secret-file <path>", "file with the shared secret (or PROPAGIT_SECRET_FILE)");
}

/** @throws BAD_USAGE when nothing says which hub; NO_REMOTE */
export function findHub(flags: HubFlags, env = process.env): Address {
  return findHubAccess(flags, env).hub;
}

/** The secret for the hub that `findHub` finds. */
export function findHubSecret(flags: HubFlags, env = process.env): string | undefined {
  return findHubAccess(flags, env).secret;
}

/**
 * Which hub is meant: the flag, then PROPAGIT_HUB, then the one that the project's git remotes lead to,
 * then the remote `default`, then the only one there is. Its secret: the flag's, then what was stored with
 * a hub that was named, then the environment's, then what was stored with its address.
 *
 * @throws BAD_USAGE when nothing says which hub; NO_REMOTE
 */
export function findHubAccess(flags: HubFlags, env = process.env): HubAccess {
  const { PROPAGIT_HUB: fromEnv } = env;
  const choice = flags.hub ?? (fromEnv ? parseHubChoice(fromEnv) : undefined);
  if (choice && "remote" in choice)
    return accessTo(remoteOrAddress(choice.remote, env), flags, env);
  if (choice) {
    const own = findSecret(flags, env);
    const known = own === undefined ? remoteOfGitPlace(readRemotes(env), choice) : undefined;
    return { hub: choice, secret: own ?? known?.secret, remote: known?.name };
  }
  const remote = remoteOfProject(readRemotes(env));
  if (remote) return accessTo(remote, flags, env);
  throw new PropagitError("BAD_USAGE", "no hub is given", {
    hint: "add --hub=host:port, set PROPAGIT_HUB, or name it once: propagit remote add default host:port",
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
  const { hub: address, secret } = findHubAccess(flags);
  const hub = await dial(nodeWorld(silentLog), {
    address,
    path: sessionPaths.hub,
    role: "cli",
    credential: credentialOf(secret),
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

/** The remote that holds where the command is run. */
export function remoteOfProject(remotes: readonly Remote[], folder = "."): Remote | undefined {
  if (remotes.length === 0) return undefined;
  const [only] = remotes.length === 1 ? remotes : [];
  const places = gitRemotes(folder).flatMap(({ url }) => placeOfUrl(url) ?? []);
  const [ofProject] = places.flatMap((place) => remoteOfGitPlace(remotes, place) ?? []);
  return ofProject ?? remotes.find(({ name }) => name === defaultRemote) ?? only;
}

/** @throws NO_REMOTE, which says as well how an address is written: a host without a port looks like a name */
function remoteOrAddress(name: string, env: NodeJS.ProcessEnv): Remote {
  try {
    return findRemote(name, env);
  } catch (thrown) {
    const { code, message, hint } = toPropagitError(thrown);
    if (code !== "NO_REMOTE") throw thrown;
    throw new PropagitError(code, message, {
      hint: `${hint}; if it is an address, write host:port, such as ${name}:6001`,
      cause: thrown,
    });
  }
}

function parseHubChoice(text: string): HubChoice {
  return isRemoteName(text) ? { remote: text } : parseAddress(text);
}

function accessTo(remote: Remote, flags: SecretFlags, env: NodeJS.ProcessEnv): HubAccess {
  const given = findSecret(flags, {});
  const secret = given ?? remote.secret ?? findSecret({}, env);
  return { hub: remote.hub, secret, remote: remote.name };
}
