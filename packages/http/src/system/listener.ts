/** A listening socket, and the visitors' connections that come out of it. */
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { PropagitError } from "@propagit/protocol";
import { cannotListen } from "@propagit/runtime";
import type { Place } from "./address-places.js";
import type { EngineCore } from "./core.js";
import { chooseByPreface } from "./http2-plain.js";
import { carriedBy, readProxyOf } from "./proxy-header.js";
import { Transport } from "./transport.js";
import { VisitorConnection } from "./visitor-connection.js";

export type ListenPlace =
  | {
      readonly port: number;
      readonly host?: string;
      readonly backlog?: number;
      /** That the port was given with, for the hint when it is taken; default: `--port`. */
      readonly flag?: string;
    }
  /** A socket that somebody listens on already: another thread, or the proxy before this one. */
  | { readonly fd: number };

export interface ListenerOptions {
  readonly acceptsProxy: boolean;
  readonly isFast: boolean;
  /** Visitors may speak HTTP/2 in the clear. */
  readonly acceptsHttp2: boolean;
  /** Takes connections that are to be secured first; absent where visitors speak plainly. */
  readonly secure?: (raw: Socket) => void;
}

/** What Node keeps below a server, as far as we touch it. */
interface Accepting {
  readonly _handle?: {
    readonly fd?: number;
    onconnection?: (this: object, error: number, accepted?: Accepted) => void;
  } | null;
}

interface Accepted {
  close(): void;
  getpeername?(name: { address?: string }): number;
}

/** Linux holds so many that nobody has accepted yet, unless its own bound is lower. */
const backlogDefault = 4_096;

export class Listener {
  readonly #core: EngineCore;
  readonly #options: ListenerOptions;
  readonly #server: Server;
  #port: number | undefined;

  constructor(core: EngineCore, options: ListenerOptions) {
    this.#core = core;
    this.#options = options;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
      this.#accept(socket),
    );
  }

  /**
   * @throws PORT_IN_USE; BAD_USAGE when the address or port may not be used at all
   */
  async listen(place: ListenPlace): Promise<{ readonly port: number; readonly fd: number }> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", (error) => reject(failureOf(place, error)));
      this.#server.listen({ backlog: backlogDefault, ...place }, resolve);
    });
    this.#server.removeAllListeners("error");
    // Errors of accepting (too many open files) pass; the next connection is another try.
    this.#server.on("error", (error) => this.#core.log.warn(String(error)));
    const { isFast, secure, acceptsHttp2 } = this.#options;
    if (isFast && secure === undefined && !acceptsHttp2) this.#acceptFast();
    const { port } = this.#server.address() as AddressInfo;
    this.#port = port;
    return { port, fd: (this.#server as Accepting)._handle?.fd ?? -1 };
  }

  /** What Node keeps below the server; it can be sent to another process. Undefined where it keeps none. */
  get handle(): object | undefined {
    return (this.#server as Accepting)._handle ?? undefined;
  }

  get isSecure(): boolean {
    return this.#options.secure !== undefined;
  }

  /** Takes no more connections; those that are there stay. */
  close(): void {
    this.#server.close();
  }

  #accept(socket: Socket): void {
    const place = this.#isFull() ? undefined : this.#core.places.take(socket.remoteAddress);
    if (place === undefined) return void socket.destroy();
    socket.once("close", () => place.giveBack());
    this.#core.counters.accepted += 1;
    const { secure, acceptsProxy, acceptsHttp2 } = this.#options;
    const next = secure ?? (acceptsHttp2 ? this.#choose : undefined);
    if (next === undefined) this.#startHttp1(socket, acceptsProxy ? place : undefined);
    else if (acceptsProxy) readProxyOf(this.#core, socket, place, next);
    else next(socket);
  }

  readonly #choose = (socket: Socket): void =>
    chooseByPreface(this.#core, socket, () => this.#startHttp1(socket));

  /** @param place of a connection that begins with a PROXY header, which says whose it is */
  #startHttp1(socket: Socket, place?: Place): void {
    const carried = carriedBy(socket);
    const expectsProxy = place !== undefined;
    const visitor = new VisitorConnection(this.#core, { isSecure: false, expectsProxy, carried });
    const transport = Transport.over(socket, visitor);
    transport.place = place;
    visitor.start(transport);
    // It was paused if somebody looked at its first bytes.
    socket.resume();
  }

  /**
   * Node makes a socket of each accepted handle, and has no option to say what it reads into. Taking the handle
   * before that saves the buffers and half the cost of a new connection. Neither `_handle` nor `onconnection`
   * is promised to stay: where one is missing, everything goes the public way.
   */
  #acceptFast(): void {
    const handle = (this.#server as Accepting)._handle;
    const ordinary = handle?.onconnection;
    if (!handle || typeof ordinary !== "function") return;
    const accept = (accepted: Accepted) => this.#acceptHandle(accepted);
    handle.onconnection = function onConnection(error, accepted) {
      if (error !== 0 || accepted === undefined) ordinary.call(this, error, accepted);
      else accept(accepted);
    };
  }

  #acceptHandle(accepted: Accepted): void {
    const { places } = this.#core;
    const address = places.isBounded ? addressOf(accepted) : undefined;
    const place = this.#isFull() ? undefined : places.take(address);
    if (place === undefined) return accepted.close();
    this.#core.counters.accepted += 1;
    const { acceptsProxy: expectsProxy } = this.#options;
    const visitor = new VisitorConnection(this.#core, {
      isSecure: false,
      expectsProxy,
      port: this.#port,
    });
    const transport = Transport.overHandle(accepted, visitor);
    transport.place = place;
    visitor.start(transport);
  }

  #isFull(): boolean {
    const { visitors, tunnels, limits } = this.#core;
    return visitors.size + tunnels.size >= limits.connectionsMax;
  }
}

/** Before a socket is made of it: who has too many costs no more than this. */
function addressOf(accepted: Accepted): string | undefined {
  const name: { address?: string } = {};
  return accepted.getpeername?.(name) === 0 ? name.address : undefined;
}

function failureOf(place: ListenPlace, error: Error): PropagitError {
  if (!("fd" in place)) return cannotListen(place, error);
  const message = `cannot listen on the socket ${place.fd}: ${error.message}`;
  return new PropagitError("BAD_USAGE", message, { cause: error });
}
