/** A proxy on a real port behind a tiny hub, with real apps behind it; everything ends with the test. */
import assert from "node:assert/strict";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createNetServer, type AddressInfo, type Socket } from "node:net";
import { mkdtempSync, rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Endpoint } from "@propagit/protocol";
import { nodeWorld, silentLog, stretchSecret, type Log } from "@propagit/runtime";
import { startProxy, type ProxyOptions, type RunningProxy } from "../../src/index.js";
import { commitA, endpointOf, routeOf } from "./samples.js";
import { serveTinyHub, TinyHub } from "./tiny-hub.js";

export const secret = "beepboop";
const clusterKey = stretchSecret(secret);

/** Whoever ends what was started: a test, or a suite of them. */
export interface Teardown {
  after(action: () => unknown): void;
}

export interface Rig {
  readonly hub: TinyHub;
  readonly hubPort: number;
  readonly proxy: RunningProxy;
  readonly port: number;
  readonly dataFolder: string;
  readonly log: readonly string[];
  stopHub(): Promise<void>;
}

export interface RigOptions extends Partial<ProxyOptions> {
  /** What the registry has; `webapp` goes to commit A when no routes are given. */
  readonly endpoints?: readonly Endpoint[];
  readonly prepare?: (hub: TinyHub) => void;
}

export async function startRig(test: Teardown, options: RigOptions = {}): Promise<Rig> {
  const { endpoints = [], prepare, ...proxyOptions } = options;
  const hub = newTinyHub();
  hub.setRoutes([routeOf([commitA, 1])]);
  for (const endpoint of endpoints) hub.up(endpoint);
  prepare?.(hub);
  const served = await serveTinyHub(hub);
  test.after(() => served.close());
  const dataFolder = proxyOptions.dataFolder ?? (await tempFolder());
  const log: string[] = [];
  const proxy = await startProxy({
    hub: { host: "127.0.0.1", port: served.port },
    secret,
    port: 0,
    host: "127.0.0.1",
    dataFolder,
    log: keepLog(log),
    ...proxyOptions,
  });
  test.after(() => proxy.stop());
  await until("the table is complete", () => proxy.stats().stale.length === 0);
  return {
    hub,
    hubPort: served.port,
    proxy,
    port: proxy.port,
    dataFolder,
    log,
    stopHub: () => served.close(),
  };
}

export function newTinyHub(): TinyHub {
  return new TinyHub(nodeWorld(silentLog), { clusterKey, place: { port: 1, open: false } });
}

/** Goes with the process, since a proxy saves its table once more when its test is over. */
const tempRoot = mkdtempSync(join(tmpdir(), "propagit-proxy-"));
process.once("exit", () => rmSync(tempRoot, { recursive: true, force: true }));

export function tempFolder(): Promise<string> {
  return mkdtemp(join(tempRoot, "data-"));
}

/** A real app over node:http; resolves with its server and port. */
export async function startApp(
  test: Teardown,
  listener: RequestListener,
): Promise<{ server: Server; port: number }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  test.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { server, port: (server.address() as AddressInfo).port };
}

/** An app that works on bare sockets. */
export async function startRawApp(
  test: Teardown,
  onSocket: (socket: Socket) => void,
): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createNetServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    onSocket(socket);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  test.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A port where nothing listens. */
export async function deadPort(): Promise<number> {
  const server = createNetServer();
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}

export const app = (port: number, commit = commitA): Endpoint => endpointOf(port, { commit });

/** Waits for a condition, at most for `limitMs`. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  limitMs = 90_000,
): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await condition())) {
    assert.ok(performance.now() < end, `${what} did not come true within ${limitMs / 1000} s`);
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
  }
}

export function keepLog(lines: string[]): Log {
  return { info: (line) => void lines.push(line), warn: (line) => void lines.push(`! ${line}`) };
}
