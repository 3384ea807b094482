/** Signed messages to an authority: JWS with ES256 (RFC 7515, 7518), keys as JWK and their thumbprints (RFC 7638). */
import { createHash, createPrivateKey, createPublicKey, sign } from "node:crypto";

export interface AccountKey {
  /** The public part. */
  readonly jwk: Readonly<Record<string, string>>;
  readonly thumbprint: string;
  sign(text: string): string;
}

/** @param pem a key for P-256 */
export function readAccountKey(pem: string): AccountKey {
  const key = createPrivateKey(pem);
  const { crv = "", kty = "", x = "", y = "" } = createPublicKey(key).export({ format: "jwk" });
  // In this order, without spaces: the thumbprint is a hash of it.
  const jwk = { crv, kty, x, y };
  return {
    jwk,
    thumbprint: createHash("sha256").update(JSON.stringify(jwk)).digest("base64url"),
    sign: (text) =>
      sign("sha256", Buffer.from(text), { key, dsaEncoding: "ieee-p1363" }).toString("base64url"),
  };
}

/** @param payload undefined for a look (`POST` as `GET`, RFC 8555, section 6.3) */
export function signedMessage(
  key: AccountKey,
  head: Readonly<Record<string, unknown>>,
  payload: unknown,
): string {
  const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const protectedHead = encoded({ alg: "ES256", ...head });
  const body = payload === undefined ? "" : encoded(payload);
  const signature = key.sign(`${protectedHead}.${body}`);
  return JSON.stringify({ protected: protectedHead, payload: body, signature });
}
