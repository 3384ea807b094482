/** One HTTP handler on several addresses of one port. */
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { PropagitError } from "@propagit/protocol";
import { cannotListen, errnoOf } from "@propagit/runtime";

export interface ListenOptions {
  readonly handler: RequestListener;
  /** Prepares each server before it listens. */
  readonly prepare: (server: Server) => void;
  readonly hosts: readonly ListenHost[];
  /** 0: any that is free at all hosts. */
  readonly port: number;
}

export interface ListenHost {
  /** Undefined: all addresses. */
  readonly host: string | undefined;
  /** This machine may not have it: then the others do. */
  readonly isOptional: boolean;
}

export interface Listening {
  readonly port: number;
  close(): Promise<void>;
}

/** Tries to find one port that is free on all addresses. */
const anyPortTries = 10;

/** @throws PORT_IN_USE, BAD_USAGE when an address is not this machine's or the port is not allowed */
export async function listen(options: ListenOptions): Promise<Listening> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await listenOnce(options);
    } catch (thrown) {
      const isRace = options.port === 0 && errnoOf(thrown) === "EADDRINUSE";
      if (!isRace || attempt >= anyPortTries) throw explained(thrown, options);
    }
  }
}

async function listenOnce({ handler, prepare, hosts, port }: ListenOptions): Promise<Listening> {
  const servers: Server[] = [];
  const close = async () => {
    await Promise.all(servers.map(closeServer));
  };
  let bound = port;
  try {
    for (const { host, isOptional } of hosts) {
      const server = createServer(handler);
      prepare(server);
      if (!(await bind(server, { host, port: bound }, isOptional))) continue;
      servers.push(server);
      bound = (server.address() as AddressInfo).port;
    }
  } catch (thrown) {
    await close();
    throw thrown;
  }
  if (servers.length > 0) return { port: bound, close };
  throw new PropagitError("BAD_USAGE", "this machine has none of the addresses to listen on");
}

interface Place {
  readonly host: string | undefined;
  readonly port: number;
}

/** False when the machine has no such address and that is fine. */
function bind(server: Server, { host, port }: Place, isOptional: boolean): Promise<boolean> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => {
      const isMissing = ["EADDRNOTAVAIL", "EAFNOSUPPORT"].includes(errnoOf(error) ?? "");
      if (isMissing && isOptional) resolve(false);
      else reject(error);
    });
    server.listen({ port, ...(host !== undefined && { host }) }, () => resolve(true));
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function explained(thrown: unknown, { hosts, port }: ListenOptions): unknown {
  if (errnoOf(thrown) === undefined) return thrown;
  const [only, ...others] = hosts;
  return cannotListen({ port, host: others.length === 0 ? only?.host : undefined }, thrown);
}
