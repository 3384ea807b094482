/** Header changes as lines that are ready to be written, made once for many requests. */
import type { Edits } from "@propagit/http";
import type { HeaderEdits } from "@propagit/protocol";

/** Says which commit answered; in a request, which one is wished for (see pin.ts). */
export const commitHeader = "x-propagit-commit";
export const pinHeader = "x-propagit-pin";
export const variantHeader = "x-propagit-variant";
/** The commit of an instance that calls; in an answer: it is not there any more. */
export const callerHeader = "x-propagit-caller-commit";

/** How a message is framed and connected is not a matter of rules. */
const untouchable: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "host",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** @param also names that are left out in any case, lower-case */
export function compileHeaderEdits(
  edits: HeaderEdits | undefined,
  also: readonly string[] = [],
): Edits {
  const set = Object.entries(edits?.set ?? {}).filter(([name]) => isTouchable(name));
  const removed = (edits?.remove ?? []).filter(isTouchable);
  const names = [...set.map(([name]) => name), ...removed, ...also];
  return {
    lines: set.map(([name, value]) => line(name, value)).join(""),
    dropped: new Set(names.map((name) => name.toLowerCase())),
  };
}

/** The same with more lines. */
export function withLines(edits: Edits, lines: string): Edits {
  return lines === "" ? edits : { lines: edits.lines + lines, dropped: edits.dropped };
}

export function line(name: string, value: string): string {
  return `${name}: ${value}\r\n`;
}

/** What a rule says that the app's host is called. */
export function hostEdit(edits: HeaderEdits | undefined): string | undefined {
  return Object.entries(edits?.set ?? {}).find(([name]) => name.toLowerCase() === "host")?.[1];
}

function isTouchable(name: string): boolean {
  return !untouchable.has(name.toLowerCase());
}
