/** A hub with the handlers that a test gives it, on a real port; it can be lost and come back. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import {
  acceptWires,
  Conversation,
  nodeWorld,
  sessionPaths,
  silentLog,
  stretchSecret,
  type Handlers,
  type TellingHandlers,
} from "@propagit/runtime";

export const secret = "beepboop";
const clusterKey = stretchSecret(secret);
export const world = nodeWorld(silentLog);

export interface FakeHubOptions {
  readonly handlers?: Handlers;
  readonly tellingHandlers?: TellingHandlers;
}

export class FakeHub {
  readonly port: number;
  readonly #options: FakeHubOptions;
  #server: Server;
  #wires: { closeAll(): void };

  private constructor(options: FakeHubOptions, server: Server) {
    this.#options = options;
    this.#server = server;
    this.#wires = this.#accept(server);
    this.port = (server.address() as AddressInfo).port;
  }

  static async start(options: FakeHubOptions): Promise<FakeHub> {
    return new FakeHub(options, await listen(0));
  }

  /** Cuts off everybody and answers nobody. */
  async lose(): Promise<void> {
    this.#wires.closeAll();
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }

  async comeBack(): Promise<void> {
    this.#server = await listen(this.port);
    this.#wires = this.#accept(this.#server);
  }

  #accept(server: Server): { closeAll(): void } {
    return acceptWires(server, {
      [sessionPaths.hub]: (wire) => {
        const side = { kind: "server", clusterKey, heartbeatMs: 5_000 } as const;
        void new Conversation(world, wire, { side, ...this.#options });
      },
    });
  }
}

function listen(port: number): Promise<Server> {
  const server = createServer();
  return new Promise((resolve) => {
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}
