/**
 * Host and port: a name, an IPv4 address or an IPv6 address in brackets, then perhaps `:port`. Nothing else: no
 * user, no list, no escapes.
 */
import { bracketBytes, COLON, hostBytes, isDigit } from "./characters.js";

/** The end of the name (its brackets included) when these bytes are an authority, else -1. */
export function authorityNameEnd(bytes: Buffer, start: number, end: number): number {
  const nameEnd =
    bytes[start] === 0x5b ? bracketsEnd(bytes, start, end) : endOfName(bytes, start, end);
  if (nameEnd <= start) return -1;
  return nameEnd === end || isPort(bytes, nameEnd, end) ? nameEnd : -1;
}

function endOfName(bytes: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && hostBytes[bytes[at] as number] !== 0) at++;
  return at;
}

function bracketsEnd(bytes: Buffer, start: number, end: number): number {
  let at = start + 1;
  while (at < end && bracketBytes[bytes[at] as number] !== 0) at++;
  return at < end && at > start + 2 && bytes[at] === 0x5d ? at + 1 : -1;
}

function isPort(bytes: Buffer, start: number, end: number): boolean {
  if (bytes[start] !== COLON) return false;
  let port = 0;
  for (let at = start + 1; at < end; at++) {
    const byte = bytes[at] as number;
    if (!isDigit(byte)) return false;
    port = port * 10 + (byte - 0x30);
    if (port > 65_535) return false;
  }
  return end > start + 1 && end - start <= 6;
}
