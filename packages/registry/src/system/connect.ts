/** The registry's client in the real world. */
import { isCommitHash, parseAddress, processMetaKey, type Address } from "@propagit/protocol";
import { findFreePort, nodeRandom, nodeWorld, silentLog, type Log } from "@propagit/runtime";
import type { ConnectOptions, RegistryClient } from "../client-api.js";
import { connectIn, type InstanceDefaults } from "../client.js";

export interface RealConnectOptions extends ConnectOptions {
  /** Where trouble is said that goes on by itself; default: nowhere. */
  readonly log?: Log;
}

/**
 * Connects to a registry, now or as soon as it is there, and again whenever it was gone.
 *
 * In a process that a drone started, the environment says the rest: REGISTRY_TOKEN is the default token,
 * and COMMIT, PROCESS_ID and HOST are put into what is registered.
 *
 * @param address `host:port`, as in the environment variable REGISTRY; a port alone means localhost
 * @throws BAD_USAGE when that is no address, DENIED when the token is none
 * @example
 * const registry = connect("localhost:6000");
 * const port = await registry.register("http@1.2.3");
 */
export function connect(
  address: string | Address,
  options: RealConnectOptions = {},
): RegistryClient {
  const { REGISTRY_TOKEN: token } = process.env;
  const { log = silentLog, ...rest } = options;
  return connectIn(nodeWorld(log), typeof address === "string" ? parseAddress(address) : address, {
    ...(token !== undefined && token !== "" && { token }),
    ...rest,
    findPort: ({ range, avoid }) =>
      findFreePort({ random: nodeRandom, avoid, ...(range && { range }) }),
    defaults: defaultsOfInstance(process.env),
  });
}

/** What a drone's instance is; nothing in any other process, whatever its HOST may be. */
export function defaultsOfInstance(env: NodeJS.ProcessEnv): InstanceDefaults {
  const { COMMIT: commit = "", PROCESS_ID: process = "", HOST: host = "" } = env;
  if (!isCommitHash(commit) || process === "") return {};
  const isAnywhere = host === "" || host === "0.0.0.0" || host === "::";
  return { commit, meta: { [processMetaKey]: process }, ...(!isAnywhere && { host }) };
}
