/** Hashes and signatures of artifacts. */
import { createPublicKey, hash, verify } from "node:crypto";
import type { Digests } from "../world.js";

export const nodeDigests: Digests = {
  sha256: (bytes) => hash("sha256", bytes),

  isSignedBy(key, text, signature) {
    try {
      const publicKey = createPublicKey({
        key: Buffer.from(key, "base64"),
        format: "der",
        type: "spki",
      });
      // Another kind of key would be another kind of signature, that nobody here has agreed to.
      if (publicKey.asymmetricKeyType !== "ed25519") return false;
      return verify(null, Buffer.from(text), publicKey, Buffer.from(signature, "base64"));
    } catch {
      return false;
    }
  },
};
