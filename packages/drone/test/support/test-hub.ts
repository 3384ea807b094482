/**
 * A small real hub: sessions, a registry and git over HTTP on one port, as the hub serves them, with
 * everything a drone says kept for the test to look at.
 */
import { spawn } from "node:child_process";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import {
  fetchPassword,
  PropagitError,
  type Deployment,
  type Endpoint,
  type InstanceReport,
  type Telling,
} from "@propagit/protocol";
import { Registry } from "@propagit/registry";
import {
  acceptWires,
  Conversation,
  nodeCrypto,
  nodeWorld,
  sessionPaths,
  silentLog,
  stretchSecret,
  type Wire,
} from "@propagit/runtime";
import { openMemoryStore } from "@propagit/store";

export const secret = "beepboop";
const clusterKey = stretchSecret(secret);
const world = nodeWorld(silentLog);

export type Said = Telling<"hub.instance">;

export class TestHub {
  port = 0;
  /** Everything said with `hub.instance`, in order. */
  readonly said: Said[] = [];
  readonly gone: string[] = [];
  readonly instances = new Map<string, InstanceReport>();
  joins = 0;
  hasLeft = false;
  /** Answered to the next joins instead of welcome. */
  refusal: PropagitError | undefined;
  readonly registry = new Registry(world, { store: openMemoryStore(), clusterKey });
  readonly #repos: string;
  #server: Server | undefined;
  #stopWires: () => void = () => undefined;
  #conversation: Conversation | undefined;
  #revision = 0;
  #deployments: readonly Deployment[] = [];

  constructor(repos: string) {
    this.#repos = repos;
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
      [sessionPaths.hub]: (wire) => this.#accept(wire),
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
    this.#conversation = undefined;
    const server = this.#server;
    server?.closeAllConnections();
    await new Promise((resolve) => {
      if (server) server.close(resolve);
      else resolve(undefined);
    });
  }

  desire(...deployments: Deployment[]): void {
    this.#deployments = deployments;
    this.#revision++;
    this.#tellDesire();
  }

  #tellDesire(): void {
    this.#conversation?.tell("drone.desire", {
      revision: this.#revision,
      deployments: [...this.#deployments],
    });
  }

  #accept(wire: Wire): void {
    new Conversation(world, wire, {
      side: { kind: "server", clusterKey, heartbeatMs: 1_000 },
      handlers: {
        "hub.join": ({ name, instances }, { conversation }) => {
          if (this.refusal) throw this.refusal;
          this.joins++;
          this.#conversation = conversation;
          this.instances.clear();
          for (const report of instances) this.instances.set(report.process, report);
          setImmediate(() => this.#tellDesire());
          return { name, registry: { port: this.port, open: false } };
        },
        "hub.leave": () => {
          this.hasLeft = true;
          return {};
        },
      },
      tellingHandlers: {
        "hub.instance": (said) => {
          this.said.push(said);
          this.instances.set(said.instance.process, said.instance);
        },
        "hub.instance-gone": ({ process }) => {
          this.gone.push(process);
          this.instances.delete(process);
        },
      },
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
    const sessionKey = this.#conversation?.peer?.sessionKey;
    if (sessionKey === undefined) return false;
    const wanted = `drone:${fetchPassword(nodeCrypto, sessionKey)}`;
    return request.headers.authorization === `Basic ${Buffer.from(wanted).toString("base64")}`;
  }
}
