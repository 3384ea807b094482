/** One HTTP request passed on to the hub, and its answer back, as they come; what breaks off breaks off both. */
import { request as startRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { pipeline } from "node:stream";
import { formatAddress, toPropagitError, type Address } from "@propagit/protocol";
import { connectMsMax } from "@propagit/runtime";

/** Headers that are about one connection and not about the message (RFC 9110, 7.6.1), and `expect`: it was answered. */
const connectionHeaders = [
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "expect",
];

export function forward(
  address: Address,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { method = "GET", url = "/" } = request;
  const onward = startRequest({
    ...address,
    method,
    path: url,
    headers: [...passedOn(request.rawHeaders), ...framingOf(request)],
    // A pool would hand out connections of a hub that restarted meanwhile; few requests come this way.
    agent: false,
  });
  const limit = setTimeout(() => onward.destroy(new Error("no answer in time")), connectMsMax);
  onward.once("socket", (socket) => socket.once("connect", () => clearTimeout(limit)));
  onward.once("response", (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage, passedOn(answer.rawHeaders));
    // Lines of a push's progress are to be seen when they come, also the first.
    response.flushHeaders();
    pipeline(answer, response, () => onward.destroy());
  });
  onward.once("error", (error) => {
    clearTimeout(limit);
    if (response.headersSent) response.destroy();
    else refuse(request, response, 502, `${unreached(address, error)}\ntry again`);
  });
  response.once("close", () => onward.destroy());
  pipeline(request, onward, () => undefined);
}

/** Text for people, at the end of which the connection is closed: what is still coming is not read. */
export function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  text: string,
): void {
  request.resume();
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8", connection: "close" });
  response.end(`${text}\n`);
}

function unreached(address: Address, error: Error): string {
  const where = `the hub at ${formatAddress(address)}`;
  return `this relay could not reach ${where}: ${toPropagitError(error).message}`;
}

/** Said again for a body without a length, of any method: what follows it must not be read as another request. */
function framingOf({ headers }: IncomingMessage): string[] {
  return headers["transfer-encoding"] === undefined ? [] : ["transfer-encoding", "chunked"];
}

/** Headers as they came, in their order and spelling, without those of the connection. */
function passedOn(rawHeaders: readonly string[]): string[] {
  const pairs = rawHeaders.flatMap((name, at) =>
    at % 2 === 0 ? [{ name, value: rawHeaders[at + 1] ?? "" }] : [],
  );
  const named = pairs
    .filter(({ name }) => name.toLowerCase() === "connection")
    .flatMap(({ value }) => value.split(",").map((word) => word.trim().toLowerCase()));
  const dropped = new Set([...connectionHeaders, ...named]);
  // Whoever names it there wants a body without an end.
  dropped.delete("content-length");
  return pairs
    .filter(({ name }) => !dropped.has(name.toLowerCase()))
    .flatMap(({ name, value }) => [name, value]);
}
