/** Last words to somebody with whom no TLS comes about. */
import type { Socket } from "node:net";

/** RFC 8446, section 6.2. */
const alerts = { decode_error: 50, internal_error: 80, unrecognized_name: 112 } as const;

/** So long the other side may take to hear it before it is cut. */
const lingerMs = 2_000;

/** A fatal alert in a record of its own, in clear as all before a handshake. */
export function sendAlert(raw: Socket, alert: keyof typeof alerts): void {
  linger(raw, Buffer.from([21, 3, 1, 0, 2, 2, alerts[alert]]));
}

export function answerPlainHttp(raw: Socket): void {
  const body = "BAD_REQUEST: this port speaks TLS, and the request came without; write https://\n";
  const head = [
    "HTTP/1.1 400 Bad Request",
    "Content-Type: text/plain; charset=utf-8",
    `Content-Length: ${body.length}`,
    "Connection: close",
  ];
  linger(raw, Buffer.from(`${head.join("\r\n")}\r\n\r\n${body}`, "latin1"));
}

/** What still comes is thrown away: a socket that is closed with bytes unread resets, and takes its words back. */
function linger(raw: Socket, words: Buffer): void {
  raw.end(words);
  raw.resume();
  const timer = setTimeout(() => raw.destroy(), lingerMs);
  timer.unref();
  raw.once("end", () => raw.destroySoon());
  raw.once("close", () => clearTimeout(timer));
}
