/** Calls to a registry from the command line: connect, ask, hang up. */
import { isLoopback, parseAddress, type Address } from "@propagit/protocol";
import {
  dial,
  hangUp,
  nodeWorld,
  sessionPaths,
  silentLog,
  type Conversation,
} from "@propagit/runtime";
import { credentialOf } from "./hub-call.js";
import { findSecret, type SecretFlags } from "./secret.js";

/** The port of the walk-through, when neither argument nor PROPAGIT_REGISTRY name an address. */
const addressDefault: Address = { host: "localhost", port: 6000 };

export function findRegistry(argument: string | undefined, env = process.env): Address {
  const { PROPAGIT_REGISTRY: fromEnv } = env;
  const text = argument ?? fromEnv;
  return text ? parseAddress(text) : addressDefault;
}

export async function withRegistry<T>(
  address: Address,
  flags: SecretFlags,
  work: (registry: Conversation) => Promise<T>,
): Promise<T> {
  const secret = findSecret(flags);
  const registry = await dial(nodeWorld(silentLog), {
    address,
    path: sessionPaths.registry,
    role: "cli",
    credential: credentialOf(secret),
    acceptsOpen: secret === undefined || isLoopback(address.host),
  });
  try {
    return await work(registry);
  } finally {
    await hangUp(registry);
  }
}
