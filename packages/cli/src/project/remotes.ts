/**
 * Names of hubs, with their secrets: `remotes.json` in the user's own folder, readable by nobody else.
 * Never in a project: what lies there gets committed one day.
 */
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import {
  formatAddress,
  parseAddress,
  parseJson,
  PropagitError,
  quote,
  type Address,
} from "@propagit/protocol";
import { errnoOf, nodeDisk } from "@propagit/runtime";

export interface Remote {
  readonly name: string;
  readonly hub: Address;
  readonly secret: string | undefined;
}

/** The one that is taken when nothing names another. */
export const defaultRemote = "default";

const namePattern = /^[A-Za-z][A-Za-z0-9._-]{0,62}$/;
const remotesMax = 1_000;

/** Whether it names a hub, rather than being an address: those have a colon or are a port. */
export function isRemoteName(text: string): boolean {
  return namePattern.test(text);
}

/** @throws BAD_NAME */
export function parseRemoteName(text: string): string {
  if (isRemoteName(text)) return text;
  throw new PropagitError("BAD_NAME", `remote name ${quote(text)} is not allowed`, {
    hint: "use letters, digits, `.`, `_` and `-`, beginning with a letter",
  });
}

export function remotesFile(env = process.env): string {
  const { PROPAGIT_HOME: home } = env;
  return join(home || join(homedir(), ".propagit"), "remotes.json");
}

/** All of them by name. @throws DATA_UNUSABLE when the file cannot be read or is damaged */
export function readRemotes(env = process.env): readonly Remote[] {
  const path = remotesFile(env);
  const text = readIfThere(path);
  if (text === undefined) return [];
  const { remotes } = (parseJson(text) ?? {}) as { readonly remotes?: unknown };
  if (!Array.isArray(remotes)) throw damaged(path);
  return remotes.map((one) => parseRemote(one, path));
}

/** @throws NO_REMOTE with the names there are */
export function findRemote(name: string, env = process.env): Remote {
  const remotes = readRemotes(env);
  const found = remotes.find((one) => one.name === name);
  if (found) return found;
  const names = remotes.map((one) => `\`${one.name}\``).join(", ");
  throw new PropagitError("NO_REMOTE", `no hub is called ${quote(name)} here`, {
    hint: names === "" ? "add it: propagit remote add NAME host:port" : `there are ${names}`,
  });
}

/** Adds it, or changes what it stands for. */
export async function saveRemote(remote: Remote, env = process.env): Promise<void> {
  const others = readRemotes(env).filter(({ name }) => name !== remote.name);
  if (others.length >= remotesMax) {
    throw new PropagitError("BAD_USAGE", `there are ${remotesMax} remotes already`, {
      hint: "remove some: propagit remote rm NAME",
    });
  }
  await write([...others, remote], env);
}

/** @throws NO_REMOTE */
export async function removeRemote(name: string, env = process.env): Promise<void> {
  findRemote(name, env);
  await write(
    readRemotes(env).filter((one) => one.name !== name),
    env,
  );
}

/** The remote that a git URL leads to: git is served on the hub's port and on the one after it. */
export function remoteOfGitPlace(
  remotes: readonly Remote[],
  { host, port }: Address,
): Remote | undefined {
  return remotes.find(({ hub }) => {
    return sameHost(hub.host, host) && (hub.port === port || hub.port + 1 === port);
  });
}

function sameHost(left: string, right: string): boolean {
  return left.toLowerCase() === right.toLowerCase();
}

function write(remotes: readonly Remote[], env: NodeJS.ProcessEnv): Promise<void> {
  const sorted = [...remotes].sort((left, right) => left.name.localeCompare(right.name));
  const content = sorted.map(({ name, hub, secret }) => ({
    name,
    hub: formatAddress(hub),
    secret,
  }));
  const text = `${JSON.stringify({ remotes: content }, undefined, 2)}\n`;
  return nodeDisk.writeAtomic(remotesFile(env), text, { mode: 0o600 });
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (thrown) {
    if (errnoOf(thrown) === "ENOENT") return undefined;
    throw new PropagitError(
      "DATA_UNUSABLE",
      `${path} cannot be read: ${errnoOf(thrown) ?? String(thrown)}`,
      { cause: thrown },
    );
  }
}

function parseRemote(value: unknown, path: string): Remote {
  const { name, hub, secret } = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof name !== "string" || typeof hub !== "string") throw damaged(path);
  if (secret !== undefined && typeof secret !== "string") throw damaged(path);
  return { name, hub: parseAddress(hub), secret };
}

function damaged(path: string): PropagitError {
  return new PropagitError("DATA_UNUSABLE", `${path} is damaged`, {
    hint: "mend it, or remove it and add the hubs again: propagit remote add NAME host:port",
  });
}
