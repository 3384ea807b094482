/**
 * HTTP/1 messages by seed: sound ones, and such that were changed in a place or three as attackers change them. The same
 * seed makes the same messages.
 */

export type Random = () => number;

/** mulberry32: small, fast, good enough to choose with. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b_79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function oneOf<T>(random: Random, values: readonly T[]): T {
  return values[Math.floor(random() * values.length)] as T;
}

const names = [
  "Accept",
  "Cookie",
  "X-A",
  "x-b_c",
  "User-Agent",
  "Referer",
  "If-None-Match",
  "TE",
  "Via",
];
const values = [
  "",
  "a",
  "*/*",
  "a=b; c=d",
  "\tx y\t",
  '"q,\\"r"',
  "\xe4\xf6",
  "trailers",
  "a:b",
  "1.1 x",
];
const methods = [
  "GET",
  "POST",
  "PUT",
  "HEAD",
  "DELETE",
  "OPTIONS",
  "PATCH",
  "PROPFIND",
  "M-SEARCH",
];
const targets = [
  "/",
  "/a/b?c=d",
  "/%20?x=%00",
  "/a;b=c|d{e}",
  "http://a.example/x",
  "/?a\\b",
  "//x//",
];
const connections = ["keep-alive", "close", "upgrade", "X-A", "te, keep-alive", ""];
const reasons = [" OK", " ", "", " Not  Found", " \xe4"];
const statuses = [200, 200, 200, 201, 204, 206, 301, 304, 404, 500, 502];

/** What attackers put somewhere. */
const snippets = [
  ..."\r\n\0 \t\v\f\x7f\x80\xff:;,+-_\"'#\\?/.0aAfFxX".split(""),
  "\r\n",
  "\r\n\r\n",
  "\r\n ",
  "\n",
  "\r",
  " :",
  "0x",
  "Content-Length: 3\r\n",
  "Content-Length: 0\r\n",
  "Content-Length: +3\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Transfer-Encoding: gzip, chunked\r\n",
  "Transfer-Encoding: identity\r\n",
  "Transfer-Encoding:chunked\n",
  "transfer_encoding: chunked\r\n",
  "Host: b\r\n",
  "Connection: close\r\n",
  "Connection: keep-alive\r\n",
  "Upgrade: websocket\r\nConnection: upgrade\r\n",
  "Expect: 100-continue\r\n",
  "0\r\n\r\n",
  "5;a=b\r\n",
  "GET /inner HTTP/1.1\r\nHost: a.example\r\n\r\n",
  "HTTP/1.0",
  "HTTP/1.1 200 OK\r\n\r\n",
];

interface Framed {
  readonly fields: readonly string[];
  readonly body: string;
}

/** A body and what frames it. */
function framedBody(random: Random): Framed {
  const data = "hello, GET / HTTP/1.1\r\n\r\n".slice(0, Math.floor(random() * 25));
  const kind = random();
  if (kind < 0.4) return { fields: [], body: "" };
  if (kind < 0.7) return { fields: [`Content-Length: ${data.length}`], body: data };
  return { fields: ["Transfer-Encoding: chunked"], body: chunkedOf(random, data) };
}

function chunkedOf(random: Random, data: string): string {
  let body = "";
  for (let at = 0; at < data.length;) {
    const size = 1 + Math.floor(random() * 9);
    const chunk = data.slice(at, at + size);
    const hex = chunk.length.toString(16).padStart(random() < 0.1 ? 3 : 1, "0");
    const extension = random() < 0.1 ? oneOf(random, [";a", ";a=b", ';a="b;c"']) : "";
    body += `${random() < 0.3 ? hex.toUpperCase() : hex}${extension}\r\n${chunk}\r\n`;
    at += chunk.length;
  }
  const trailers = random() < 0.2 ? "X-Sum: 1\r\n" : "";
  return `${body}0\r\n${trailers}\r\n`;
}

function otherFields(random: Random): string[] {
  return Array.from(
    { length: Math.floor(random() * 5) },
    () => `${oneOf(random, names)}:${oneOf(random, ["", " ", "  "])}${oneOf(random, values)}`,
  );
}

function shuffled<T>(random: Random, items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

function messageOf(random: Random, line: string, fields: readonly string[], body: string): string {
  const connection = random() < 0.2 ? [`Connection: ${oneOf(random, connections)}`] : [];
  const all = shuffled(random, [...fields, ...otherFields(random), ...connection]);
  return [line, ...all, "", body].join("\r\n");
}

/** A sound request. */
export function makeRequest(random: Random): string {
  const { fields, body } = framedBody(random);
  const version = random() < 0.05 ? "HTTP/1.0" : "HTTP/1.1";
  const line = `${oneOf(random, methods)} ${oneOf(random, targets)} ${version}`;
  return messageOf(random, line, ["Host: a.example", ...fields], body);
}

/** A sound answer to GET; one without a length is followed by its body. */
export function makeAnswer(random: Random): string {
  const { fields, body } = framedBody(random);
  const status = oneOf(random, statuses);
  const interim = random() < 0.1 ? "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" : "";
  const hasBody = status !== 204 && status !== 304;
  const line = `HTTP/1.${random() < 0.1 ? 0 : 1} ${status}${oneOf(random, reasons)}`;
  return interim + messageOf(random, line, hasBody ? fields : [], hasBody ? body : "");
}

/** The same, changed in a place or three. */
export function mutate(random: Random, text: string): string {
  let mutated = text;
  const count = 1 + Math.floor(random() * 3);
  for (let change = 0; change < count; change++) mutated = mutateOnce(random, mutated);
  return mutated;
}

function mutateOnce(random: Random, text: string): string {
  const at = Math.floor(random() * (text.length + 1));
  const kind = random();
  if (kind < 0.35) return text.slice(0, at) + oneOf(random, snippets) + text.slice(at);
  if (kind < 0.55) return text.slice(0, at) + text.slice(at + 1);
  if (kind < 0.75) return text.slice(0, at) + oneOf(random, snippets) + text.slice(at + 1);
  return mutateLines(random, text, kind);
}

function mutateLines(random: Random, text: string, kind: number): string {
  const lines = text.split("\r\n");
  const at = Math.floor(random() * lines.length);
  const line = lines[at] ?? "";
  // Where attackers look first: at the start of a line.
  if (kind < 0.9) lines.splice(at, 1, oneOf(random, snippets) + line);
  else if (kind < 0.95) lines.splice(at, 0, line);
  else lines.splice(at, 1, line.toUpperCase());
  return lines.join("\r\n");
}
