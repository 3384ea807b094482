/**
 * What the head of a request says, strictly: two readings of one request are how requests are smuggled
 * past a proxy, so whatever could be read in two ways is refused (RFC 9112, sections 3 and 6).
 */
export interface RequestHead {
  readonly method: string;
  /** The request target as sent. */
  readonly target: string;
  readonly httpVersion: string;
  /** Names and values in turn, as sent. */
  readonly rawHeaders: readonly string[];
}

export type CheckedHead =
  | {
      readonly ok: true;
      readonly host: string | undefined;
      /** Path and query, as they are forwarded. */
      readonly path: string;
      readonly cookie: string | undefined;
      readonly hasBody: boolean;
    }
  | { readonly ok: false; readonly reason: string };

const absoluteTarget = /^https?:\/\/([^/?#@]+)(\/[^#]*|\?[^#]*)?$/i;
/** Everything but controls, space and what is not one byte. */
const pathPattern = /^\/[\x21-\xff]*$/;

export function checkHead(head: RequestHead): CheckedHead {
  const hosts = valuesOf(head.rawHeaders, "host");
  if (hosts.length > 1) return wrong("it has more than one Host");
  const framing = checkFraming(head);
  if (!framing.ok) return framing;
  const target = readTarget(head.target);
  if (!target) return wrong("its target is not a path");
  const cookies = valuesOf(head.rawHeaders, "cookie");
  return {
    ok: true,
    host: target.host ?? hosts[0],
    path: target.path,
    cookie: cookies.length > 0 ? cookies.join("; ") : undefined,
    hasBody: framing.hasBody,
  };
}

/** Values of all headers of that (lower-case) name. */
export function valuesOf(rawHeaders: readonly string[], name: string): readonly string[] {
  const values: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const key = rawHeaders[index] ?? "";
    if (key.length === name.length && key.toLowerCase() === name) {
      values.push(rawHeaders[index + 1] ?? "");
    }
  }
  return values;
}

type Framing = { readonly ok: true; readonly hasBody: boolean } | (CheckedHead & { ok: false });

function checkFraming({ rawHeaders, httpVersion }: RequestHead): Framing {
  const lengths = valuesOf(rawHeaders, "content-length");
  const codings = valuesOf(rawHeaders, "transfer-encoding");
  const [length] = lengths;
  const [coding] = codings;
  if (coding === undefined) {
    if (length === undefined) return { ok: true, hasBody: false };
    const isOne = lengths.length === 1 && /^\d{1,15}$/.test(length);
    return isOne ? { ok: true, hasBody: Number(length) > 0 } : wrong("its Content-Length is wrong");
  }
  if (length !== undefined) return wrong("it has both Content-Length and Transfer-Encoding");
  if (httpVersion !== "1.1") return wrong("Transfer-Encoding is not of HTTP/1.0");
  const isChunked = codings.length === 1 && coding.toLowerCase() === "chunked";
  return isChunked ? { ok: true, hasBody: true } : wrong("its Transfer-Encoding is not chunked");
}

/** A target with a host in it counts more than the Host header (RFC 9112, section 3.2.2). */
function readTarget(target: string): { host?: string; path: string } | undefined {
  if (pathPattern.test(target)) return { path: target };
  const match = absoluteTarget.exec(target);
  const [, host, rest = "/"] = match ?? [];
  if (host === undefined) return undefined;
  const path = rest.startsWith("/") ? rest : `/${rest}`;
  return pathPattern.test(path) ? { host, path } : undefined;
}

function wrong(reason: string): { readonly ok: false; readonly reason: string } {
  return { ok: false, reason };
}
