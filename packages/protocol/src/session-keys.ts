/** What both ends of a session compute from the key they share, and never send: proofs and frame keys. */
import { openCredential, type Crypto } from "./crypto.js";
import type { Role } from "./frame.js";
import type { Seal } from "./seal.js";
import { keyOfCredential, type TokenScope } from "./token.js";

export interface SessionKeys {
  readonly send: Seal;
  readonly receive: Seal;
  readonly sessionKey: string;
}

/** The key that a client must prove; undefined when there can be none. */
export function knownKey(
  crypto: Crypto,
  clusterKey: string | undefined,
  credentialId: string,
): { readonly key: string; readonly scope?: TokenScope } | undefined {
  if (clusterKey !== undefined) return keyOfCredential(crypto, clusterKey, credentialId);
  return credentialId === openCredential.id ? openCredential : undefined;
}

/** Proof of knowing the key: for one side, one session, one role; worthless anywhere else. */
export function prove(
  crypto: Crypto,
  key: string,
  side: "client" | "server",
  serverNonce: string,
  clientNonce: string,
  role: Role,
): string {
  return crypto.mac(key, `propagit ${side} ${serverNonce} ${clientNonce} ${role}`);
}

/** One key for each direction, so that nobody can send a peer its own frames back. */
export function deriveKeys(
  crypto: Crypto,
  key: string,
  serverNonce: string,
  clientNonce: string,
  self: "client" | "server",
): SessionKeys {
  const derive = (purpose: string) =>
    crypto.mac(key, `propagit ${purpose} ${serverNonce} ${clientNonce}`);
  const fromClient = { key: derive("client-to-server"), nextSeq: 1 };
  const fromServer = { key: derive("server-to-client"), nextSeq: 1 };
  const [send, receive] = self === "client" ? [fromClient, fromServer] : [fromServer, fromClient];
  return { send, receive, sessionKey: derive("session") };
}
