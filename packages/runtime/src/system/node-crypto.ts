import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  hkdfSync,
  randomBytes,
  scryptSync,
  timingSafeEqual,
} from "node:crypto";
import type { Credential, Crypto } from "@propagit/protocol";

export const nodeCrypto: Crypto = {
  mac: (key, text) => createHmac("sha256", key).update(text).digest("hex"),
  // Hashing first makes both sides equally long, as timingSafeEqual wants them.
  equal: (left, right) => timingSafeEqual(digest(left), digest(right)),
  encrypt: (key, text) => encryptBytes(key, Buffer.from(text)),
  decrypt: (key, sealed) => decryptBytes(key, sealed)?.toString("utf8"),
  encryptBytes,
  decryptBytes,
};

/** Sizes of AES-256-GCM as NIST SP 800-38D recommends them. */
const [nonceBytes, tagBytes] = [12, 16];

function encryptBytes(key: string, bytes: Uint8Array): string {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv("aes-256-gcm", cipherKey(key), nonce);
  const hidden = Buffer.concat([cipher.update(bytes), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), hidden]).toString("base64");
}

function decryptBytes(key: string, sealed: string): Buffer | undefined {
  const bytes = Buffer.from(sealed, "base64");
  if (bytes.length < nonceBytes + tagBytes) return undefined;
  const nonce = bytes.subarray(0, nonceBytes);
  const decipher = createDecipheriv("aes-256-gcm", cipherKey(key), nonce);
  decipher.setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes));
  try {
    const hidden = bytes.subarray(nonceBytes + tagBytes);
    return Buffer.concat([decipher.update(hidden), decipher.final()]);
  } catch {
    return undefined;
  }
}

/** A key of its own for hiding, so that no key serves two purposes. */
function cipherKey(key: string): Buffer {
  return Buffer.from(hkdfSync("sha256", key, "", "propagit hidden text 1", 32));
}

/**
 * The key made from the shared secret. Stretched with scrypt (N = 2^14, r = 8: the interactive setting of
 * its author, about 50 ms), so that somebody who recorded a handshake cannot try words quickly.
 */
export function stretchSecret(secret: string): string {
  return scryptSync(secret, "propagit cluster key 1", 32, { N: 16_384, r: 8, p: 1 }).toString(
    "hex",
  );
}

export function credentialFromSecret(secret: string): Credential {
  return { id: "cluster", key: stretchSecret(secret) };
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
