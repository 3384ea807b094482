/** What the protocol needs of cryptography; `runtime` has the real one (node:crypto). */
export interface Crypto {
  /** HMAC-SHA-256 of `text` under `key`, as 64 hex characters. */
  mac(key: string, text: string): string;
  /** Whether two texts are equal, in a time that does not tell where they differ. */
  equal(left: string, right: string): boolean;
  /**
   * Hides and authenticates a text (AES-256-GCM, a fresh nonce each time) under a key derived from `key`.
   */
  encrypt(key: string, text: string): string;
  /** Undefined when it was not made with this key, or was changed. */
  decrypt(key: string, sealed: string): string | undefined;
  /** Like `encrypt`, of bytes that are no text: as a text they would be a third longer before they are hidden. */
  encryptBytes(key: string, bytes: Uint8Array): string;
  /** Undefined when it was not made with this key, or was changed. */
  decryptBytes(key: string, sealed: string): Uint8Array | undefined;
}

/**
 * Who somebody claims to be, and the key that proves it. The key never travels.
 *
 * - `cluster`: knows the shared secret; `key` is the secret, stretched (see `stretchSecret` in runtime).
 * - `open`: there is no secret; `key` is empty and proves nothing.
 * - `token:<scope>`: was given a token that is good for one thing only (see `token.ts`).
 */
export interface Credential {
  readonly id: string;
  readonly key: string;
}

export const openCredential: Credential = { id: "open", key: "" };
