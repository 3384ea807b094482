/**
 * Tokens: what a drone gives an instance, so that it can announce itself in the registry without
 * ever seeing the cluster's secret.
 *
 *     token  = <scope> "." <key>          scope = base64url(JSON), key = HMAC(cluster key, "token" scope)
 *
 * Whoever knows the cluster key computes the key out of the scope, so nothing is stored anywhere; in a
 * session only the scope travels, and the key proves itself by challenge and response like any other.
 */
import type { Credential, Crypto } from "./crypto.js";
import { isCommitHash } from "./ids.js";

/** What the holder of a token may do: register records of this commit, for this process. */
export interface TokenScope {
  readonly repo: string;
  readonly commit: string;
  readonly drone: string;
  readonly process: string;
  /** What the process belongs to; put into its records. */
  readonly deployment?: string;
}

const scopeCharsMax = 1024;

export function mintToken(crypto: Crypto, clusterKey: string, scope: TokenScope): string {
  const text = encodeScope(scope);
  return `${text}.${tokenKey(crypto, clusterKey, text)}`;
}

/** The credential in a token, or undefined when the text is not a token. */
export function credentialFromToken(token: string): Credential | undefined {
  const at = token.indexOf(".");
  const scope = token.slice(0, at);
  const key = token.slice(at + 1);
  if (at < 1 || !readScope(scope) || !/^[0-9a-f]{64}$/.test(key)) return undefined;
  return { id: `token:${scope}`, key };
}

/** The key that a credential id must prove, for a server that knows the cluster key. */
export function keyOfCredential(
  crypto: Crypto,
  clusterKey: string,
  id: string,
): { readonly key: string; readonly scope?: TokenScope } | undefined {
  if (id === "cluster") return { key: clusterKey };
  if (!id.startsWith("token:")) return undefined;
  const text = id.slice("token:".length);
  const scope = readScope(text);
  return scope && { key: tokenKey(crypto, clusterKey, text), scope };
}

/** The scope of a token whose key is right, or undefined; for `Authorization: Bearer`. */
export function verifyToken(
  crypto: Crypto,
  clusterKey: string,
  token: string,
): TokenScope | undefined {
  const credential = credentialFromToken(token);
  const known = credential && keyOfCredential(crypto, clusterKey, credential.id);
  return known && crypto.equal(known.key, credential.key) ? known.scope : undefined;
}

/**
 * What a drone gives git as password when it fetches from the hub: good while its session lasts, for
 * reading only; so the shared secret never crosses the wire.
 */
export function fetchPassword(crypto: Crypto, sessionKey: string): string {
  return crypto.mac(sessionKey, "git fetch");
}

function tokenKey(crypto: Crypto, clusterKey: string, scopeText: string): string {
  return crypto.mac(clusterKey, `token ${scopeText}`);
}

function encodeScope({ repo, commit, drone, process, deployment }: TokenScope): string {
  const parts = [repo, commit, drone, process, ...(deployment === undefined ? [] : [deployment])];
  return Buffer.from(JSON.stringify(parts)).toString("base64url");
}

function readScope(text: string): TokenScope | undefined {
  if (text.length > scopeCharsMax) return undefined;
  try {
    const parts: unknown = JSON.parse(Buffer.from(text, "base64url").toString());
    if (!Array.isArray(parts) || parts.length < 4 || parts.length > 5) return undefined;
    if (!parts.every((part) => typeof part === "string")) return undefined;
    const [repo, commit, drone, process, deployment] = parts as [
      string,
      string,
      string,
      string,
      string?,
    ];
    if (!isCommitHash(commit)) return undefined;
    return { repo, commit, drone, process, ...(deployment !== undefined && { deployment }) };
  } catch {
    return undefined;
  }
}
