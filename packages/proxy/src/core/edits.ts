/** Header changes as lines that are ready to be written, made once for many requests. */
import { compileEdits, wrongField, type Edits } from "@propagit/http";
import type { HeaderEdits } from "@propagit/protocol";

/** Says which commit answered; in a request, which one is wished for (see pin.ts). */
export const commitHeader = "x-propagit-commit";
export const pinHeader = "x-propagit-pin";
export const variantHeader = "x-propagit-variant";
/** The commit of an instance that calls; in an answer: it is not there any more. */
export const callerHeader = "x-propagit-caller-commit";

/**
 * Said by us to apps, or by visitors to us: as a visitor sent it, it goes no further. `Proxy` neither: to apps
 * that see headers as variables it is HTTP_PROXY, where their own requests go (CVE-2016-5385).
 */
export const neverFromVisitors: readonly string[] = [
  variantHeader,
  pinHeader,
  commitHeader,
  callerHeader,
  "proxy",
];

/**
 * How a message is framed and where it goes is not a matter of rules: what says so is left out here, and
 * refused where rules are made.
 *
 * @param also names that are left out in any case, lower-case
 */
export function compileHeaderEdits(
  edits: HeaderEdits | undefined,
  also: readonly string[] = [],
): Edits {
  const set = Object.entries(edits?.set ?? {}).filter(([name, value]) => !wrongField(name, value));
  const remove = (edits?.remove ?? []).filter((name) => !wrongField(name, ""));
  return compileEdits({ set: Object.fromEntries(set), remove: [...remove, ...also] });
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
