import { createHash, createHmac, scryptSync, timingSafeEqual } from "node:crypto";
import type { Credential, Crypto } from "@propagit/protocol";

export const nodeCrypto: Crypto = {
  mac: (key, text) => createHmac("sha256", key).update(text).digest("hex"),
  // Hashing first makes both sides equally long, as timingSafeEqual wants them.
  equal: (left, right) => timingSafeEqual(digest(left), digest(right)),
};

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
