/** Cookies as visitors send them (RFC 6265, section 5.4). */

/** Value of the first cookie of that name; quotes around it do not belong to it. */
export function readCookie(header: string | undefined, name: string): string | undefined {
  if (header === undefined) return undefined;
  // By search, not by splitting: a visitor's other cookies are of no interest and may be many.
  for (let at = header.indexOf(name); at >= 0; at = header.indexOf(name, at + 1)) {
    const after = at + name.length;
    if (header.charCodeAt(after) !== equals || !isPairStart(header, at)) continue;
    const end = header.indexOf(";", after);
    const value = header.slice(after + 1, end < 0 ? undefined : end).trim();
    return value.length > 1 && value.startsWith('"') && value.endsWith('"')
      ? value.slice(1, -1)
      : value;
  }
  return undefined;
}

const equals = 0x3d;

function isPairStart(header: string, at: number): boolean {
  let before = at - 1;
  while (before >= 0 && (header[before] === " " || header[before] === "\t")) before -= 1;
  return before < 0 || header[before] === ";";
}
