/**
 * Messages that are worth it travel packed, each by itself (raw DEFLATE, RFC 1951): no window is kept for a
 * connection, of which a hub has thousands and most are silent.
 *
 * It pays for what is written in base64 and hex: a pack of 4.4 KB is 6.0 KB as text, and 4.5 KB packed.
 */
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { frameBytesMax } from "@propagit/protocol";

/** Both sides say it in the handshake of the websocket; without it everything is text. */
export const packedProtocol = "propagit.packed";

/** Less has nothing to gain. */
const textCharsMin = 512;
/** More would keep the daemon busy for milliseconds: 64 KiB take about one. */
const textCharsMax = 64 * 1024;

/** @returns undefined when it is better sent as it is */
export function packText(text: string): Buffer | undefined {
  if (text.length < textCharsMin || text.length > textCharsMax) return undefined;
  const packed = deflateRawSync(text, { level: 1 });
  return packed.length < text.length ? packed : undefined;
}

/** @returns undefined when it is no packed text, or a longer one than a frame may be */
export function unpackText(packed: Uint8Array): string | undefined {
  try {
    return inflateRawSync(packed, { maxOutputLength: frameBytesMax }).toString();
  } catch {
    return undefined;
  }
}
