/** A signed manifest as it comes in parts, in order, from one peer. */
import { PropagitError } from "@propagit/protocol";
import { manifestCharsMax, type SignedManifest } from "./manifest.js";

/** The text in JSON, with the signature and what stands around them. */
const bytesMax = manifestCharsMax + 8192;

export class ManifestParts {
  #all: Uint8Array | undefined;
  #filled = 0;

  /**
   * The whole text once it is there.
   *
   * @throws BAD_FRAME when this is no part of one
   */
  add(part: { bytesAll: number; offset: number; bytes: Uint8Array }): string | undefined {
    if (part.bytesAll > bytesMax) throw wrong(`of ${part.bytesAll} bytes`);
    this.#all ??= new Uint8Array(part.bytesAll);
    if (this.#all.length !== part.bytesAll || part.offset !== this.#filled)
      throw wrong("in parts that do not fit");
    this.#all.set(part.bytes, part.offset);
    this.#filled += part.bytes.length;
    if (this.#filled < this.#all.length) return undefined;
    return new TextDecoder().decode(this.#all);
  }
}

/** As it travels, and as it is kept beside the pieces. */
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

function wrong(what: string): PropagitError {
  return new PropagitError("BAD_FRAME", `a manifest ${what}`);
}
