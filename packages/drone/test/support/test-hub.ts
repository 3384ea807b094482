/**
 * A small real hub: sessions, a registry and git over HTTP on one port, as the hub serves them, with
 * everything a drone says kept for the test to look at.
 */
import { spawn } from "node:child_process";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fetchPassword, type Endpoint } from "@propagit/protocol";
import { Registry } from "@propagit/registry";
import { acceptWires, nodeCrypto, nodeWorld, sessionPaths, silentLog } from "@propagit/runtime";
import { openMemoryStore } from "@propagit/store";
import { clusterKey, HubDouble } from "./hub-double.js";

const world = nodeWorld(silentLog);

export class TestHub extends HubDouble {
  port = 0;
  readonly registry = new Registry(world, { store: openMemoryStore(), clusterKey });
  readonly #repos: string;
  #server: Server | undefined;
  #stopWires: () => void = () => undefined;

  /** @param repos where the bare repositories are that it serves */
  constructor(repos: string) {
    super(world);
    this.#repos = repos;
  }

  override get registryPort(): number {
    return this.port;
  }

  get address(): { host: string; port: number } {
    return { host: "127.0.0.1", port: this.port };
  }

  get endpoints(): readonly Endpoint[] {
    return this.registry.query({}).endpoints;
  }

  async start(): Promise<void> {
    await this.registry.ready();
    const server = createServer((request, response) => void this.#git(request, response));
    const wires = acceptWires(server, {
      [sessionPaths.hub]: (wire) => this.accept(wire),
      [sessionPaths.registry]: (wire) => this.registry.accept(wire),
    });
    this.#stopWires = () => wires.closeAll();
    await new Promise<void>((resolve) => {
      server.listen(this.port, "127.0.0.1", resolve);
    });
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Ends as if killed: connections break, what it knew of drones is forgotten. */
  async stop(): Promise<void> {
    this.#stopWires();
    this.forget();
    const server = this.#server;
    server?.closeAllConnections();
    await new Promise((resolve) => {
      if (server) server.close(resolve);
      else resolve(undefined);
    });
  }

  /** `GET /repo/info/refs` and `POST /repo/git-upload-pack`, for those who hold the session's password. */
  async #git(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://hub");
    const match = /^\/([\w.-]+?)(?:\.git)?\/(info\/refs|git-upload-pack)$/.exec(url.pathname);
    if (!this.#mayFetch(request)) {
      return void response.writeHead(401, { "www-authenticate": "Basic" }).end();
    }
    if (!match) return void response.writeHead(404).end();
    const isAsking = match[2] === "info/refs";
    const args = ["upload-pack", "--stateless-rpc", ...(isAsking ? ["--advertise-refs"] : [])];
    const protocol = request.headers["git-protocol"];
    const child = spawn("git", [...args, join(this.#repos, `${match[1]}.git`)], {
      env: { ...process.env, ...(typeof protocol === "string" && { GIT_PROTOCOL: protocol }) },
      stdio: ["pipe", "pipe", "ignore"],
    });
    const kind = isAsking ? "advertisement" : "result";
    response.writeHead(200, { "content-type": `application/x-git-upload-pack-${kind}` });
    if (isAsking) response.write("001e# service=git-upload-pack\n0000");
    child.stdin.on("error", () => undefined);
    request.pipe(child.stdin);
    child.stdout.pipe(response);
  }

  #mayFetch(request: IncomingMessage): boolean {
    const sessionKey = this.conversation?.peer?.sessionKey;
    if (sessionKey === undefined) return false;
    const wanted = `drone:${fetchPassword(nodeCrypto, sessionKey)}`;
    return request.headers.authorization === `Basic ${Buffer.from(wanted).toString("base64")}`;
  }
}
