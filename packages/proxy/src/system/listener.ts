/** The listener in front: takes requests and upgrades, hands each to an exchange of its own. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { PropagitError } from "@propagit/protocol";
import { errnoOf, plainHost } from "@propagit/runtime";
import { checkHead } from "../core/request-head.js";
import { answerError } from "./answer.js";
import { Exchange, type Forwarder, type Upgrade } from "./exchange.js";
import { Gathering } from "./gathering.js";
import { splice } from "./splice.js";
import { onClose } from "./on-close.js";
import { responseOn, wantedProtocol } from "./upgrade.js";
import { idleMsMax } from "./upstreams.js";

/** Connections of visitors at the same time; some 10 KB each when idle. A guess for a small machine. */
const connectionsMax = 20_000;
/** Longest time for a request's head: who is slower holds connections on purpose. */
const headMsMax = 30_000;
/** Longer than the 60 s of usual load balancers in front, so that they close first. */
const keepAliveMs = 65_000;
/** Bound on finishing what is on its way when the proxy stops. */
const drainMsMax = 10_000;

export interface ListenOptions {
  readonly port: number;
  /** Default: all addresses. */
  readonly host?: string;
}

export class Listener {
  readonly #forwarder: Forwarder;
  readonly #server: Server;
  readonly #exchanges: Gathering<Exchange>;
  readonly #spliced = new Set<Duplex>();
  /** Connections that were told to end; what else came on them is not answered. */
  readonly #untrusted = new WeakSet<Duplex>();
  #isStopping = false;

  constructor(forwarder: Forwarder) {
    this.#forwarder = forwarder;
    this.#exchanges = new Gathering(forwarder.world.clock);
    this.#server = createServer({ requestTimeout: 0, headersTimeout: headMsMax, noDelay: true })
      .on("request", (request, response) => this.#take(request, response, {}))
      .on("checkContinue", (request, response) => {
        this.#take(request, response, { expectsContinue: true });
      })
      // Requests that are not HTTP get Node's own 400, 408 or 431, and their connection ends.
      .on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head))
      .on("connect", (request, socket) => this.#refuseConnect(request, socket));
    this.#server.maxConnections = connectionsMax;
    this.#server.keepAliveTimeout = keepAliveMs;
    this.#server.timeout = idleMsMax;
  }

  /**
   * Starts to take requests; resolves with the port.
   *
   * @throws PORT_IN_USE; BAD_USAGE when the address or port may not be used at all
   */
  async listen(options: ListenOptions): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", (error) => reject(cannotListen(options, error)));
      this.#server.listen(options, resolve);
    });
    this.#server.removeAllListeners("error");
    // Errors of accepting (too many open files) pass; the next connection is another try.
    this.#server.on("error", (error) => this.#forwarder.world.log.warn(String(error)));
    return (this.#server.address() as AddressInfo).port;
  }

  /** Stops to take connections, finishes what is on its way, at most for 10 s, and ends. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    const closed = new Promise((resolve) => {
      this.#server.close(resolve);
    });
    this.#server.closeIdleConnections();
    await this.#exchanges.empty(drainMsMax);
    // Upgraded connections have no end of their own to wait for.
    for (const socket of this.#spliced) socket.destroy();
    this.#server.closeAllConnections();
    await closed;
  }

  #take(
    request: IncomingMessage,
    response: ServerResponse,
    how: { readonly expectsContinue?: boolean; readonly upgrade?: Upgrade },
  ): void {
    const { socket } = request;
    // Answered with a last word already; Node had read on.
    if (this.#untrusted.has(socket)) return;
    if (this.#isStopping) response.shouldKeepAlive = false;
    const head = checkHead({
      method: request.method ?? "",
      target: request.url ?? "",
      httpVersion: request.httpVersion,
      rawHeaders: request.rawHeaders,
    });
    if (!head.ok) return this.#refuse(request, response, head.reason);
    if (how.upgrade && head.hasBody)
      return this.#refuse(request, response, "it is an upgrade with a body");
    const clientAddress = plainHost(socket.remoteAddress);
    const exchange = new Exchange(this.#forwarder, {
      request,
      response,
      head,
      clientAddress,
      ...how,
    });
    this.#exchanges.add(exchange);
    const over = () => {
      exchange.visitorLeft();
      this.#exchanges.delete(exchange);
    };
    response.on("close", over);
    // A pipelined request whose turn never came: Node tells its response nothing.
    onClose(socket, response, over);
    exchange.start();
  }

  #upgrade(request: IncomingMessage, socket: Duplex, early: Buffer): void {
    socket.on("error", () => socket.destroy());
    const response = responseOn(request, socket as Socket);
    const protocol = wantedProtocol(request.rawHeaders);
    if (protocol === undefined) return this.#take(request, response, {});
    const takeOver = (answerHead: string, upstream: Duplex, over: () => void) => {
      response.detachSocket(socket as Socket);
      response.emit("close");
      socket.write(answerHead, "latin1");
      if (early.length > 0) upstream.write(early);
      this.#splice(socket, upstream, over);
    };
    this.#take(request, response, { upgrade: { protocol, takeOver } });
  }

  #splice(socket: Duplex, upstream: Duplex, over: () => void): void {
    for (const side of [socket, upstream]) {
      this.#spliced.add(side);
      side.on("close", () => this.#spliced.delete(side));
    }
    splice(socket, upstream, over);
  }

  /** Ends the connection as well: what follows on it cannot be trusted to be a request. */
  #refuse(request: IncomingMessage, response: ServerResponse, reason: string): void {
    this.#untrusted.add(request.socket);
    response.shouldKeepAlive = false;
    const error = new PropagitError("BAD_REQUEST", `this request cannot be taken: ${reason}`);
    answerError(response, error, this.#forwarder.proxy.stale());
  }

  #refuseConnect(request: IncomingMessage, socket: Duplex): void {
    socket.on("error", () => socket.destroy());
    this.#refuse(request, responseOn(request, socket as Socket), "CONNECT is not for this proxy");
  }
}

function cannotListen({ port, host }: ListenOptions, error: Error): PropagitError {
  const code = errnoOf(error);
  const where = host === undefined ? `port ${port}` : `port ${port} of ${host}`;
  if (code === "EADDRINUSE") {
    return new PropagitError("PORT_IN_USE", `${where} is in use`, { cause: error });
  }
  const hint =
    code === "EACCES" ? "ports below 1024 need the right to use them: take another --port" : "";
  return new PropagitError("BAD_USAGE", `cannot listen on ${where}: ${code ?? error.message}`, {
    cause: error,
    ...(hint && { hint }),
  });
}
