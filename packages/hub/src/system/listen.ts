/** HTTP servers of the hub: limits against slow and endless clients, clear errors, an end. */
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { cannotListen } from "@propagit/runtime";

export interface ListenOptions {
  readonly handler: RequestListener;
  /** Undefined: all addresses, IPv4 and IPv6. */
  readonly host: string | undefined;
  /** 0: any free one. */
  readonly port: number;
}

export interface Listening {
  readonly server: Server;
  readonly port: number;
  close(): Promise<void>;
}

/** A client has this long to say what it wants. */
const headersMsMax = 30_000;
/** Connections of one server; drones, proxies and their fetches. */
const connectionsMax = 30_000;

/** @throws PORT_IN_USE, BAD_USAGE when the address is not this machine's or the port is not allowed */
export async function listen({ handler, host, port }: ListenOptions): Promise<Listening> {
  const server = createServer(
    // A push may take hours; that it moves is watched where it is carried.
    { requestTimeout: 0, headersTimeout: headersMsMax, keepAliveTimeout: 10_000 },
    handler,
  );
  server.maxConnections = connectionsMax;
  server.on("clientError", (_, socket) => {
    if (socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
    else socket.destroy();
  });
  await bind(server, host, port);
  return {
    server,
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function bind(server: Server, host: string | undefined, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(cannotListen({ host, port }, error)));
    server.listen({ port, ...(host !== undefined && { host }) }, () => resolve());
  });
}
