/**
 * Fields behind a chunked body. What comes so late must not say how long the message is, whom it is for, who sent it
 * or how it is to be read (RFC 9110, 6.5.1): some merge trailers into the head.
 */
import { isToken, valueBytes } from "./characters.js";

const forbidden: ReadonlySet<string> = new Set([
  // Framing and this connection.
  "connection",
  "content-length",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  // For whom, and how to deal with it.
  "cache-control",
  "expect",
  "host",
  "max-forwards",
  "range",
  // Who.
  "authorization",
  "cookie",
  "forwarded",
  "proxy-authenticate",
  "proxy-authorization",
  "set-cookie",
  "via",
  "www-authenticate",
  "x-real-ip",
  // How the body is to be read.
  "content-encoding",
  "content-range",
  "content-type",
]);

export interface Trailer {
  readonly name: string;
  readonly value: string;
}

/** Reads a line without its CRLF. Returns why it is no field when it is none; `isForbiddenTrailer` is asked apart. */
export function readTrailer(line: string): Trailer | string {
  const colon = line.indexOf(":");
  const name = line.slice(0, Math.max(0, colon));
  if (!isToken(name)) return "a trailer whose name is no token";
  const value = line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, "");
  if (!isValue(value)) return "a control character in a trailer";
  return { name, value };
}

/** Also with `_` for `-`, as CGI would read it. */
export function isForbiddenTrailer(name: string): boolean {
  const lowerName = name.toLowerCase().replaceAll("_", "-");
  return forbidden.has(lowerName) || lowerName.startsWith("x-forwarded-");
}

function isValue(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    if (valueBytes[text.charCodeAt(index)] !== 1) return false;
  }
  return true;
}
