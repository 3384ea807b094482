/**
 * Who dials whom for which artifact, and until when that is good: the identity of the pre-shared key of a
 * line. The key is an HMAC of it under the artifact's secret, so whoever changes a part of it has no key.
 *
 * All who take part know the secret, since each must check others; it lets nobody have more than the bytes
 * that they have anyway. It is another one for each artifact.
 */
import type { Crypto } from "@propagit/protocol";

export interface Claim {
  readonly artifact: string;
  /** Name of whoever dials. */
  readonly holder: string;
  /** In ms since 1970, by the hub's clock. */
  readonly expiresAt: number;
}

/** `propagit-swarm-1 ARTIFACT EXPIRES HOLDER`, at most 160 characters. */
export function encodeClaim({ artifact, holder, expiresAt }: Claim): string {
  return `propagit-swarm-1 ${artifact} ${expiresAt} ${holder}`;
}

/** Undefined when it is nothing that `encodeClaim` makes. */
export function parseClaim(text: string): Claim | undefined {
  const parts = /^propagit-swarm-1 ([0-9a-f]{64}) (\d{1,15}) (\S{1,63})$/.exec(text);
  if (!parts) return undefined;
  const [, artifact = "", expiresAt = "", holder = ""] = parts;
  return { artifact, holder, expiresAt: Number(expiresAt) };
}

/** Of the pre-shared key, 64 hex characters. */
export function keyOfClaim(crypto: Crypto, secret: string, claim: Claim): string {
  return crypto.mac(secret, encodeClaim(claim));
}
