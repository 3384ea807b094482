import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, it } from "node:test";
import { PropagitError } from "@propagit/protocol";
import { silentLog } from "@propagit/runtime";
import { listenForPeers } from "../../src/system/listen-for-peers.js";

const accept = (socket: Socket) => void socket.end("hello");

describe("the port for pieces", () => {
  it("is any free one when none is asked for, on all addresses", async (test) => {
    const listener = await listenForPeers({ port: 0, accept, log: silentLog });
    test.after(() => listener.close());
    assert.ok(listener.port > 0);
    const socket = connect(listener.port, "127.0.0.1");
    const [bytes] = (await once(socket, "data")) as [Buffer];
    assert.equal(bytes.toString(), "hello");
  });

  it("is named with its flag when somebody else has it", async (test) => {
    const first = await listenForPeers({ host: "127.0.0.1", port: 0, accept, log: silentLog });
    test.after(() => first.close());
    const second = listenForPeers({ host: "127.0.0.1", port: first.port, accept, log: silentLog });
    await assert.rejects(second, (error: unknown) => {
      assert.ok(error instanceof PropagitError);
      assert.equal(error.code, "PORT_IN_USE");
      assert.match(error.hint, /--swarm-port/);
      return true;
    });
  });

  it("is refused on an address that is not this machine's", async () => {
    const listening = listenForPeers({ host: "192.0.2.1", port: 0, accept, log: silentLog });
    await assert.rejects(listening, { code: "BAD_USAGE" });
  });
});
