/**
 * How lines are secured: TLS 1.3 with a pre-shared key that both sides know (RFC 8446, section 2.2) and no
 * certificates, since the hub introduces everybody to everybody anyway.
 *
 * - Only with a fresh key exchange (`psk_dhe_ke`, OpenSSL's default): who learns the secret later cannot read
 *   what was recorded.
 * - No session is ever resumed, since that would let somebody in again after his grant has expired: tickets that
 *   hold their session are off, and those that OpenSSL hands out instead name one that nobody keeps. So there is
 *   no early data either, which anybody could send twice.
 */
import { constants } from "node:crypto";
import { createSecureContext, type SecureContext, type SecureContextOptions } from "node:tls";

export const secureOptions = {
  minVersion: "TLSv1.3",
  maxVersion: "TLSv1.3",
  // The one that is good with every key that node:tls takes, and the fastest where the processor has AES.
  ciphers: "TLS_AES_128_GCM_SHA256",
  ecdhCurve: "X25519:P-256",
  secureOptions: constants.SSL_OP_NO_TICKET,
  // Nobody is believed for a certificate; without this, Node would load those of all authorities.
  ca: [],
} as const satisfies SecureContextOptions;

let dialling: SecureContext | undefined;

/** Made with the first line: it takes memory that a drone without artifacts does not need. */
export function diallingContext(): SecureContext {
  dialling ??= createSecureContext(secureOptions);
  return dialling;
}
