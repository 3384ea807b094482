/** A proxy on the real network: everything put together. */
import {
  openCredential,
  PropagitError,
  type Address,
  type ErrorCode,
  type ErrorData,
} from "@propagit/protocol";
import {
  credentialFromSecret,
  lockFolder,
  nodeWorld,
  type FolderLock,
  type Log,
  type Timer,
  type World,
} from "@propagit/runtime";
import { ProxyDaemon, type ProxyStats } from "../proxy.js";
import { Listener } from "./listener.js";
import { Upstreams } from "./upstreams.js";

export interface ProxyOptions {
  readonly hub: Address;
  /** The hub's secret; not needed for a hub that has none. */
  readonly secret?: string;
  /** Port for visitors; 0 takes a free one. */
  readonly port: number;
  /** Address to listen on; default: all. */
  readonly host?: string;
  /** Takes only host names below it; default: any. */
  readonly domain?: string;
  /** Service of each commit that visitors are sent to; default: `http`, `web`, or the only one. */
  readonly service?: string;
  /** Where the last good table is kept; one proxy at a time works in it. */
  readonly dataFolder: string;
  /** Longest wait for the head of an answer, in ms; default 60,000. */
  readonly timeoutMs?: number;
  readonly log: Log;
}

export interface RunningProxy {
  /** The port it listens on. */
  readonly port: number;
  stats(): ProxyStats;
  /** Takes no more connections, finishes what is on its way (at most 10 s), and ends. */
  stop(): Promise<void>;
}

/** As nginx and most others wait. */
const timeoutMsDefault = 60_000;
/** How long a start waits to learn whether the hub takes it; after that it goes on trying. */
const firstOutcomeMsMax = 10_000;
/** Pools of endpoints that are gone are ended so long after a change, once for a burst. */
const retainMs = 1_000;
/** What trying again does not mend. */
const lasting: ReadonlySet<ErrorCode> = new Set(["DENIED", "UNPROVEN", "BAD_VERSION"]);

/**
 * Starts a proxy. It listens at once, with the table of an earlier life if there is one, and keeps trying
 * when the hub is away.
 *
 * @throws DENIED, UNPROVEN or BAD_VERSION when the hub does not take it; PORT_IN_USE, DATA_IN_USE,
 *   DATA_UNUSABLE, BAD_USAGE
 */
export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  const { dataFolder } = options;
  const lock = await lockFolder(dataFolder);
  try {
    return await startLocked(options, lock);
  } catch (thrown) {
    await lock.release();
    throw thrown;
  }
}

async function startLocked(options: ProxyOptions, lock: FolderLock): Promise<RunningProxy> {
  const { hub, secret, domain, service, dataFolder, log } = options;
  const world = nodeWorld(log);
  const proxy = new ProxyDaemon(world, {
    hub,
    credential: secret === undefined ? openCredential : credentialFromSecret(secret),
    dataFolder,
    ...(domain !== undefined && { domain }),
    ...(service !== undefined && { service }),
  });
  await proxy.load();
  const upstreams = new Upstreams();
  const retaining = retainPools(world, proxy, upstreams);
  const { timeoutMs = timeoutMsDefault, port: wantedPort, host } = options;
  const listener = new Listener({ world, proxy, upstreams, timeoutMs });
  const port = await listener.listen({ port: wantedPort, ...(host !== undefined && { host }) });
  const stop = once(async () => {
    await listener.stop();
    await proxy.stop();
    retaining.stop();
    await upstreams.destroy();
    await lock.release();
  });
  const failure = await firstOutcome(world, proxy.follow());
  if (!failure || !lasting.has(failure.code)) return { port, stop, stats: () => proxy.stats() };
  await stop();
  throw PropagitError.fromData(failure);
}

async function firstOutcome(
  world: World,
  outcome: Promise<ErrorData | undefined>,
): Promise<ErrorData | undefined> {
  let timer: Timer | undefined;
  const patience = new Promise<undefined>((resolve) => {
    timer = world.clock.after(firstOutcomeMsMax, () => resolve(undefined));
  });
  try {
    return await Promise.race([outcome, patience]);
  } finally {
    timer?.cancel();
  }
}

function retainPools(world: World, proxy: ProxyDaemon, upstreams: Upstreams): { stop(): void } {
  let timer: Timer | undefined;
  proxy.onTableChange(() => {
    timer ??= world.clock.after(retainMs, () => {
      timer = undefined;
      upstreams.retain(proxy.addresses());
    });
  });
  return { stop: () => timer?.cancel() };
}

function once(action: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => (done ??= action());
}
