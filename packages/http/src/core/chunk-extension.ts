/**
 * Chunk extensions (RFC 9112, 7.1.1), byte by byte, without the blanks that nobody sends:
 *
 *     ; name [= token | "quoted"]  ; …  CR
 *
 * Nobody needs them; attackers hide line ends in them. What is no such list is refused.
 */
import { CR, SEMICOLON, tokenFold, valueBytes } from "./characters.js";

/** Where in an extension a byte stands. */
export type ExtensionPlace =
  "name-start" | "name" | "value-start" | "value" | "quoted" | "escaped" | "closed";

const EQUALS = 0x3d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** The next place; `end` at CR; undefined when the byte does not belong there. */
export function stepExtension(
  place: ExtensionPlace,
  byte: number,
): ExtensionPlace | "end" | undefined {
  switch (place) {
    case "name-start":
      return isToken(byte) ? "name" : undefined;
    case "name":
      if (byte === EQUALS) return "value-start";
      return isToken(byte) ? "name" : behind(byte);
    case "value-start":
      if (byte === QUOTE) return "quoted";
      return isToken(byte) ? "value" : undefined;
    case "value":
      return isToken(byte) ? "value" : behind(byte);
    case "quoted":
      if (byte === QUOTE) return "closed";
      if (byte === BACKSLASH) return "escaped";
      return valueBytes[byte] === 0 ? undefined : "quoted";
    case "escaped":
      return valueBytes[byte] === 0 ? undefined : "quoted";
    case "closed":
      return behind(byte);
    default:
      return place satisfies never;
  }
}

function isToken(byte: number): boolean {
  return tokenFold[byte] !== 0;
}

function behind(byte: number): "name-start" | "end" | undefined {
  if (byte === SEMICOLON) return "name-start";
  return byte === CR ? "end" : undefined;
}
