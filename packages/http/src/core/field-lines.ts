/**
 * The field lines of a head, one pass over their bytes:
 *
 *     name ":" OWS value OWS CRLF …  CRLF
 *
 * Refused, as two parties could read it differently: a name that is no token (a space before the colon, a line
 * that goes on with a space), CR or LF alone, NUL and other controls.
 */
import { COLON, CR, LF, skip, SP, TAB, tokenBytes, valueBytes } from "./characters.js";
import { fieldStride, finish, growFields, type Head, refuse, suspend } from "./head.js";
import { identify } from "./known-names.js";

/** Reads field lines from `line` on. Returns the index after the blank line, `incomplete` or `bad`. */
export function scanFields(
  bytes: Buffer,
  line: number,
  end: number,
  head: Head,
  fieldsMax: number,
): number {
  let { fields, fieldCount: count } = head;
  for (let at = line; ; line = at) {
    head.fieldCount = count;
    if (at >= end) return suspend(head, line, end);
    if (bytes[at] === CR) return endOfHead(bytes, line, end, head);

    at = skip(bytes, at, end, tokenBytes);
    if (at >= end) return suspend(head, line, end);
    const nameEnd = at;
    if (bytes[at] !== COLON || nameEnd === line) return refuseName(bytes, line, at, head);
    at++;

    while (at < end && (bytes[at] === SP || bytes[at] === TAB)) at++;
    const valueStart = at;
    at = skip(bytes, at, end, valueBytes);
    if (at + 1 >= end) return suspendOrRefuse(bytes, line, at, end, head);
    if (bytes[at] !== CR || bytes[at + 1] !== LF) return refuseValue(bytes, at, head);

    let valueEnd = at;
    while (valueEnd > valueStart && isBlank(bytes[valueEnd - 1] as number)) valueEnd--;
    at += 2;

    if (count === fieldsMax) return refuse(head, 431, `more than ${fieldsMax} header fields`);
    const slot = count * fieldStride;
    if (slot === fields.length) fields = growFields(head);
    fields[slot] = line;
    fields[slot + 1] = nameEnd;
    fields[slot + 2] = valueStart;
    fields[slot + 3] = valueEnd;
    fields[slot + 4] = identify(bytes, line, nameEnd);
    count++;
  }
}

function endOfHead(bytes: Buffer, line: number, end: number, head: Head): number {
  if (line + 1 >= end) return suspend(head, line, end);
  if (bytes[line + 1] !== LF) return refuse(head, 400, "CR without LF");
  return finish(head, line);
}

/** The bytes end within a value, or right behind what does not belong there. */
function suspendOrRefuse(bytes: Buffer, line: number, at: number, end: number, head: Head): number {
  if (at >= end || bytes[at] === CR) return suspend(head, line, end);
  return refuseValue(bytes, at, head);
}

function refuseName(bytes: Buffer, line: number, at: number, head: Head): number {
  const byte = bytes[at];
  if (byte === LF) return refuse(head, 400, "LF without CR");
  if (at === line && (byte === SP || byte === TAB)) {
    return refuse(head, 400, "a header line that goes on over line ends");
  }
  if (byte === COLON) return refuse(head, 400, "a header field without a name");
  if (byte === SP || byte === TAB) return refuse(head, 400, "space in or behind a header name");
  if (byte === CR) return refuse(head, 400, "a header line without a colon");
  return refuse(head, 400, "a header name that is no token");
}

function refuseValue(bytes: Buffer, at: number, head: Head): number {
  if (bytes[at] === LF) return refuse(head, 400, "LF without CR");
  if (bytes[at] === CR) return refuse(head, 400, "CR without LF");
  return refuse(head, 400, "a control character in a header value");
}

function isBlank(byte: number): boolean {
  return byte === SP || byte === TAB;
}
