/** What Node's own parser makes of the same bytes, by way of its server and its client on streams in memory. */
import { createServer, type IncomingMessage, request, type Server } from "node:http";
import { Duplex } from "node:stream";
import type { ReadMessage } from "./own-reading.js";

export interface NodeReading {
  readonly messages: readonly ReadMessage[];
  /** Node's code, when it refuses or the bytes end too early. */
  readonly error: string | undefined;
}

/** Given whole, then ended; what is written to it is thrown away. */
class Given extends Duplex {
  constructor(bytes: Buffer) {
    super({ allowHalfOpen: true });
    this.push(bytes);
    this.push(null);
  }
  override _read(): void {}
  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    done();
  }
  /** Node's client and server expect a socket. */
  setTimeout(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
}

export class NodeServerReader {
  readonly #server: Server;
  #messages: ReadMessage[] = [];
  #error: string | undefined;

  constructor() {
    this.#server = createServer({ keepAliveTimeout: 0, connectionsCheckingInterval: 2 ** 30 });
    this.#server.on("request", (message, answer) => {
      this.#take(message, `${message.method} ${message.url}`);
      message.on("end", () => answer.end());
    });
    this.#server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
      this.#error ??= error.code ?? error.message;
      // What was whole before it is still on its way.
      setImmediate(() => socket.destroy());
    });
  }

  async read(bytes: Buffer): Promise<NodeReading> {
    this.#messages = [];
    this.#error = undefined;
    const given = new Given(bytes);
    this.#server.emit("connection", given);
    await new Promise((resolve) => given.on("close", resolve));
    return { messages: this.#messages, error: this.#error };
  }

  #take(message: IncomingMessage, line: string): void {
    const messages = this.#messages;
    collect(message, (body) => messages.push(messageOf(message, line, body)));
  }
}

/** The final answer to a GET. */
export async function readWithNodeClient(bytes: Buffer): Promise<NodeReading> {
  const given = new Given(bytes);
  const messages: ReadMessage[] = [];
  const error = await new Promise<string | undefined>((resolve) => {
    const asked = request({ createConnection: () => given });
    const fail = (error: NodeJS.ErrnoException) =>
      setImmediate(resolve, error.code ?? error.message);
    asked.on("error", fail);
    asked.on("upgrade", () => resolve("upgrade"));
    asked.on("response", (message) => {
      message.on("error", fail);
      collect(message, (body) => {
        messages.push(messageOf(message, String(message.statusCode), body));
        resolve(undefined);
      });
    });
    asked.end();
  });
  given.destroy();
  return { messages, error };
}

function collect(message: IncomingMessage, done: (body: string) => void): void {
  let body = "";
  message.on("data", (bytes: Buffer) => (body += bytes.toString("latin1")));
  message.on("end", () => {
    if (message.complete) done(body);
  });
}

function messageOf(message: IncomingMessage, line: string, body: string): ReadMessage {
  const { rawHeaders: headers, rawTrailers: trailers } = message;
  return { line, headers, body, trailers };
}
