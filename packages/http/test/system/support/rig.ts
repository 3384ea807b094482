/** An engine between sockets that tests hold in their hands. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { Engine, type EngineOptions } from "../../../src/engine.js";
import type { Direction, Director, ExchangeEnd, RequestView } from "../../../src/exchange.js";

export const transports = ["fast", "plain"] as const;

export interface Running {
  readonly engine: Engine;
  readonly port: number;
}

/** @param direct what to do with each request, or the address that all go to */
export async function startEngine(
  context: TestContext,
  direct: string | ((request: RequestView) => Direction | Promise<Direction>) | Director,
  options: Partial<EngineOptions> = {},
): Promise<Running> {
  const engine = new Engine({ director: directorOf(direct), ...options });
  const { port } = await engine.listen({ port: 0, host: "127.0.0.1" });
  context.after(async () => engine.stop({ graceMs: 0 }));
  return { engine, port };
}

function directorOf(
  direct: string | ((request: RequestView) => Direction | Promise<Direction>) | Director,
): Director {
  if (typeof direct === "function") return { direct };
  if (typeof direct === "object") return direct;
  return { direct: () => ({ kind: "forward", address: direct }) };
}

/** Hears of every end. */
export class Ends {
  readonly all: ExchangeEnd[] = [];
  readonly #waiting: (() => void)[] = [];

  readonly observer = {
    ended: (end: ExchangeEnd) => {
      this.all.push(end);
      for (const tell of this.#waiting.splice(0)) tell();
    },
  };

  async count(count: number): Promise<readonly ExchangeEnd[]> {
    while (this.all.length < count)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.all;
  }
}

/** A server of plain sockets: what it says is up to the test. */
export async function startEndpoint(
  context: TestContext,
  serve: (peer: Peer, index: number) => void | Promise<void>,
): Promise<{
  readonly address: string;
  readonly port: number;
  readonly peers: Peer[];
  readonly server: Server;
}> {
  const peers: Peer[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const peer = new Peer(socket);
    const index = peers.push(peer) - 1;
    void (async () => serve(peer, index))().catch(() => socket.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  context.after(() => {
    server.close();
    for (const peer of peers) peer.socket.destroy();
  });
  const { port } = server.address() as AddressInfo;
  return { address: `127.0.0.1:${port}`, port, peers, server };
}

export async function call(context: TestContext, port: number): Promise<Peer> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
  context.after(() => socket.destroy());
  await once(socket, "connect");
  return new Peer(socket);
}

/** One end of a connection, with all that came on it. */
export class Peer {
  readonly socket: Socket;
  /** What came and was not taken yet, in latin1. */
  heard = "";
  isEnded = false;
  isClosed = false;
  readonly #waiting = new Set<() => void>();

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => {
      this.heard += text;
      this.#tell();
    });
    socket.on("end", () => {
      this.isEnded = true;
      this.#tell();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.isClosed = true;
      this.#tell();
    });
  }

  say(text: string): this {
    this.socket.write(text, "latin1");
    return this;
  }

  /** One byte after the other, each in a packet of its own. */
  async spell(text: string): Promise<void> {
    for (const byte of text) {
      this.say(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Takes everything up to and with the text. */
  async until(text: string): Promise<string> {
    await this.#when(() => this.heard.includes(text) || this.isClosed || this.isEnded);
    const at = this.heard.indexOf(text);
    if (at < 0)
      throw new Error(`"${text}" did not come; what came is ${JSON.stringify(this.heard)}`);
    return this.take(at + text.length);
  }

  async head(): Promise<string> {
    return this.until("\r\n\r\n");
  }

  async bytes(count: number): Promise<string> {
    await this.#when(() => this.heard.length >= count || this.isClosed || this.isEnded);
    if (this.heard.length < count) throw new Error(`only ${this.heard.length} bytes came`);
    return this.take(count);
  }

  /** Everything until the other side has said all. */
  async rest(): Promise<string> {
    await this.#when(() => this.isEnded || this.isClosed);
    return this.take(this.heard.length);
  }

  async ended(): Promise<void> {
    await this.#when(() => this.isEnded || this.isClosed);
  }

  async closed(): Promise<void> {
    await this.#when(() => this.isClosed);
  }

  take(count: number): string {
    const taken = this.heard.slice(0, count);
    this.heard = this.heard.slice(count);
    return taken;
  }

  async #when(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  #tell(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const tell of waiting) tell();
  }
}

/** Until it is so; for what nobody tells. */
export async function eventually(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}

export const get = "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n";

export function answerOf(body: string, more = ""): string {
  return `HTTP/1.1 200 OK\r\n${more}Content-Length: ${body.length}\r\n\r\n${body}`;
}
