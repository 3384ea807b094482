/**
 * Headers on their way through: what belongs to one connection ends here, what tells the app about the
 * visitor is ours and not the visitor's to say. Names keep their case, repeated ones their order.
 */
import { valuesOf } from "./request-head.js";

/** Headers of one connection, not of the message (RFC 9110, section 7.6.1, and RFC 2616, 13.5.1). */
const hopByHop = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "transfer-encoding",
  "upgrade",
]);
/** Who sent a request, and how, is said by us; `expect` is answered by us. */
const ours = new Set([
  "expect",
  "forwarded",
  "host",
  "trailer",
  "via",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-forwarded-proto",
  "x-real-ip",
]);
/** What a Connection header may not take away: it would change whose and how long the message is. */
const kept = new Set(["content-length", "host"]);

/** Says which commit answered. */
export const commitHeader = "x-propagit-commit";

export interface ForwardedRequest {
  readonly rawHeaders: readonly string[];
  readonly host: string | undefined;
  readonly clientAddress: string;
  readonly httpVersion: string;
}

/** Headers for the app, names and values in turn; the connection's own are for the sender to add. */
export function requestHeaders(request: ForwardedRequest): string[] {
  const { rawHeaders, host = "" } = request;
  const dropped = connectionNames(rawHeaders);
  const headers = ["Host", host];
  copy(rawHeaders, headers, (name) => !ours.has(name) && !hopByHop.has(name) && !dropped.has(name));
  // Trailers of an answer pass through, so an app may be told that they are welcome.
  if (valuesOf(rawHeaders, "te").some((value) => /\btrailers\b/i.test(value))) {
    headers.push("TE", "trailers");
  }
  headers.push("X-Forwarded-For", request.clientAddress);
  headers.push("X-Forwarded-Proto", "http", "X-Forwarded-Host", host);
  const via = [...valuesOf(rawHeaders, "via"), `${request.httpVersion} propagit`];
  headers.push("Via", via.join(", "));
  return headers;
}

export interface RelayedAnswer {
  readonly rawHeaders: readonly string[];
  readonly commit: string;
  /** A Set-Cookie value of ours. */
  readonly cookie?: string;
  /** Whether trailers can follow: only behind a body in chunks. */
  readonly takesTrailers: boolean;
}

/** Headers for the visitor. */
export function answerHeaders(answer: RelayedAnswer): string[] {
  const dropped = connectionNames(answer.rawHeaders);
  const headers: string[] = [];
  copy(answer.rawHeaders, headers, (name) => {
    if (name === "trailer") return answer.takesTrailers;
    return name !== commitHeader && !hopByHop.has(name) && !dropped.has(name);
  });
  headers.push(commitHeader, answer.commit);
  if (answer.cookie !== undefined) headers.push("Set-Cookie", answer.cookie);
  return headers;
}

/** Names that the Connection header takes with it. */
function connectionNames(rawHeaders: readonly string[]): ReadonlySet<string> {
  const values = valuesOf(rawHeaders, "connection");
  const names = values.flatMap((value) => value.split(",")).map((name) => name.trim());
  return new Set(names.map((name) => name.toLowerCase()).filter((name) => !kept.has(name)));
}

function copy(
  from: readonly string[],
  to: string[],
  isWanted: (lowerCaseName: string) => boolean,
): void {
  for (let index = 0; index < from.length; index += 2) {
    const name = from[index] ?? "";
    if (isWanted(name.toLowerCase())) to.push(name, from[index + 1] ?? "");
  }
}
