/** A proxy on the real network: everything put together. */
import { createHmac } from "node:crypto";
import { hostname } from "node:os";
import {
  openCredential,
  PropagitError,
  version,
  type Address,
  type Credential,
  type ErrorData,
} from "@propagit/protocol";
import type { EngineLimits, StopOptions } from "@propagit/http";
import {
  credentialFromSecret,
  lockFolder,
  nodeWorld,
  type Conversation,
  type FolderLock,
  type Log,
  type MetricsPage,
  type Timer,
  type World,
} from "@propagit/runtime";
import { parseStandaloneRoute } from "../core/standalone.js";
import { loadIdentity } from "../identity.js";
import { lastingCodes } from "../hub-follower.js";
import { ProxyDaemon, type ProxyStats, type TableSource } from "../proxy.js";
import { AccessLog } from "./access-log.js";
import { Certificates } from "./certificates.js";
import type { CertificateFilesOptions } from "./certificates-files.js";
import type { Inheritance } from "./inheritance.js";
import type { Forwarding, ServerSettings } from "./server.js";
import type { Serving } from "./serving.js";
import { startServing } from "./start-serving.js";
import type { Succeeded } from "./succession.js";
import { openMetricsPage } from "./watch.js";

export interface ProxyOptions {
  /** Whose routes it follows; or else a registry and routes of its own. */
  readonly hub?: Address;
  readonly registry?: Address;
  /** `beep.example=http@1.x`: host name, path if wanted, and the query that finds the endpoints. */
  readonly routes?: readonly string[];
  /** The hub's or registry's secret; not needed for one that has none. */
  readonly secret?: string;
  /** Port for visitors; 0 takes a free one. */
  readonly port: number;
  /** Port for visitors with TLS; 0 takes a free one. Default: no TLS. */
  readonly tlsPort?: number;
  /** Certificates in files, beside those of the hub. */
  readonly certificates?: CertificateFilesOptions;
  /** Address to listen on; default: all. */
  readonly host?: string;
  /** As the hub shows it; default: the machine's name and the port. */
  readonly name?: string;
  /** Takes only host names below it; default: any. */
  readonly domain?: string;
  /** Service of each commit that visitors are sent to; default: `http`, `web`, or the only one. */
  readonly service?: string;
  /** Where it is: endpoints of the same zone come first. */
  readonly zone?: string;
  /** Where the last good table is kept; one proxy at a time works in it. */
  readonly dataFolder: string;
  /** Longest wait for the head of an answer, and for the next piece of a request, in ms; default 60,000. */
  readonly timeoutMs?: number;
  /** Threads that serve; default 1. */
  readonly workers?: number;
  /** Networks whose forwarding headers are believed, such as `10.0.0.0/8`; default: none. */
  readonly trusted?: readonly string[];
  /** Every connection begins with a header of the PROXY protocol. */
  readonly acceptsProxyProtocol?: boolean;
  /** HTTP/2 without TLS, with prior knowledge. */
  readonly h2c?: boolean;
  readonly forwarding?: Forwarding;
  /** Longest time without a word from the hub, in ms; then nobody is served. Default: for ever. */
  readonly staleMaxMs?: number;
  /** Sizes and times of the engine. */
  readonly limits?: Partial<EngineLimits>;
  readonly accessLog?: AccessLogChoice;
  /** A page for who watches it: on this machine only, unless `host` says otherwise. */
  readonly metrics?: { readonly port: number; readonly host?: string };
  /** From the proxy that this one succeeds, see `inherit`. */
  readonly inheritance?: Inheritance;
  readonly log: Log;
}

export interface AccessLogChoice {
  /** A file, or `-` for the standard output. */
  readonly path: string;
  /** Of requests that did not fail, how many of a hundred are written; default all. */
  readonly percent?: number;
  /** Of one file, in bytes; default 100 MB. */
  readonly partBytesMax?: number;
}

export interface RunningProxy extends Succeeded {
  /** The port it listens on. */
  readonly port: number;
  /** The one for TLS; undefined when none is spoken. */
  readonly tlsPort: number | undefined;
  /** Of the page with metrics; undefined when none is wanted. */
  readonly metricsPort: number | undefined;
  stats(): ProxyStats;
  /** Takes no more connections, finishes what is on its way (at most 10 s), and ends. */
  stop(): Promise<void>;
}

/** As nginx and most others wait. */
const timeoutMsDefault = 60_000;
/** How long a start waits to learn whether the hub takes it; after that it goes on trying. */
const firstOutcomeMsMax = 10_000;
/** For what is under way when another proxy has taken over: long downloads, websockets. */
const finishMsMax = 10 * 60_000;
/**
 * Starts a proxy. It listens at once, with the table of an earlier life if there is one, and keeps trying
 * when the hub is away.
 *
 * @throws DENIED, UNPROVEN or BAD_VERSION when the hub does not take it; PORT_IN_USE, DATA_IN_USE,
 *   DATA_UNUSABLE, BAD_USAGE; BAD_CERTIFICATE for a file that was named
 */
export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  const source = sourceOf(options);
  const { dataFolder, inheritance } = options;
  // Until the proxy before lets go, a successor only reads what is in its folder.
  const lock = inheritance ? undefined : await lockFolder(dataFolder);
  const folder: FolderOwner = { lock };
  try {
    return await startIn(options, source, folder);
  } catch (thrown) {
    inheritance?.giveUp();
    await folder.lock?.release();
    throw thrown;
  }
}

interface FolderOwner {
  lock: FolderLock | undefined;
}

async function startIn(
  options: ProxyOptions,
  source: TableSource,
  folder: FolderOwner,
): Promise<RunningProxy> {
  const { dataFolder, log, accessLog, inheritance } = options;
  const world = nodeWorld(log);
  const identity = await loadIdentity(world, dataFolder);
  const settings = settingsOf(options, identity);
  const daemon = new ProxyDaemon(world, daemonOptions(options, source, settings));
  await daemon.load();
  const certificates = certificatesOf(options, world, source);
  await certificates.load();
  const access = accessLog && (await AccessLog.open({ ...accessLog, ...world }));
  const serving = await listen(options, { world, daemon, settings, certificates, access });
  certificates.onChange((state) => {
    serving.useCertificates(state);
    return serving.applied();
  });
  let page: MetricsPage | undefined;
  const release = once(async (isSucceeded: boolean) => {
    await page?.stop();
    await certificates.stop();
    await daemon.stop({ isSucceeded });
    await folder.lock?.release();
  });
  const letGo = () => {
    serving.handOver();
    return release(true);
  };
  const end = once(async (options?: StopOptions) => {
    await serving.stop(options);
    await release(false);
    await access?.stop();
  });
  const stop = () => end();
  const finish = () => end({ graceMs: finishMsMax, idleMs: finishMsMax / 2 });
  try {
    if (inheritance) await takeOver(inheritance, folder, dataFolder);
    const { metrics } = options;
    page = metrics && (await openMetricsPage({ ...metrics, daemon, serving, version }));
    const self = { identity, version, ...selfOf(options, serving.port) };
    const onMet = (hub: Conversation) => certificates.follow(hub);
    await untilTaken(world, daemon.follow({ serving, self, onMet }));
  } catch (thrown) {
    await stop();
    throw thrown;
  }
  const { port, tlsPort } = serving;
  const sockets = () => serving.sockets;
  const save = () => daemon.keeper.save();
  const stats = () => daemon.stats();
  return { port, tlsPort, metricsPort: page?.port, stop, letGo, finish, save, sockets, stats };
}

/** Serves on the sockets of the proxy before, and has its folder once that one lets go of it. */
async function takeOver(
  inheritance: Inheritance,
  folder: FolderOwner,
  dataFolder: string,
): Promise<void> {
  inheritance.serving();
  await inheritance.owned();
  folder.lock = await lockFolder(dataFolder);
}

interface ListenParts {
  readonly world: World;
  readonly daemon: ProxyDaemon;
  readonly settings: ServerSettings;
  readonly certificates: Certificates;
  readonly access: AccessLog | undefined;
}

/** What is opened before it must not stay open when there is no port. */
async function listen(
  options: ProxyOptions,
  { access, certificates, ...parts }: ListenParts,
): Promise<Serving> {
  const { port, tlsPort, host, workers = 1 } = options;
  const at = host === undefined ? {} : { host };
  try {
    return await startServing({
      ...parts,
      workers,
      place: { port, ...at },
      ...(tlsPort !== undefined && { tlsPlace: { port: tlsPort, ...at, flag: "--tls-port" } }),
      certificates: certificates.state,
      ...(access && { write: (lines: string) => access.write(lines) }),
      ...(options.inheritance && { inherited: options.inheritance.sockets }),
    });
  } catch (thrown) {
    await access?.stop();
    await certificates.stop();
    throw thrown;
  }
}

/** @throws BAD_USAGE when it is not clear what to follow, or a route cannot be read; BAD_PATTERN */
function sourceOf(options: ProxyOptions): TableSource {
  const { hub, registry, routes = [], secret, staleMaxMs } = options;
  const credential: Credential =
    secret === undefined ? openCredential : credentialFromSecret(secret);
  if (hub && !registry && routes.length === 0) return { kind: "hub", hub, credential };
  if (registry && !hub && routes.length > 0) {
    if (staleMaxMs !== undefined) {
      throw new PropagitError("BAD_USAGE", "a proxy without a hub cannot miss its word", {
        hint: "leave --stale-max out: it follows the registry, and its routes are its own",
      });
    }
    for (const route of routes) parseStandaloneRoute(route);
    return { kind: "registry", registry, credential, isOpen: secret === undefined, routes };
  }
  throw new PropagitError(
    "BAD_USAGE",
    "a proxy follows a hub, or a registry by routes of its own",
    {
      hint: "give --hub=HOST:PORT, or --registry=HOST:PORT and --route 'beep.example=http@1.x'",
    },
  );
}

function certificatesOf(
  { certificates: files, dataFolder, tlsPort }: ProxyOptions,
  world: World,
  source: TableSource,
): Certificates {
  return new Certificates(world, {
    ...(files && { files }),
    dataFolder,
    clusterKey: source.kind === "hub" ? source.credential.key : "",
    hasTls: tlsPort !== undefined,
  });
}

function settingsOf(options: ProxyOptions, identity: string): ServerSettings {
  const { domain, service, zone, trusted, acceptsProxyProtocol, h2c, limits, secret } = options;
  const { forwarding } = options;
  const { timeoutMs: answerHeadMs = timeoutMsDefault } = options;
  return {
    ...(domain !== undefined && { domain }),
    ...(service !== undefined && { service }),
    ...(zone !== undefined && { zone }),
    ...(trusted !== undefined && { trusted }),
    ...(acceptsProxyProtocol !== undefined && { acceptsProxyProtocol }),
    ...(h2c !== undefined && { h2c }),
    ...(forwarding && { forwarding }),
    // Where visitors are sent who must use TLS.
    ...(options.tlsPort !== undefined && options.tlsPort > 0 && { tlsPort: options.tlsPort }),
    // The same for all proxies of a cluster, so that any of them knows what another gave a visitor.
    secret: createHmac("sha256", secret ?? identity)
      .update("what visitors may not choose")
      .digest("hex"),
    // Whoever stops sending his request is waited for as long as an app that says nothing.
    limits: { bodyMs: answerHeadMs, ...limits, answerHeadMs },
    ...(options.accessLog && { accessPercent: options.accessLog.percent ?? 100 }),
  };
}

function daemonOptions(
  { dataFolder, staleMaxMs }: ProxyOptions,
  source: TableSource,
  { domain, service, zone, tlsPort, secret }: ServerSettings,
): ConstructorParameters<typeof ProxyDaemon>[1] {
  return {
    source,
    dataFolder,
    ...(domain !== undefined && { domain }),
    ...(service !== undefined && { service }),
    ...(zone !== undefined && { zone }),
    ...(tlsPort !== undefined && { tlsPort }),
    ...(secret !== undefined && { secret }),
    ...(staleMaxMs !== undefined && { staleMaxMs }),
  };
}

function selfOf({ name, host, zone }: ProxyOptions, port: number) {
  // A name in the hub's lists: letters, digits, dots and dashes.
  const machine = hostname()
    .replaceAll(/[^A-Za-z0-9.-]+/g, "-")
    .slice(0, 50);
  return {
    name: name ?? `${machine || "proxy"}-${port}`,
    address: { port, ...(host !== undefined && { host }) },
    ...(zone !== undefined && { zone }),
  };
}

/** @throws why the hub does not take it, when trying again does not mend that */
async function untilTaken(world: World, outcome: Promise<ErrorData | undefined>): Promise<void> {
  let timer: Timer | undefined;
  const patience = new Promise<undefined>((resolve) => {
    timer = world.clock.after(firstOutcomeMsMax, () => {
      resolve(undefined);
      void sayLate(world, outcome);
    });
  });
  const failure = await Promise.race([outcome, patience]).finally(() => timer?.cancel());
  if (failure && lastingCodes.has(failure.code)) throw PropagitError.fromData(failure);
}

/** Too late to end with, and not said by who follows the hub. */
async function sayLate(world: World, outcome: Promise<ErrorData | undefined>): Promise<void> {
  const failure = await outcome;
  if (failure && lastingCodes.has(failure.code)) world.log.warn(failure.message);
}

function once<A extends readonly unknown[]>(
  action: (...args: A) => Promise<void>,
): (...args: A) => Promise<void> {
  let done: Promise<void> | undefined;
  return (...args) => (done ??= action(...args));
}
