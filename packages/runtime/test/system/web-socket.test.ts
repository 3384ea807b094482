import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { WebSocket } from "ws";
import { frameBytesMax } from "@propagit/protocol";
import {
  Conversation,
  dial,
  hangUp,
  nodeWorld,
  plainHost,
  sessionPaths,
  silentLog,
  webSocketNetwork,
} from "../../src/index.js";
import { cluster, clusterKey, heartbeatMs } from "../support/meeting.js";
import { startWebServer, until } from "../support/web-servers.js";

/** A real hub-like server, whose conversations are kept. */
async function startHub(test: TestContext) {
  const conversations: Conversation[] = [];
  const web = await startWebServer(test, {
    [sessionPaths.hub]: (wire) => {
      conversations.push(
        new Conversation(nodeWorld(silentLog), wire, {
          side: { kind: "server", clusterKey, heartbeatMs },
          handlers: { "hub.ps": () => ({ instances: [] }) },
        }),
      );
    },
  });
  return { ...web, conversations };
}

async function rawClient(
  test: TestContext,
  port: number,
  protocols: readonly string[] = [],
): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${sessionPaths.hub}`, [...protocols]);
  test.after(() => socket.terminate());
  socket.on("error", () => undefined);
  await once(socket, "open");
  return socket;
}

describe("real sockets", () => {
  it("carry a whole conversation", async (test) => {
    const { address } = await startHub(test);
    const client = await dialHub(address);
    assert.deepEqual(await client.call("hub.ps", {}), { instances: [] });
    await hangUp(client);
    assert.equal((await client.over).code, "LINK_LOST");
  });

  const foreign: Readonly<Record<string, string | Buffer>> = {
    garbage: "garbage",
    bytes: Buffer.from([0, 255, 1]),
    "an empty frame": "",
    "a crafted version": '{"kind":"hello","v":{"toString":1}}',
    "a frame over the limit": "x".repeat(frameBytesMax + 1),
  };
  for (const [what, data] of Object.entries(foreign)) {
    it(`that bring ${what} are closed, and only they`, async (test) => {
      const { address, conversations } = await startHub(test);
      const good = await dialHub(address);
      const socket = await rawClient(test, address.port);
      const closed = once(socket, "close");
      socket.send(data);
      await closed;
      const reason = await conversations[1]?.over;
      assert.match(reason?.code ?? "", /BAD_FRAME|BAD_VERSION|LINK_LOST/);
      assert.deepEqual(await good.call("hub.ps", {}), { instances: [] });
      await hangUp(good);
    });
  }

  it("pack long texts for those who asked for that, and for nobody else", async (test) => {
    const long = "abc".repeat(1_000);
    const { address } = await startWebServer(test, {
      [sessionPaths.hub]: (wire) =>
        wire.listen({ message: (text) => wire.send(text), closed: () => undefined }),
    });
    for (const protocols of [[], ["propagit.packed"]]) {
      const socket = await rawClient(test, address.port, protocols);
      socket.send(long);
      const [data, isBinary] = (await once(socket, "message")) as [Buffer, boolean];
      assert.equal(isBinary, protocols.length > 0);
      assert.equal(isBinary ? inflateRawSync(data).toString() : data.toString(), long);
    }
  });

  it("that bring something packed that is far more than a frame are closed", async (test) => {
    // Before there is a hub in this process, that would have to wait for it.
    const packed = deflateRawSync("x".repeat(64 * frameBytesMax));
    const { address, conversations } = await startHub(test);
    const socket = await rawClient(test, address.port, ["propagit.packed"]);
    socket.send(packed);
    assert.equal((await conversations[0]?.over)?.code, "BAD_FRAME");
  });

  it("say how large a frame may be when one was too large", async (test) => {
    const { address, conversations } = await startHub(test);
    const socket = await rawClient(test, address.port);
    socket.send("x".repeat(frameBytesMax + 1));
    const reason = await conversations[0]?.over;
    assert.match(reason?.message ?? "", /a frame of more than 4 MiB came/);
  });

  it("that break the websocket protocol are closed, and only they", async (test) => {
    const { address, conversations } = await startHub(test);
    const socket = connect(address.port, "127.0.0.1");
    test.after(() => socket.destroy());
    socket.write(
      `GET ${sessionPaths.hub} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    );
    await until("it is a wire", () => conversations.length === 1);
    socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff]));
    assert.equal((await conversations[0]?.over)?.code, "LINK_LOST");
    const good = await dialHub(address);
    assert.deepEqual(await good.call("hub.ps", {}), { instances: [] });
    await hangUp(good);
  });

  it("are refused with 404 at a path that is no service, and plain HTTP goes on", async (test) => {
    const { address } = await startHub(test);
    const refused = webSocketNetwork.connect(address, "/constructor", 5_000);
    await assert.rejects(refused, { code: "UNREACHABLE", message: /404/ });
    const answer = await fetch(`http://127.0.0.1:${address.port}/`);
    assert.equal(await answer.text(), "plain");
  });
});

describe("an upgrade", () => {
  const request = (path: string, more = "") =>
    `GET ${path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${more}` +
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

  const refusals: Readonly<Record<string, readonly [string, string]>> = {
    "to a path that is no service": [request("/elsewhere"), "404 Not Found"],
    "from a web page": [
      request(sessionPaths.hub, "Origin: http://evil.example\r\n"),
      "403 Forbidden",
    ],
  };
  for (const [what, [text, status]] of Object.entries(refusals)) {
    it(`${what} is refused with ${status}, and its socket is closed though the client is not`, async (test) => {
      const { address } = await startHub(test);
      const socket = connect({ ...address, allowHalfOpen: true });
      test.after(() => socket.destroy());
      let answer = "";
      socket.on("data", (data: Buffer) => (answer += data.toString()));
      const ended = once(socket, "end");
      socket.write(text);
      await ended;
      assert.match(answer, new RegExp(`^HTTP/1.1 ${status}`));
      // Nobody reads this any more: a closed socket answers with a reset.
      let isReset = false;
      socket.on("error", () => (isReset = true));
      await until("the socket is closed", () => {
        socket.write("more");
        return isReset;
      });
    });
  }
});

describe("a server that is not one", () => {
  it("is given up after the limit when it says nothing", async (test) => {
    const address = await startTcp(test, () => undefined);
    await assert.rejects(webSocketNetwork.connect(address, "/session", 300), {
      code: "UNREACHABLE",
      message: `nobody answers at 127.0.0.1:${address.port}: no answer in time`,
    });
  });

  it("is given up after the limit when it trickles its answer", async (test) => {
    const address = await startTcp(test, (socket) => {
      socket.write("HTTP/1.1 101 Switching Protocols\r\n");
      const drip = setInterval(() => socket.write("X-More: and more\r\n"), 50);
      socket.on("close", () => clearInterval(drip));
    });
    const connecting = webSocketNetwork.connect(address, "/session", 500);
    await assert.rejects(connecting, { code: "UNREACHABLE", message: /no answer in time/ });
  });

  it("is said to be no hub when it knows nothing of websockets there", async (test) => {
    const address = await startTcp(test, (socket) => {
      socket.end("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    });
    await assert.rejects(webSocketNetwork.connect(address, "/session", 5_000), {
      code: "UNREACHABLE",
      message: `what answers at 127.0.0.1:${address.port} is no hub or registry: it says HTTP status 404`,
    });
  });

  it("is named with what it said when it refuses", async (test) => {
    const address = await startTcp(test, (socket) => {
      socket.end("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n");
    });
    const connecting = webSocketNetwork.connect(address, "/session", 5_000);
    await assert.rejects(connecting, { code: "UNREACHABLE", message: /500/ });
  });

  it("is UNREACHABLE when its name does not exist", async () => {
    const address = { host: "no-such-host.invalid", port: 1 };
    await assert.rejects(webSocketNetwork.connect(address, "/session", 5_000), {
      code: "UNREACHABLE",
    });
  });
});

describe("an address of a socket", () => {
  it("is plain IPv4 where it is one", () => {
    assert.deepEqual(
      ["::ffff:10.0.0.1", "10.0.0.1", "::1", "::ffff:a:b", undefined].map(plainHost),
      ["10.0.0.1", "10.0.0.1", "::1", "::ffff:a:b", "unknown"],
    );
  });
});

function dialHub(address: { host: string; port: number }): Promise<Conversation> {
  return dial(nodeWorld(silentLog), {
    address,
    path: sessionPaths.hub,
    role: "cli",
    credential: cluster,
    acceptsOpen: false,
  });
}

async function startTcp(test: TestContext, accept: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    accept(socket);
  });
  test.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { host: "127.0.0.1", port: (server.address() as AddressInfo).port };
}
