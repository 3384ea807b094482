/**
 * Fields of HTTP/2 as a head of HTTP/1.1, and the other way: a stream is then read, checked and rewritten as every other
 * request.
 *
 *     :method GET  :path /x  :authority a      GET /x HTTP/1.1␍␊host: a␍␊
 *     cookie: a=b  cookie: c=d                 cookie: a=b; c=d␍␊
 *     DATA to come, no content-length          transfer-encoding: chunked␍␊
 */
import { isToken, valueBytes } from "./characters.js";
import { identifyText, known } from "./known-names.js";

export type HeadText = { readonly text: string } | { readonly refused: string };

/** What belongs to a connection of HTTP/1 has no place in a stream (RFC 9113, 8.2.2). */
const connectionFields: ReadonlySet<number> = new Set([
  known.connection,
  known["keep-alive"],
  known["proxy-connection"],
  known["transfer-encoding"],
  known.upgrade,
  known["http2-settings"],
]);

/** @param fields names and values in turn, pseudo-fields among them. @param hasBody whether DATA follows */
export function http1HeadOf(fields: readonly string[], hasBody: boolean): HeadText {
  const pseudo = new Map<string, string>();
  const cookies: string[] = [];
  let host: string | undefined;
  let lines = "";
  let hasLength = false;
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const name = fields[at] as string;
    const value = fields[at + 1] as string;
    const wrong = wrongIn(name, value, pseudo);
    if (wrong !== undefined) return { refused: wrong };
    if (name.startsWith(":")) pseudo.set(name, value);
    else if (name === "cookie") cookies.push(value);
    else if (name === "host" && host !== undefined) return { refused: "Host twice" };
    else if (name === "host") host = value;
    else lines += `${name}: ${value}\r\n`;
    hasLength ||= name === "content-length";
  }
  if (cookies.length > 0) lines += `cookie: ${cookies.join("; ")}\r\n`;
  if (hasBody && !hasLength) lines += "transfer-encoding: chunked\r\n";
  return withStart(pseudo, host, lines);
}

/** Nothing may pass that would be a line of its own, or an end, in HTTP/1. */
function wrongIn(
  name: string,
  value: string,
  pseudo: ReadonlyMap<string, string>,
): string | undefined {
  for (let at = 0; at < value.length; at++) {
    if (valueBytes[value.charCodeAt(at)] !== 1) return "a control character in a header value";
  }
  if (name.startsWith(":")) return pseudo.has(name) ? `${name} twice` : undefined;
  if (!isToken(name)) return "a header name that is no token";
  return connectionFields.has(identifyText(name)) ? `${name} in a stream of HTTP/2` : undefined;
}

function withStart(
  pseudo: ReadonlyMap<string, string>,
  host: string | undefined,
  lines: string,
): HeadText {
  const method = pseudo.get(":method") ?? "";
  const path = pseudo.get(":path") ?? "";
  const authority = pseudo.get(":authority");
  if (authority !== undefined && host !== undefined && !isSame(authority, host)) {
    return { refused: "a target of another host than Host" };
  }
  if (pseudo.has(":protocol")) return { refused: "a protocol within a stream" };
  // CONNECT has none; the parser says what is to be said about it.
  const target = method === "CONNECT" ? "/" : path;
  if (!target.startsWith("/") && target !== "*") return { refused: "a :path that is no path" };
  return {
    text: `${method} ${target} HTTP/1.1\r\nhost: ${authority ?? host ?? ""}\r\n${lines}\r\n`,
  };
}

function isSame(left: string, right: string): boolean {
  return left.toLowerCase() === right.toLowerCase();
}

/** Names in lower case; several of one name as one, but Set-Cookie, which is always a list. */
export type Http2Fields = Record<string, string | string[]>;

/** The fields of a head of HTTP/1 that has been made ready to go on: nothing of its connection is in it. */
export function http2FieldsOf(headText: string): Http2Fields {
  // A name may be anything, also one that every object has.
  const fields = Object.create(null) as Http2Fields;
  for (const line of headText.split("\r\n").slice(1)) {
    const colon = line.indexOf(":");
    if (colon > 0) addField(fields, line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return fields;
}

export function addField(fields: Http2Fields, name: string, value: string): void {
  const lowerName = name.toLowerCase();
  const before = fields[lowerName];
  if (lowerName === "set-cookie") fields[lowerName] = [...((before as string[]) ?? []), value];
  else fields[lowerName] = before === undefined ? value : `${before as string}, ${value}`;
}
