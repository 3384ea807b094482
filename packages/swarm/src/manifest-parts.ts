/**
 * A signed manifest as it travels, in parts that come in order from one peer. Most of its text are hashes in hex, so
 * on a line they are bytes; whoever gets them writes the very text that was signed:
 *
 *     {"propagit":1, … ,"pieces":"  0a1b2c… of all pieces  "}     signature
 *     [length] what stands before   [32 bytes for each]           [length] text     in front of the two others
 */
import { PropagitError } from "@propagit/protocol";
import { manifestCharsMax, type SignedManifest } from "./manifest.js";

/** Half of the text, with the signature and what stands around them. */
const bytesMax = manifestCharsMax / 2 + 8192;

export class ManifestParts {
  #all: Uint8Array | undefined;
  #filled = 0;

  /**
   * The whole once it is there.
   *
   * @throws BAD_FRAME when this is no part of one
   */
  add(part: { bytesAll: number; offset: number; bytes: Uint8Array }): SignedManifest | undefined {
    if (part.bytesAll > bytesMax) throw wrong(`of ${part.bytesAll} bytes`);
    this.#all ??= new Uint8Array(part.bytesAll);
    if (this.#all.length !== part.bytesAll || part.offset !== this.#filled)
      throw wrong("in parts that do not fit");
    this.#all.set(part.bytes, part.offset);
    this.#filled += part.bytes.length;
    if (this.#filled < this.#all.length) return undefined;
    return unpackSigned(this.#all);
  }
}

/** As it travels. */
export function packSigned({ text, signature }: SignedManifest): Uint8Array {
  const at = text.indexOf(hashesBegin) + hashesBegin.length;
  const before = [signature, text.slice(0, at)].map((part) => new TextEncoder().encode(part));
  const hashes = bytesOfHex(text.slice(at, -hashesEnd.length));
  const parts = [...before.flatMap((part) => [lengthOf(part), part]), hashes];
  const packed = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let filled = 0;
  for (const part of parts) {
    packed.set(part, filled);
    filled += part.length;
  }
  return packed;
}

/** @throws BAD_FRAME when it is not what `packSigned` makes */
export function unpackSigned(packed: Uint8Array): SignedManifest {
  const signature = cutText(packed);
  const before = cutText(signature.rest);
  const text = before.text + hexOf(before.rest) + hashesEnd;
  return { text, signature: signature.text };
}

/** As it is kept beside the pieces. */
export function encodeSigned({ text, signature }: SignedManifest): string {
  return JSON.stringify({ text, signature });
}

/** @throws BAD_FRAME when it is not what `encodeSigned` makes */
export function parseSigned(json: string): SignedManifest {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw wrong("that is not JSON");
  }
  const { text, signature } = (value ?? {}) as Record<string, unknown>;
  if (typeof text !== "string" || typeof signature !== "string") throw wrong("without a signature");
  return { text, signature };
}

/** The hashes are last in the text; see `encodeManifest`. */
const hashesBegin = '"pieces":"';
const hashesEnd = '"}';

function lengthOf({ length }: Uint8Array): Uint8Array {
  return new Uint8Array([length >> 8, length & 0xff]);
}

/** A text with its length before it, and what follows. */
function cutText(bytes: Uint8Array): { readonly text: string; readonly rest: Uint8Array } {
  const [high = 0, low = 0] = bytes;
  const end = 2 + high * 256 + low;
  if (bytes.length < end) throw wrong("that ends in the middle");
  return { text: new TextDecoder().decode(bytes.subarray(2, end)), rest: bytes.subarray(end) };
}

function bytesOfHex(hex: string): Uint8Array {
  const bytes = new Uint8Array(hex.length / 2);
  for (let at = 0; at < bytes.length; at++)
    bytes[at] = Number.parseInt(hex.slice(at * 2, at * 2 + 2), 16);
  return bytes;
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function wrong(what: string): PropagitError {
  return new PropagitError("BAD_FRAME", `a manifest ${what}`);
}
