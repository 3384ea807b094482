/**
 * What the client of a push can do, in the first line of its body, read as it streams by:
 *
 *     <4 hex: length> <old> <new> <ref> NUL <capabilities>
 */

/** Undefined while the first line is not complete. */
export interface PushHead {
  readonly rest: Buffer;
  readonly capabilities: ReadonlySet<string> | undefined;
}

/** The longest line of git's protocol; what is longer is no push, which git itself will say. */
const lineBytesMax = 65_520;

export const startPushHead: PushHead = { rest: Buffer.alloc(0), capabilities: undefined };

export function readPushHead({ rest, capabilities }: PushHead, chunk: Buffer): PushHead {
  if (capabilities) return { rest, capabilities };
  const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
  if (bytes.length < 4) return { rest: bytes, capabilities };
  const length = lineLength(bytes);
  if (bytes.length < length) return { rest: bytes, capabilities };
  const [, words = ""] = bytes.toString("latin1", 4, Math.max(4, length)).split("\0", 2);
  return { rest: Buffer.alloc(0), capabilities: new Set(words.trim().split(" ")) };
}

/** 0 for the end of the list and for garbage: nothing more is looked at. */
function lineLength(bytes: Buffer): number {
  const digits = bytes.toString("latin1", 0, 4);
  if (!/^[0-9a-fA-F]{4}$/.test(digits)) return 0;
  const length = Number.parseInt(digits, 16);
  return length > lineBytesMax ? 0 : length;
}
