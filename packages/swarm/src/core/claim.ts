/**
 * Who dials whom for which artifact, and until when that is good: the identity of the pre-shared key of a
 * line. The key is an HMAC of it, so whoever changes a part of it has no key.
 *
 *     hub:   secret of the artifact --HMAC with a name--> secret of web-2 --HMAC with a claim--> key of a line
 *     web-2: has its own secret, and so the key of every claim that is shown to it
 *     web-1: is given the key of its claim at web-2 when it is introduced, and no secret but its own
 *
 * So only the two and the hub know the key of a line: nobody can say that he is somebody else, or come longer
 * than the hub lets him. Those secrets are others for each artifact.
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
  const parts =
    /^propagit-swarm-1 ([0-9a-f]{64}) (\d{1,15}) ([A-Za-z0-9][A-Za-z0-9._-]{0,62})$/.exec(text);
  if (!parts) return undefined;
  const [, artifact = "", expiresAt = "", holder = ""] = parts;
  return { artifact, holder, expiresAt: Number(expiresAt) };
}

/** Of one who takes part: with it he checks who dials him. */
export function secretOfHolder(crypto: Crypto, artifactSecret: string, holder: string): string {
  return crypto.mac(artifactSecret, `propagit-swarm-1 holder ${holder}`);
}

/** That somebody has a grant of an artifact; `secret` is his own. Nobody can make the key of a line of it. */
export function proofOfHolder(crypto: Crypto, secret: string): string {
  return crypto.mac(secret, "propagit-swarm-1 share");
}

/** `secret` is that of who is dialled. Of the pre-shared key, 64 hex characters. */
export function keyOfClaim(crypto: Crypto, secret: string, claim: Claim): string {
  return crypto.mac(secret, encodeClaim(claim));
}
