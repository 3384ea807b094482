/** Wires over websockets (ws): the only place that knows that package. */
import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { formatAddress, frameBytesMax, PropagitError, type Address } from "@propagit/protocol";
import { WebSocket, WebSocketServer, type RawData } from "ws";
import type { Network, Wire, WireHandlers } from "../network.js";
import { errnoOf } from "./errno.js";
import { packedProtocol, packText, unpackText } from "./packed-text.js";

/** None of websockets' own compression: it keeps a window for each connection, see `packed-text.ts`. */
const socketOptions = { perMessageDeflate: false, maxPayload: frameBytesMax } as const;
/** Connections one server takes; 10,000 drones with a registry link each, and room. */
const connectionsMax = 25_000;

export const webSocketNetwork: Network = {
  connect(address, path, limitMs) {
    const url = `ws://${formatAddress(address)}${path}`;
    const socket = new WebSocket(url, packedProtocol, socketOptions);
    // Made before `open`, so that a first message in the same packet is not missed.
    const wire = new SocketWire(socket, address.host);
    return new Promise((resolve, reject) => {
      // The library's own limit begins anew with every byte, so a trickling server could hold us for ever.
      const limit = setTimeout(() => socket.terminate(), limitMs);
      socket.once("open", () => {
        clearTimeout(limit);
        resolve(wire);
      });
      socket.once("error", (error) => {
        clearTimeout(limit);
        reject(unreachable(address, error));
      });
    });
  },
};

/** Takes websocket upgrades of an HTTP server at the given paths; others are refused with 404. */
export function acceptWires(
  server: Server,
  paths: Readonly<Record<string, (wire: Wire, query: string) => void>>,
): { closeAll(): void } {
  const sockets = new WebSocketServer({
    ...socketOptions,
    noServer: true,
    handleProtocols: (offered) => offered.has(packedProtocol) && packedProtocol,
  });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on("error", () => socket.destroy());
    const [path = "", query = ""] = (request.url ?? "").split("?");
    const accept = Object.hasOwn(paths, path) ? paths[path] : undefined;
    if (!accept) return refuseUpgrade(socket, "404 Not Found");
    // Only browsers send it: any web page may open a websocket to a service on the visitor's machine.
    if (request.headers.origin !== undefined) return refuseUpgrade(socket, "403 Forbidden");
    if (sockets.clients.size >= connectionsMax) {
      return refuseUpgrade(socket, "503 Service Unavailable");
    }
    sockets.handleUpgrade(request, socket, head, (opened) => {
      accept(new SocketWire(opened, plainHost(request.socket.remoteAddress)), query);
    });
  });
  return {
    closeAll() {
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
    },
  };
}

/** An address as people write it: `::ffff:127.0.0.1` is `127.0.0.1`. */
export function plainHost(address: string | undefined): string {
  return (address ?? "unknown").replace(/^::ffff:(?=\d+\.)/, "");
}

/** Time for the other side to take the last frames and close; then the socket is destroyed. */
const closeMsMax = 2_000;

class SocketWire implements Wire {
  readonly remoteHost: string;
  readonly #socket: WebSocket;
  #handlers: WireHandlers | undefined;
  #early: string[] = [];
  #closedReason: string | undefined;

  constructor(socket: WebSocket, remoteHost: string) {
    this.#socket = socket;
    this.remoteHost = remoteHost;
    socket.on("message", (data, isBinary) => this.#receive(data, isBinary));
    socket.on("error", (error) => {
      // The library has sent its last word; a peer that broke the protocol may never answer it.
      this.#end(problemOf(error));
      this.#destroyLater();
    });
    socket.on("close", (code) => this.#end(`closed (${code})`));
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  send(text: string): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    this.#socket.send((this.#isPacked ? packText(text) : undefined) ?? text);
  }

  hold(isHeld: boolean): void {
    if (isHeld) this.#socket.pause();
    else this.#socket.resume();
  }

  listen(handlers: WireHandlers): void {
    this.#handlers = handlers;
    for (const text of this.#early.splice(0)) handlers.message(text);
    if (this.#closedReason !== undefined) handlers.closed(this.#closedReason);
  }

  close(): void {
    if (this.#closedReason !== undefined) return;
    this.#socket.close();
    this.#destroyLater();
  }

  #destroyLater(): void {
    setTimeout(() => this.#socket.terminate(), closeMsMax).unref();
  }

  get #isPacked(): boolean {
    return this.#socket.protocol === packedProtocol;
  }

  #receive(data: RawData, isBinary: boolean): void {
    const unpacked = isBinary && this.#isPacked ? unpackText(asBytes(data)) : undefined;
    // Other binary frames are none of ours; as text they fail the same check as any other garbage.
    const text = unpacked ?? (isBinary ? "(binary)" : asBytes(data).toString());
    if (this.#handlers) this.#handlers.message(text);
    else this.#early.push(text);
  }

  #end(reason: string): void {
    if (this.#closedReason !== undefined) return;
    this.#closedReason = reason;
    this.#handlers?.closed(reason);
  }
}

function asBytes(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return Buffer.isBuffer(data) ? data : Buffer.from(data);
}

function problemOf(error: Error): string {
  const code = errnoOf(error);
  if (code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH") {
    return `a frame of more than ${frameBytesMax / 1024 / 1024} MiB came`;
  }
  return code ?? error.message;
}

function refuseUpgrade(socket: Duplex, status: string): void {
  // Without this a client that never closes its side would keep the socket open.
  socket.once("finish", () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

function unreachable(address: Address, error: Error): PropagitError {
  // The library's words for an HTTP server that takes no websockets there.
  const status = /^Unexpected server response: (\d{3})$/.exec(error.message)?.[1];
  if (status !== undefined && !status.startsWith("5")) {
    const what = `what answers at ${formatAddress(address)} is no hub or registry`;
    return new PropagitError("UNREACHABLE", `${what}: it says HTTP status ${status}`, {
      cause: error,
    });
  }
  const reason = unreachableReason(error);
  return new PropagitError(
    "UNREACHABLE",
    `nobody answers at ${formatAddress(address)}: ${reason}`,
    { cause: error },
  );
}

function unreachableReason(error: Error): string {
  if (errnoOf(error) === "ECONNREFUSED") return "nothing listens there";
  // The library's words for a connection that was ended while it was being made: by our limit.
  if (error.message.includes("before the connection was established")) return "no answer in time";
  return error.message || (errnoOf(error) ?? "no reason given");
}
