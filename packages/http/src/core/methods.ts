/** Methods that a proxy must know: by their number in what is parsed, by their name in what is decided. */

/** 0 is any other. */
export const methodIds = {
  GET: 1,
  HEAD: 2,
  POST: 3,
  PUT: 4,
  DELETE: 5,
  OPTIONS: 6,
  TRACE: 7,
  CONNECT: 8,
  PATCH: 9,
} as const;

const names = Object.keys(methodIds) as (keyof typeof methodIds)[];
const bytesOf = names.map((name) => Buffer.from(name, "latin1"));

/** May be sent again when nobody knows whether it arrived (RFC 9110, 9.2.2; WebDAV: RFC 4918, 3253, 5323, 3744). */
const idempotent: ReadonlySet<string> = new Set(
  "GET HEAD OPTIONS TRACE PUT DELETE PROPFIND PROPPATCH REPORT SEARCH MKCOL COPY MOVE UNLOCK".split(
    " ",
  ),
);

/** @param method as sent: methods have a case. */
export function isIdempotent(method: string): boolean {
  return idempotent.has(method);
}

/** No two of them have the same first letter and length. */
const slots = new Uint8Array(256);
for (const [index, name] of names.entries())
  slots[slotOf(name.charCodeAt(0), name.length)] = index + 1;

/** The number of the method at these bytes. */
export function identifyMethod(bytes: Buffer, start: number, end: number): number {
  const id = slots[slotOf(bytes[start] as number, end - start)] as number;
  if (id === 0) return 0;
  const name = bytesOf[id - 1] as Buffer;
  return name.length === end - start && isName(bytes, start, name) ? id : 0;
}

function slotOf(first: number, length: number): number {
  return ((first & 31) << 3) | (length & 7);
}

/** The name of a number; undefined for 0. */
export function methodName(id: number): string | undefined {
  return names[id - 1];
}

export function methodIdOf(method: string): number {
  return (methodIds as Readonly<Record<string, number>>)[method] ?? 0;
}

function isName(bytes: Buffer, start: number, name: Buffer): boolean {
  for (let index = 0; index < name.length; index++) {
    if (bytes[start + index] !== name[index]) return false;
  }
  return true;
}
