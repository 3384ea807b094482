/** A real HTTP server that takes wires, on a free port of loopback. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { acceptWires, type Wire } from "../../src/index.js";

export interface WebServer {
  readonly server: Server;
  readonly address: { readonly host: string; readonly port: number };
  stop(): void;
}

export async function startWebServer(
  test: TestContext,
  paths: Readonly<Record<string, (wire: Wire) => void>>,
): Promise<WebServer> {
  const server = createServer((_, response) => void response.end("plain"));
  const wires = acceptWires(server, paths);
  const stop = () => {
    wires.closeAll();
    server.close();
    server.closeAllConnections();
  };
  test.after(stop);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { server, address: { host: "127.0.0.1", port }, stop };
}

/** Waits for real sockets: until something holds, at most 90 s. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 90_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`${what} did not come true within 90 s`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
