/** W3C trace context, level 1: `00-<trace, 32 hex>-<parent, 16 hex>-<flags, 2 hex>`. */

const pattern =
  /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-([\da-f]{2})(?:-.*)?$/;

export interface TraceParent {
  readonly traceId: string;
  readonly flags: string;
}

/** Undefined when it is none: a trace starts anew then. */
export function parseTraceParent(text: string): TraceParent | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  // Version 00 has nothing behind its flags.
  if (text.startsWith("00") && text.length !== 55) return undefined;
  const [, traceId = "", flags = ""] = match;
  return { traceId, flags };
}

/** A parent for what comes next. Only the flags that version 00 knows go on. */
export function traceParentText({ traceId, flags }: TraceParent, spanId: string): string {
  const known = Number.parseInt(flags, 16) & 0x03;
  return `00-${traceId}-${spanId}-0${known}`;
}
