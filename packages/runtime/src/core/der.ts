/**
 * The part of DER (ITU-T X.690) that certificates and requests for them are written in:
 *
 *     tag | length | content        a constructed content is again tag | length | content …
 *
 * Written only, never read: what comes from elsewhere OpenSSL reads.
 */

export type Der = Uint8Array;

export function sequence(...parts: readonly Der[]): Der {
  return tagged(0x30, ...parts);
}

export function set(...parts: readonly Der[]): Der {
  return tagged(0x31, ...parts);
}

/** @param bytes of a number from 0 up, the highest first */
export function unsigned(...bytes: readonly number[]): Der {
  const first = bytes.findIndex((byte) => byte !== 0);
  const rest = first < 0 ? [0] : bytes.slice(first);
  // A first bit that is set would make it negative.
  return tagged(0x02, Uint8Array.from((rest[0] ?? 0) > 0x7f ? [0, ...rest] : rest));
}

export function bool(value: boolean): Der {
  return tagged(0x01, Uint8Array.of(value ? 0xff : 0));
}

export function bitString(bytes: Uint8Array): Der {
  return tagged(0x03, Uint8Array.of(0), bytes);
}

export function octetString(bytes: Uint8Array): Der {
  return tagged(0x04, bytes);
}

/** @param dotted such as `2.5.29.17` */
export function objectId(dotted: string): Der {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return tagged(0x06, Uint8Array.from([first * 40 + second, ...rest].flatMap(base128)));
}

export function utf8(text: string): Der {
  return tagged(0x0c, new TextEncoder().encode(text));
}

/** RFC 5280, section 4.1.2.5: two digits of the year until 2049, four from then on. */
export function time(atMs: number): Der {
  const digits = new Date(atMs).toISOString().replaceAll(/[-:T]|\.\d+/g, "");
  const isShort = digits >= "1950" && digits < "2050";
  const text = isShort ? digits.slice(2) : digits;
  return tagged(isShort ? 0x17 : 0x18, new TextEncoder().encode(text));
}

/** What stands under a number of its context; `primitive`: in place of the tag it would have. */
export function context(number: number, content: Der, primitive = false): Der {
  return tagged((primitive ? 0x80 : 0xa0) + number, content);
}

function tagged(tag: number, ...parts: readonly Uint8Array[]): Der {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  const head = [tag, ...lengthOf(size)];
  const bytes = new Uint8Array(head.length + size);
  bytes.set(head);
  let at = head.length;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function lengthOf(size: number): readonly number[] {
  if (size < 0x80) return [size];
  const bytes: number[] = [];
  for (let rest = size; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return [0x80 + bytes.length, ...bytes];
}

function base128(number: number): readonly number[] {
  const bytes = [number % 128];
  for (let rest = Math.floor(number / 128); rest > 0; rest = Math.floor(rest / 128)) {
    bytes.unshift(0x80 + (rest % 128));
  }
  return bytes;
}
