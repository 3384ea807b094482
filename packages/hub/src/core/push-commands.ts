/**
 * What a push asks for: the first lines of its body, read as they stream by.
 *
 *     <4 hex: length> <old> <new> <ref> NUL <capabilities>
 *     <4 hex: length> <old> <new> <ref>            … then "0000", then the pack
 */

/** One ref that somebody wants to have moved. */
export interface PushCommand {
  readonly ref: string;
  /** Undefined: the ref is new. */
  readonly oldId: string | undefined;
  /** Undefined: the ref is to go. */
  readonly newId: string | undefined;
}

export type PushHead =
  | { readonly kind: "reading"; readonly rest: Buffer; readonly commands: readonly PushCommand[] }
  /** All commands; empty when the body is none that we understand, which git then judges. */
  | { readonly kind: "read"; readonly commands: readonly PushCommand[] };

/** Most bytes looked at: 20,000 refs. Of a longer push no refs are told; git itself takes it. */
const headBytesMax = 4 * 1024 * 1024;

export const startPushHead: PushHead = { kind: "reading", rest: Buffer.alloc(0), commands: [] };

export function readPushHead(head: PushHead, chunk: Buffer): PushHead {
  if (head.kind === "read") return head;
  const bytes = head.rest.length === 0 ? chunk : Buffer.concat([head.rest, chunk]);
  const commands = [...head.commands];
  let at = 0;
  while (at + 4 <= bytes.length) {
    const length = lineLength(bytes, at);
    if (length === 0) return { kind: "read", commands };
    if (length === undefined) return { kind: "read", commands: [] };
    if (at + length > bytes.length) break;
    const command = parseCommand(bytes.toString("utf8", at + 4, at + length));
    if (command) commands.push(command);
    at += length;
  }
  const rest = bytes.subarray(at);
  if (commands.length * 200 + rest.length > headBytesMax) return { kind: "read", commands: [] };
  return { kind: "reading", rest, commands };
}

/** Length of the line at `at` with its own four bytes, 0 for the end, undefined for garbage. */
function lineLength(bytes: Buffer, at: number): number | undefined {
  const digits = bytes.toString("latin1", at, at + 4);
  if (!/^[0-9a-fA-F]{4}$/.test(digits)) return undefined;
  const length = Number.parseInt(digits, 16);
  return length === 0 || length > 4 ? length : undefined;
}

function parseCommand(line: string): PushCommand | undefined {
  const [words = ""] = line.split("\0", 1);
  const match = /^([0-9a-f]{40,64}) ([0-9a-f]{40,64}) (refs\/[^\s~^:?*[\\]{1,1000})\n?$/.exec(
    words,
  );
  if (!match) return undefined;
  const [, oldId = "", newId = "", ref = ""] = match;
  return { ref, oldId: idOrNone(oldId), newId: idOrNone(newId) };
}

function idOrNone(id: string): string | undefined {
  return /^0+$/.test(id) ? undefined : id;
}
