/** Pieces of an answer, as Node's own HTTP wants them written. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { valuesOf } from "../core/request-head.js";

/** Bodies never follow these (RFC 9110, sections 15.3.5 and 15.4.5). */
const bodyless = new Set([204, 304]);

/** Passes 102 and 103 on; what a server may not send by itself is left out. */
export function relayHints(
  response: ServerResponse,
  status: number,
  rawHeaders: readonly string[],
): void {
  if (status === 102) response.writeProcessing();
  if (status !== 103) return;
  try {
    response.writeEarlyHints({ link: [...valuesOf(rawHeaders, "link")] });
  } catch {
    // Hints are only hints: a malformed one costs the visitor nothing.
  }
}

/** Trailers need a body in chunks to stand behind. */
export function takesTrailers(
  request: IncomingMessage,
  status: number,
  rawHeaders: readonly string[],
): boolean {
  const hasBody = request.method !== "HEAD" && !bodyless.has(status);
  const isChunked = valuesOf(rawHeaders, "content-length").length === 0;
  return hasBody && isChunked && request.httpVersion === "1.1";
}

export function addTrailers(response: ServerResponse, rawTrailers: readonly string[]): void {
  const pairs: [string, string][] = [];
  for (let index = 0; index < rawTrailers.length; index += 2) {
    pairs.push([rawTrailers[index] ?? "", rawTrailers[index + 1] ?? ""]);
  }
  try {
    response.addTrailers(pairs);
  } catch {
    // The body is out already and right; a malformed trailer is left out.
  }
}

/** Node's default when the app's own has characters that cannot be sent. */
export function toStatusText(text: string): string | undefined {
  return /^[\t\x20-\x7e]+$/.test(text) ? text : undefined;
}

/** The head of a 101, as it goes over the visitor's connection. */
export function switchProtocols(protocol: string, headers: readonly string[]): string {
  const lines = ["HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", `Upgrade: ${protocol}`];
  for (let index = 0; index < headers.length; index += 2) {
    lines.push(`${headers[index]}: ${headers[index + 1]}`);
  }
  return `${lines.join("\r\n")}\r\n\r\n`;
}
