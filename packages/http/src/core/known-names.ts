/**
 * The field names that mean something to a proxy, told apart without strings: length, first, last and a byte at three
 * quarters pick the one name that it can be, and the bytes are then compared with it.
 *
 * Names with `_` for `-` are found, too: what stands behind CGI cannot tell them apart.
 */
import { nameFold, tokenFold } from "./characters.js";

/** Numbers of known names; 0 is any other. */
export const known = {
  host: 1,
  connection: 2,
  "content-length": 3,
  "transfer-encoding": 4,
  upgrade: 5,
  expect: 6,
  "keep-alive": 7,
  "proxy-connection": 8,
  "proxy-authenticate": 9,
  "proxy-authorization": 10,
  te: 11,
  trailer: 12,
  "http2-settings": 13,
  forwarded: 14,
  via: 15,
  "x-forwarded-for": 16,
  "x-forwarded-host": 17,
  "x-forwarded-port": 18,
  "x-forwarded-proto": 19,
  /** Any other `x-forwarded-…`. */
  "x-forwarded-*": 20,
  "x-real-ip": 21,
  "x-request-id": 22,
  traceparent: 23,
  tracestate: 24,
  cookie: 25,
  "set-cookie": 26,
  "user-agent": 27,
  accept: 28,
  authorization: 29,
  date: 30,
  "content-type": 31,
  "sec-websocket-key": 32,
  "proxy-authentication-info": 33,
} as const;

export type KnownName = keyof typeof known;

const names = Object.keys(known) as KnownName[];
/** Lower-case bytes of each known name, by number. */
const bytesOf: readonly Buffer[] = [
  Buffer.alloc(0),
  ...names.map((name) => Buffer.from(name, "latin1")),
];
const forwardedPrefix = Buffer.from("x-forwarded-", "latin1");
const slotMask = 255;
const { slots, factor } = perfectSlots();

/** Added to the number of a name that is written with `_` for `-`: another name, but not to everybody. */
export const lookalike = 64;

/** The number of the name at these bytes, `lookalike` added where it only resembles it; 0 when it is none of ours. */
export function identify(bytes: Buffer, start: number, end: number): number {
  const length = end - start;
  const id = slots[slotOf(bytes, start, length, factor)] as number;
  if (id !== 0) {
    const name = bytesOf[id] as Buffer;
    if (name.length === length) {
      if (startsWith(bytes, start, name, tokenFold)) return id;
      if (startsWith(bytes, start, name, nameFold)) return id + lookalike;
    }
  }
  const isForwarded = length > 12 && startsWith(bytes, start, forwardedPrefix, nameFold);
  return isForwarded ? known["x-forwarded-*"] : 0;
}

/** The number of a lower-case name. */
export function identifyText(lowerName: string): number {
  return (known as Readonly<Record<string, number>>)[lowerName] ?? 0;
}

function slotOf(bytes: Buffer, start: number, length: number, factor: number): number {
  const first = nameFold[bytes[start] as number] as number;
  const middle = nameFold[bytes[start + ((length * 3) >> 2)] as number] as number;
  const last = nameFold[bytes[start + length - 1] as number] as number;
  const mixed = Math.imul(length + (first << 6) + (middle << 12) + (last << 18), factor);
  return (mixed >>> 20) & slotMask;
}

function startsWith(bytes: Buffer, start: number, name: Buffer, fold: Uint8Array): boolean {
  for (let index = 0; index < name.length; index++) {
    if (fold[bytes[start + index] as number] !== name[index]) return false;
  }
  return true;
}

/** A factor with which every name has a slot of its own, found once at start: a few dozen tries. */
function perfectSlots(): { readonly slots: Uint8Array; readonly factor: number } {
  for (let factor = 0x9e37_79b1; factor < 0xffff_ffff; factor += 2) {
    const slots = new Uint8Array(slotMask + 1);
    const isPerfect = bytesOf.every((name, id) => {
      if (id === 0) return true;
      const slot = slotOf(name, 0, name.length, factor);
      const isFree = slots[slot] === 0;
      slots[slot] = id;
      return isFree;
    });
    if (isPerfect) return { slots, factor };
  }
  throw new RangeError("two known names look alike: let slotOf read another byte");
}
