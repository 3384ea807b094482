/**
 * The one port of a relay: wires for the hub and its registry are carried, everything else is forwarded.
 *
 *     GET /session, /registry (upgrade)   Relay.accept      channels of the relay's own session
 *     GET /errands (upgrade)              PlanRelay         lines of drones to this relay itself
 *     any other request                   forward           git, the registry's HTTP interface
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import {
  acceptWires,
  cannotListen,
  sessionPaths,
  type ServicePath,
  type Wire,
} from "@propagit/runtime";
import { errandsPath } from "../plan-errands.js";
import type { RelayDoor } from "../relay.js";
import { forward, refuse } from "./relay-forward.js";

export interface RelayFront {
  /** For whoever else wants connections of this port. */
  readonly server: Server;
  readonly port: number;
  /** Until it is open everybody is told to come again. */
  open(relay: RelayDoor): void;
  /** Takes drones' lines to the relay itself, see `plan-errands.ts`. */
  openErrands(accept: (wire: Wire) => void): void;
  close(): Promise<void>;
}

/** A client has this long to say what it wants. */
const headersMsMax = 30_000;
/** Connections at once; twice what one session carries, since requests come beside the wires. */
const connectionsMax = 8_000;

/** @throws PORT_IN_USE, BAD_USAGE */
export async function listenAsRelay(port: number): Promise<RelayFront> {
  let relay: RelayDoor | undefined;
  let acceptErrands: ((wire: Wire) => void) | undefined;
  // A push may take hours; whether it moves is watched where it is taken.
  const timeouts = { requestTimeout: 0, headersTimeout: headersMsMax, keepAliveTimeout: 10_000 };
  const server = createServer(timeouts, (request, response) => answer(relay, request, response));
  server.maxConnections = connectionsMax;
  server.on("clientError", (_, socket) => {
    if (socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
    else socket.destroy();
  });
  const paths: readonly ServicePath[] = [sessionPaths.hub, sessionPaths.registry];
  const carried = paths.map((path) => [
    path,
    (wire: Wire, query: string) => {
      if (relay) void relay.accept(wire, path, query);
      else wire.close();
    },
  ]);
  const wires = acceptWires(server, {
    ...Object.fromEntries(carried),
    [errandsPath]: (wire) => (acceptErrands ? acceptErrands(wire) : wire.close()),
  });
  await bind(server, port);
  return {
    server,
    port: (server.address() as AddressInfo).port,
    open: (opened) => {
      relay = opened;
    },
    openErrands: (accept) => {
      acceptErrands = accept;
    },
    close: () =>
      new Promise((resolve) => {
        wires.closeAll();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer(
  relay: RelayDoor | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const onward = relay?.onward;
  if (!onward) return refuse(request, response, 503, "this relay is just starting");
  if (onward.kind === "up") return forward(onward.address, request, response);
  const { message, hint } = onward.error;
  refuse(request, response, 502, `${message}\n${hint}`);
}

function bind(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(cannotListen({ host: undefined, port }, error)));
    server.listen({ port }, () => resolve());
  });
}
