/**
 * The page for those who watch a proxy or a hub, on a port of its own, never on that of others:
 *
 *     GET /metrics    Prometheus
 *     GET /up         200 while it does its work, else 503 and why not
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { cannotListen } from "./cannot-listen.js";

export interface MetricsPageOptions {
  readonly port: number;
  /** Default: this machine only. */
  readonly host?: string;
  readonly text: () => Promise<string>;
  /** Why it does not do its work; undefined while it does. */
  readonly whyDown: () => string | undefined;
}

/** Whoever watches asks every few seconds, on one connection. */
const connectionsMax = 64;
const timeoutMs = 10_000;

export class MetricsPage {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @throws PORT_IN_USE, BAD_USAGE */
  static async open(options: MetricsPageOptions): Promise<MetricsPage> {
    const { port, host = "127.0.0.1" } = options;
    const server = createServer((request, response) => {
      answer(options, request, response).catch(() => response.destroy());
    });
    server.maxConnections = connectionsMax;
    server.requestTimeout = timeoutMs;
    try {
      server.listen({ port, host });
      await once(server, "listening");
    } catch (thrown) {
      throw cannotListen({ port, host, flag: "--metrics-port" }, thrown);
    }
    return new MetricsPage(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}

async function answer(
  { text, whyDown }: MetricsPageOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  request.resume();
  const plain = { "content-type": "text/plain; charset=utf-8" };
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.writeHead(405, { ...plain, allow: "GET, HEAD" }).end("only GET\n");
    return;
  }
  const { pathname } = new URL(request.url ?? "/", "http://page");
  switch (pathname) {
    case "/metrics": {
      const page = await text();
      response.writeHead(200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" });
      response.end(page);
      return;
    }
    case "/up": {
      const reason = whyDown();
      response.writeHead(reason === undefined ? 200 : 503, plain).end(`${reason ?? "up"}\n`);
      return;
    }
    default:
      response.writeHead(404, plain).end("here are /metrics and /up\n");
  }
}
