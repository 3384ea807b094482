/** Requests of visitors. */
import { Agent, request, type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http";
import { connect, type Socket } from "node:net";

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly body: string;
  readonly trailers: NodeJS.Dict<string>;
}

export interface AskOptions {
  readonly host?: string;
  readonly path?: string;
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Buffer;
  readonly agent?: Agent;
  readonly limitMs?: number;
}

/** Asks a proxy on loopback and takes the whole answer; rejects when that takes over 90 s. */
export function ask(port: number, options: AskOptions = {}): Promise<Answer> {
  const { host = "webapp.localhost", headers = {}, body, limitMs = 90_000, ...rest } = options;
  return new Promise((resolve, reject) => {
    const outgoing = request({
      host: "127.0.0.1",
      port,
      agent: false,
      signal: AbortSignal.timeout(limitMs),
      headers: { host, ...headers },
      ...rest,
    });
    outgoing.on("error", reject);
    outgoing.on("response", (incoming) => {
      const pieces: Buffer[] = [];
      incoming.on("data", (piece: Buffer) => pieces.push(piece));
      incoming.on("error", reject);
      incoming.on("end", () =>
        resolve({
          status: incoming.statusCode ?? 0,
          headers: incoming.headers,
          rawHeaders: incoming.rawHeaders,
          body: Buffer.concat(pieces).toString(),
          trailers: incoming.trailers,
        }),
      );
    });
    outgoing.end(body);
  });
}

/** An agent with one kept connection, as a browser has; `end` it. */
export function oneConnection(): Agent {
  return new Agent({ keepAlive: true, maxSockets: 1 });
}

/** Sends bytes and takes what comes until the other side ends, at most for 90 s. */
export function sendRaw(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let received = "";
    socket.setTimeout(90_000, () => {
      socket.destroy();
      reject(new Error(`the connection stayed open; until then: ${JSON.stringify(received)}`));
    });
    socket.on("data", (piece: Buffer) => (received += piece.toString("latin1")));
    socket.on("error", () => resolve(received));
    socket.on("close", () => resolve(received));
    socket.write(bytes, "latin1");
  });
}

/** A connection that collects what comes. */
export function openRaw(port: number): { socket: Socket; received: () => string } {
  const socket = connect(port, "127.0.0.1");
  let received = "";
  socket.on("data", (piece: Buffer) => (received += piece.toString("latin1")));
  socket.on("error", () => undefined);
  return { socket, received: () => received };
}
