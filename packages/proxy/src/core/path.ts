/**
 * Paths as they are compared, so that `/admin` cannot be had as `/%61dmin`, `//admin` or `/x/../admin` past
 * the rules of `/admin` (RFC 3986, section 6.2.2; as nginx does). Parameters of a segment do not count (section
 * 3.3), since some apps leave them out before they look: to them `/x/..;/admin` and `/admin;y` are `/admin`, too.
 * The app still gets what the visitor sent, unless its prefix is rewritten.
 */

/** Path of a target, ready to be compared; most are as they came, and no copy is made of those. */
export function comparedPath(target: string): string {
  const query = target.indexOf("?");
  const path = query < 0 ? target : target.slice(0, query);
  return isPlain(path) ? path : normalPath(path);
}

/** `/shop` has `/shop/cart` below it, and not `/shopping`; empty has everything. */
export function isBelow(path: string, prefix: string): boolean {
  if (prefix === "") return true;
  if (!path.startsWith(prefix)) return false;
  return path.length === prefix.length || path.charCodeAt(prefix.length) === slash;
}

/**
 * What of a target is behind a prefix that its compared path is below: path (empty, or beginning with one
 * slash) and query (empty, or beginning with `?`).
 */
export function behindPrefix(target: string, prefix: string): { rest: string; query: string } {
  const at = target.indexOf("?");
  const path = at < 0 ? target : target.slice(0, at);
  const query = at < 0 ? "" : target.slice(at);
  // Cut from what was sent as long as that is sure to mean the same; else what was compared is written anew.
  const isSame = isBelow(path, prefix) && (isPlain(path) || !isTwisted(path));
  const rest = isSame ? path.slice(prefix.length) : encodePath(behindSegments(path, prefix));
  return { rest: rest.replace(/^\/+/, "/"), query };
}

/** A prefix as it is compared: without a slash at its end; empty for everything. */
export function prefixOf(path: string): string {
  return comparedPath(path).replace(/\/+$/, "");
}

const slash = 0x2f;
/** What could make a path mean another: escapes, empty and dot segments, backslashes, parameters. */
const notPlain = /%|\/\/|\/\.|\\|;/;

function isPlain(path: string): boolean {
  return !notPlain.test(path);
}

/** Whether its segments are others than they look. */
function isTwisted(path: string): boolean {
  return /\/\/|\/\.{1,2}(?:\/|$)|\/(?:\.|%2e){0,2}(?:;|%3b)|\\|%(?:2e|2f|5c)/i.test(path);
}

function normalPath(path: string): string {
  const { segments, isFolder } = normalSegments(path);
  const end = isFolder && segments.length > 0 ? "/" : "";
  return `/${segments.map(withoutParameters).join("/")}${end}`;
}

/** Parameters of what is behind the prefix are kept: they may be part of a name. */
function behindSegments(path: string, prefix: string): string {
  const { segments, isFolder } = normalSegments(path);
  const behind = segments.slice(prefix.split("/").length - 1);
  return `${behind.map((segment) => `/${segment}`).join("")}${isFolder ? "/" : ""}`;
}

/** Unescaped, with empty and dot segments done. */
function normalSegments(path: string): { segments: readonly string[]; isFolder: boolean } {
  const decoded = path.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  const kept: string[] = [];
  let last = "";
  for (const segment of decoded.replaceAll("\\", "/").split("/")) {
    last = withoutParameters(segment);
    if (last === "..") kept.pop();
    else if (last !== "" && last !== ".") kept.push(segment);
  }
  return { segments: kept, isFolder: last === "" || last === "." || last === ".." };
}

function withoutParameters(segment: string): string {
  const at = segment.indexOf(";");
  return at < 0 ? segment : segment.slice(0, at);
}

/** Everything but what RFC 3986 lets stand in a path; characters are bytes here. */
function encodePath(path: string): string {
  return path.replace(
    /[^A-Za-z0-9\-._~!$&'()*+,;=:@/]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}
