/**
 * The hub as a process: data folder, secret, store, git, sockets, and what holds them together.
 *
 *     port      /session  drones, proxies, commands        /<repo>/…  git        TLS: pieces of artifacts
 *               /registry and /v1/…  the registry, when it is the hub's own
 *     port + 1  git alone
 */
import { join, resolve } from "node:path";
import type { Address } from "@propagit/protocol";
import { lockFolder, nodeCrypto, nodeWorld, stretchSecret, type Log } from "@propagit/runtime";
import { openSqliteStore } from "@propagit/store";
import { parseProxyUrl } from "../core/visitor-url.js";
import { Hub, type HubOptions } from "../hub.js";
import { nodeCertificateMeans } from "./acme-means.js";
import { Cleanup } from "./cleanup.js";
import { FilesRepository } from "./files-repository.js";
import { prepareGit } from "./git-command.js";
import { GitMaintenance } from "./git-maintenance.js";
import { GitHttp } from "./git-http.js";
import { GitRepositories } from "./git-repositories.js";
import { openHubMetrics } from "./hub-metrics.js";
import { findHubSecret, type HubSecret } from "./hub-secret.js";
import { Front } from "./front.js";
import { openRegistryPart, placeOf, type RegistryPart } from "./registry-part.js";
import { PlanCheckouts } from "./plan-checkout.js";
import { planMeans } from "./plan-part.js";
import { findSettingsKey } from "./settings-key.js";
import { openSwarmPart } from "./swarm-part.js";

export interface StartHubOptions {
  /** Address to listen on; default: all, since there is always a secret. */
  readonly host?: string;
  /** 0 for any. */
  readonly port: number;
  /** Second port, for git alone; default `port` + 1, or any when that is 0. */
  readonly gitPort?: number;
  /** Default: made at the first start and kept in the data folder. */
  readonly secret?: string;
  readonly dataFolder: string;
  /** A registry elsewhere; default: an own one on `port`. */
  readonly registry?: Address;
  /** Drones and proxies may use that registry although it has no secret and is not on loopback. */
  readonly openRegistry?: boolean;
  /** Anybody may push, without the secret. */
  readonly openPush?: boolean;
  /** How long a drone may be gone before its work is moved, in ms; default 30,000. */
  readonly droneTimeoutMs?: number;
  /** Where visitors find proxies, such as `http://example.com:8080`; for the URLs that are shown. */
  readonly proxyUrl?: string;
  /** A page for who watches it, on a port of its own; 0 for any. Default host: this machine only. */
  readonly metrics?: { readonly port: number; readonly host?: string; readonly version: string };
  /** Plans may run programs on this machine, and go to others by ssh as whoever the hub runs as. */
  readonly planCommands?: boolean;
  /** Pieces of artifacts that the hub sends, of all together, in bytes per second; default: no bound. */
  readonly swarmUploadBytesPerSecond?: number;
  readonly log: Log;
}

export interface RunningHub {
  readonly port: number;
  readonly gitPort: number;
  /** Of the page with metrics; undefined when none is wanted. */
  readonly metricsPort: number | undefined;
  readonly secretSource: HubSecret["source"];
  /** Where the secret is when the hub made it. */
  readonly secretFile: string;
  /** Ends it; drones go on, deploys go on when it is started again. */
  stop(): Promise<void>;
}

/**
 * Starts a hub and resolves when it answers.
 *
 * @throws NO_GIT, PORT_IN_USE, DATA_IN_USE, DATA_UNUSABLE, BAD_USAGE
 */
export async function startHub(options: StartHubOptions): Promise<RunningHub> {
  const cleanup = new Cleanup();
  try {
    return await start(options, cleanup);
  } catch (thrown) {
    await cleanup.run();
    throw thrown;
  }
}

async function start(options: StartHubOptions, cleanup: Cleanup): Promise<RunningHub> {
  const { log } = options;
  const dataFolder = resolve(options.dataFolder);
  const lock = await lockFolder(dataFolder);
  cleanup.add(() => lock.release());
  const secret = await findHubSecret(options.secret, dataFolder, log);
  const repositories = await GitRepositories.open(await prepareGit(dataFolder));
  const store = await openSqliteStore(join(dataFolder, "hub.db"));
  cleanup.add(() => store.close());
  const clusterKey = stretchSecret(secret.secret);
  const settingsKey = await findSettingsKey(dataFolder);
  const certificates = nodeCertificateMeans();
  const files = new FilesRepository(repositories);
  const world = { ...nodeWorld(log), store, repositories, settingsKey, certificates, files };
  const registry = options.registry
    ? undefined
    : await openRegistryPart(world, { store, secret: secret.secret, clusterKey });
  if (registry) cleanup.add(() => registry.stop());

  // Ports are taken before the hub opens, since drones are told the port; nobody is answered until then.
  const front = new Front(options);
  cleanup.add(() => front.close());
  const { port, gitPort } = await front.listen();
  const swarm = await openSwarmPart({
    dataFolder,
    world,
    repositories,
    port,
    uploadBytesPerSecondMax: options.swarmUploadBytesPerSecond,
  });
  cleanup.add(() => swarm.stop());
  const project = new PlanCheckouts(repositories, dataFolder);
  const plans = planMeans(project, options.planCommands ?? false);
  const hub = await Hub.open(
    { ...world, swarm: swarm.means, plans },
    { clusterKey, ...hubOptionsOf(options, port, registry) },
  );
  cleanup.add(() => hub.stop());
  const git = openGit(options, { repositories, hub, secret: secret.secret }, cleanup);
  await front.open({ hub, git, registry, acceptPeer: (socket) => swarm.accept(socket) });
  const page =
    options.metrics && (await openHubMetrics({ world, sight: hub.sight, ...options.metrics }));
  if (page) cleanup.add(() => page.stop());
  if (options.openPush) warnOfOpenPush(log, gitPort);
  return {
    port,
    gitPort,
    metricsPort: page?.port,
    secretSource: secret.source,
    secretFile: secret.file,
    stop: () => cleanup.run(),
  };
}

function openGit(
  { log, openPush = false }: StartHubOptions,
  parts: { readonly repositories: GitRepositories; readonly hub: Hub; readonly secret: string },
  cleanup: Cleanup,
): GitHttp {
  const { repositories, hub, secret } = parts;
  const maintenance = new GitMaintenance(repositories, log);
  cleanup.add(() => maintenance.stop());
  const git = new GitHttp({
    repositories,
    crypto: nodeCrypto,
    log,
    secret,
    openPush,
    mayFetch: (password) => hub.mayFetch(password),
    desk: hub.pushDesk,
    touched: (repo) => maintenance.touched(repo),
  });
  cleanup.add(() => git.stop());
  return git;
}

function hubOptionsOf(
  { registry: elsewhere, openRegistry = false, droneTimeoutMs, proxyUrl }: StartHubOptions,
  port: number,
  registry: RegistryPart | undefined,
): Omit<HubOptions, "clusterKey"> {
  return {
    registry: placeOf(elsewhere, port, openRegistry),
    ...(registry && { acceptRegistry: (wire) => registry.accept(wire) }),
    ...(droneTimeoutMs !== undefined && { droneTimeoutMs }),
    ...(proxyUrl !== undefined && { proxyUrl: parseProxyUrl(proxyUrl) }),
  };
}

function warnOfOpenPush(log: Log, gitPort: number): void {
  log.warn(
    `--open-push: EVERYBODY who can reach port ${gitPort} may push without the secret, overwrite and delete branches, and fill the disk; what is pushed only runs when somebody with the secret deploys it`,
  );
}
