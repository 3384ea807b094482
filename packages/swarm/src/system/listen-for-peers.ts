/** A port of one's own for peers. */
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { cannotListen, type Log } from "@propagit/runtime";

export interface PeerListenerOptions {
  /** Default: all addresses, IPv4 and IPv6. */
  readonly host?: string | undefined;
  /** 0: any free one. */
  readonly port: number;
  readonly accept: (socket: Socket) => void;
  readonly log: Log;
}

export interface PeerListener {
  readonly port: number;
  /** Takes nobody any more; lines that are there stay. */
  close(): void;
}

/** Lines and those who want to be one; peers are about eight for each artifact. */
const connectionsMax = 4_096;

/** @throws PORT_IN_USE, BAD_USAGE when the address is not this machine's or the port is not allowed */
export async function listenForPeers(options: PeerListenerOptions): Promise<PeerListener> {
  const { host, port, accept, log } = options;
  const server = createServer({ noDelay: true }, accept);
  server.maxConnections = connectionsMax;
  await bind(server, host, port);
  // Too many open files, say: whoever is there goes on, and newcomers come again.
  server.on("error", (error) => log.warn(`the port for pieces takes nobody now: ${error.message}`));
  return {
    port: (server.address() as AddressInfo).port,
    close: () => void server.close(),
  };
}

function bind(server: Server, host: string | undefined, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error) => {
      reject(cannotListen({ host, port, flag: "--swarm-port" }, error));
    };
    server.once("error", onError);
    server.listen({ port, ...(host !== undefined && { host }) }, () => {
      server.off("error", onError);
      resolve();
    });
  });
}
