/** Begins to serve: in this thread, or in several that share one listening socket. */
import type { World } from "@propagit/runtime";
import type { ProxyDaemon } from "../proxy.js";
import type { CertificateState } from "./certificates.js";
import type { ListenPlace } from "@propagit/http";
import type { ListeningSocket } from "./listening-socket.js";
import { ProxyServer, type ServerSettings } from "./server.js";
import { LocalServing, type Serving } from "./serving.js";
import { SharedSocket } from "./shared-socket.js";
import { WorkerPool } from "./worker-pool.js";

export interface StartServingOptions {
  readonly world: World;
  readonly daemon: ProxyDaemon;
  readonly settings: ServerSettings;
  readonly workers: number;
  readonly place: { readonly port: number; readonly host?: string };
  /** Where TLS is spoken, too; with a port of its own. */
  readonly tlsPlace?: { readonly port: number; readonly host?: string; readonly flag?: string };
  /** Sockets of the proxy that this one succeeds; taken instead of opening others. */
  readonly inherited?: readonly ListeningSocket[];
  readonly certificates: CertificateState;
  /** Writes lines of the access log. */
  readonly write?: (lines: string) => void;
}

/** @throws PORT_IN_USE; BAD_USAGE when the address or port may not be used at all */
export async function startServing(options: StartServingOptions): Promise<Serving> {
  if (options.workers <= 1) return serveHere(options);
  const { place, tlsPlace, inherited } = options;
  if (inherited) {
    const [socket, tlsSocket] = [false, true].map((tls) => shared(inherited, tls));
    if (socket) return serveInWorkers(options, socket, tlsSocket);
  }
  const socket = await SharedSocket.open(place);
  if (socket) return serveInWorkers(options, socket, tlsPlace && (await openOr(socket, tlsPlace)));
  options.world.log.warn(
    "this platform cannot share a listening socket between threads; serves with one worker",
  );
  return serveHere(options);
}

function shared(inherited: readonly ListeningSocket[], tls: boolean): SharedSocket | undefined {
  const found = inherited.find((socket) => socket.tls === tls);
  return found && SharedSocket.of(found);
}

/** Where to listen: on the socket that was given, or a new one. */
function placeOf(
  place: ListenPlace,
  tls: boolean,
  inherited: readonly ListeningSocket[] | undefined,
): ListenPlace {
  const found = inherited?.find((socket) => socket.tls === tls);
  const { fd } = (found?.handle ?? {}) as { readonly fd?: number };
  return fd === undefined ? place : { fd };
}

/** The second socket; the first one must not stay open without it. */
async function openOr(
  first: SharedSocket,
  place: NonNullable<StartServingOptions["tlsPlace"]>,
): Promise<SharedSocket | undefined> {
  try {
    return await SharedSocket.open(place);
  } catch (thrown) {
    first.close();
    throw thrown;
  }
}

async function serveHere(options: StartServingOptions): Promise<Serving> {
  const { world, daemon, settings, place, tlsPlace, inherited, certificates, write } = options;
  const { accessPercent: percent } = settings;
  const server = new ProxyServer({
    world,
    table: daemon.table,
    settings,
    awareness: {
      stale: () => daemon.stale(),
      blocked: () => daemon.blocked(),
    },
    ...(percent !== undefined && write && { access: { percent, write } }),
  });
  server.useCertificates(certificates);
  const port = await server.listen(placeOf(place, false, inherited));
  try {
    const tlsPort =
      tlsPlace && (await server.listen({ ...placeOf(tlsPlace, true, inherited), tls: true }));
    return new LocalServing(server, port, tlsPort);
  } catch (thrown) {
    await server.stop();
    throw thrown;
  }
}

async function serveInWorkers(
  { world, daemon, settings, workers, certificates, write }: StartServingOptions,
  socket: SharedSocket,
  tlsSocket: SharedSocket | undefined,
): Promise<Serving> {
  try {
    return await WorkerPool.start({
      world,
      socket,
      ...(tlsSocket && { tlsSocket }),
      certificates,
      settings,
      count: workers,
      feeds: () => daemon.keeper.feeds(),
      awareness: () => {
        const blocked = daemon.blocked()?.toData();
        return { stale: daemon.stale(), ...(blocked && { blocked }) };
      },
      onAccess: (lines) => write?.(lines),
    });
  } catch (thrown) {
    socket.close();
    tlsSocket?.close();
    throw thrown;
  }
}
