/** Begins to serve: in this thread, or in several that share one listening socket. */
import type { World } from "@propagit/runtime";
import type { ProxyDaemon } from "../proxy.js";
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
  /** Writes lines of the access log. */
  readonly write?: (lines: string) => void;
}

/** @throws PORT_IN_USE; BAD_USAGE when the address or port may not be used at all */
export async function startServing(options: StartServingOptions): Promise<Serving> {
  if (options.workers <= 1) return serveHere(options);
  const socket = await SharedSocket.open(options.place);
  if (socket) return serveInWorkers(options, socket);
  options.world.log.warn(
    "this platform cannot share a listening socket between threads; serves with one worker",
  );
  return serveHere(options);
}

async function serveHere(options: StartServingOptions): Promise<Serving> {
  const { world, daemon, settings, place, write } = options;
  const { accessPercent: percent } = settings;
  const server = new ProxyServer({
    world,
    table: daemon.table,
    settings,
    awareness: {
      stale: () => daemon.stale(),
      blocked: () => daemon.blocked(),
      answerFirst: () => undefined,
    },
    ...(percent !== undefined && write && { access: { percent, write } }),
  });
  return new LocalServing(server, await server.listen(place));
}

async function serveInWorkers(
  { world, daemon, settings, workers, write }: StartServingOptions,
  socket: SharedSocket,
): Promise<Serving> {
  try {
    return await WorkerPool.start({
      world,
      socket,
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
    throw thrown;
  }
}
