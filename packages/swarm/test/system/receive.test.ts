import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { describe, it } from "node:test";
import { receiveFrom } from "../../src/system/receive.js";

describe("receiving", () => {
  it("goes by the one buffer on accepted sockets of this Node", async (test) => {
    const server = createServer().listen(0, "127.0.0.1");
    test.after(() => server.close());
    await once(server, "listening");
    const dialled = connect((server.address() as AddressInfo).port, "127.0.0.1");
    const [raw] = (await once(server, "connection")) as [Socket];
    const socket = new TLSSocket(raw, { isServer: true });
    assert.equal(
      receiveFrom(socket, () => undefined),
      true,
      `node ${process.version} names its parts otherwise: lines work, and cost more`,
    );
    socket.destroy();
    dialled.destroy();
  });

  it("goes by events where Node has no such parts", () => {
    const heard: Uint8Array[] = [];
    const socket = { on: (_: string, listener: (bytes: Buffer) => void) => listener(Buffer.of(1)) };
    assert.equal(
      receiveFrom(socket as unknown as TLSSocket, (bytes) => void heard.push(bytes)),
      false,
    );
    assert.deepEqual(heard, [Uint8Array.of(1)]);
  });
});
