/**
 * What a byte may be, as tables: one look per byte tells whether a name, a value or a target goes on, and what
 * its lower-case form is. 0 always means "ends here".
 */

export const TAB = 9;
export const LF = 10;
export const CR = 13;
export const SP = 32;
export const COMMA = 44;
export const COLON = 58;
export const SEMICOLON = 59;
export const QUESTION_MARK = 63;

const letters = "abcdefghijklmnopqrstuvwxyz";
const digits = "0123456789";

/** Of a token (RFC 9110, 5.6.2): the byte in lower case. */
export const tokenFold = foldOf(`!#$%&'*+-.^_\`|~${digits}`);

/** The same, as 1 and 0. */
export const tokenBytes = Uint8Array.from(tokenFold, (byte) => Math.min(byte, 1));

/**
 * As `tokenFold`, but `_` reads as `-`: CGI and its heirs (WSGI, Rack, PHP) cannot tell `X_Forwarded_For` from
 * `X-Forwarded-For`, so neither do we where it matters.
 */
export const nameFold = Uint8Array.from(tokenFold, (byte) => (byte === 0x5f ? 0x2d : byte));

/** Of a field's value: visible bytes, space, tab and what is beyond ASCII; no other controls, no DEL. */
export const valueBytes = tableOf((byte) => (byte >= SP && byte !== 0x7f) || byte === TAB);

/**
 * Of a path: visible ASCII. A fragment never travels (RFC 9112, 3.2); a backslash is a slash for some, and what is
 * beyond ASCII has no one reading.
 */
export const pathBytes = tableOf(
  (byte) => byte > SP && byte < 0x7f && !"#?\\".includes(String.fromCharCode(byte)),
);

/** Of a query: as of a path; browsers send backslashes and question marks there as they are. */
export const queryBytes = tableOf((byte) => byte > SP && byte < 0x7f && byte !== 0x23);

/** Of a method: capitals, digits, `-` and `_`. What is `get` to one is `GET` to another. */
export const methodBytes = tableOf((byte) =>
  `${letters.toUpperCase()}${digits}-_`.includes(String.fromCharCode(byte)),
);

/**
 * Of the name in an authority. RFC 3986 allows more (`!$&'()*+,;=` and `%`), which no host name has and which
 * parties read differently.
 */
export const hostBytes = tableOf((byte) =>
  `${letters}${letters.toUpperCase()}${digits}-._~`.includes(String.fromCharCode(byte)),
);

/** Of an address in brackets. */
export const bracketBytes = tableOf((byte) =>
  `abcdefABCDEF${digits}:.`.includes(String.fromCharCode(byte)),
);

/** Hexadecimal digits: their value and 1, so that 0 still means "none". */
export const hexValues = Uint8Array.from({ length: 256 }, (_, byte) => {
  const value = `${digits}abcdef`.indexOf(String.fromCharCode(byte).toLowerCase());
  return value + 1;
});

export function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/**
 * The index of the first byte from `start` on that is not in a table of 1 and 0. Eight at a time: most bytes of a head
 * are those of long values, and this takes less than half the time of one by one.
 */
export function skip(bytes: Buffer, start: number, end: number, table: Uint8Array): number {
  let at = start;
  for (const last = end - 8; at <= last; at += 8) {
    const four =
      (table[bytes[at] as number] as number) &
      (table[bytes[at + 1] as number] as number) &
      (table[bytes[at + 2] as number] as number) &
      (table[bytes[at + 3] as number] as number);
    const eight =
      four &
      (table[bytes[at + 4] as number] as number) &
      (table[bytes[at + 5] as number] as number) &
      (table[bytes[at + 6] as number] as number) &
      (table[bytes[at + 7] as number] as number);
    if (eight === 0) break;
  }
  while (at < end && table[bytes[at] as number] !== 0) at++;
  return at;
}

/** Whether the text is a token. */
export function isToken(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code > 0xff || tokenFold[code] === 0) return false;
  }
  return text.length > 0;
}

/** Whether the bytes are that lower-case ASCII text, whatever their case. */
export function equalsFolded(
  bytes: Buffer,
  start: number,
  end: number,
  lowerText: string,
): boolean {
  if (end - start !== lowerText.length) return false;
  for (let index = 0; index < lowerText.length; index++) {
    if (foldedByte(bytes[start + index] as number) !== lowerText.charCodeAt(index)) return false;
  }
  return true;
}

/** Whether both ranges say the same, whatever their case. */
export function sameFolded(
  bytes: Buffer,
  a: number,
  aEnd: number,
  b: number,
  bEnd: number,
): boolean {
  if (aEnd - a !== bEnd - b) return false;
  for (let index = 0; index < aEnd - a; index++) {
    const left = foldedByte(bytes[a + index] as number);
    if (left !== foldedByte(bytes[b + index] as number)) return false;
  }
  return true;
}

function foldedByte(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
}

function foldOf(others: string): Uint8Array {
  const table = new Uint8Array(256);
  for (const other of others) table[other.charCodeAt(0)] = other.charCodeAt(0);
  for (const letter of letters) {
    table[letter.charCodeAt(0)] = letter.charCodeAt(0);
    table[letter.toUpperCase().charCodeAt(0)] = letter.charCodeAt(0);
  }
  return table;
}

function tableOf(isAllowed: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (isAllowed(byte) ? 1 : 0));
}
