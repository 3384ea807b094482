/** How many connections one address may have, and how many others have in spite of it. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { connect as connectTls } from "node:tls";
import { describe, it, type TestContext } from "node:test";
import { makeAuthority } from "../support/certificates.js";
import { Engine } from "../../src/engine.js";
import { eventually, get, Peer, startEndpoint, startEngine, transports } from "./support/rig.js";

const own = { kind: "answer", status: 200, headers: [], body: "hi" } as const;

/** From an address of this machine that the test chooses. */
async function callFrom(context: TestContext, localAddress: string, port: number): Promise<Peer> {
  const socket = connect({ port, host: "127.0.0.1", localAddress, allowHalfOpen: true });
  context.after(() => socket.destroy());
  await once(socket, "connect");
  return new Peer(socket);
}

for (const transport of transports) {
  describe(`an address, with ${transport} sockets`, () => {
    it("has so many connections and no more, whether they speak or not; others have theirs", async (context) => {
      const { engine, port } = await startEngine(context, () => own, {
        transport,
        limits: { connectionsPerAddressMax: 2 },
      });
      const silent = await callFrom(context, "127.0.0.1", port);
      const speaking = await callFrom(context, "127.0.0.1", port);
      await speaking.say(get).until("hi");
      const third = await callFrom(context, "127.0.0.1", port);
      await third.ended();
      assert.equal(third.heard, "");
      const other = await callFrom(context, "127.0.0.2", port);
      await other.say(get).until("hi");
      assert.deepEqual([engine.counts().accepted, engine.counts().refused], [3, 1]);
      silent.socket.destroy();
      await eventually(() => engine.counts().visitors === 2);
      await (await callFrom(context, "127.0.0.1", port)).say(get).until("hi");
    });

    it("is told in the log once, however many are closed", async (context) => {
      const lines: string[] = [];
      const log = { info: () => undefined, warn: (line: string) => void lines.push(line) };
      const { engine, port } = await startEngine(context, () => own, {
        transport,
        log,
        limits: { connectionsPerAddressMax: 1 },
      });
      await callFrom(context, "127.0.0.1", port);
      for (let more = 0; more < 5; more++) {
        await (await callFrom(context, "127.0.0.1", port)).ended();
      }
      assert.equal(engine.counts().refused, 5);
      assert.equal(lines.length, 1);
      assert.match(lines[0] ?? "", /127\.0\.0\.1: it has 1, as many as one address may/);
    });

    it("has as many as it likes when it is trusted, or when there is no bound", async (context) => {
      const bounds = [
        { trusted: ["127.0.0.0/8"], limits: { connectionsPerAddressMax: 1 } },
        { limits: { connectionsMax: 3, connectionsPerAddressMax: 0 } },
      ];
      for (const bound of bounds) {
        const { engine, port } = await startEngine(context, () => own, { transport, ...bound });
        for (let count = 0; count < 3; count++) {
          await (await callFrom(context, "127.0.0.1", port)).say(get).until("hi");
        }
        assert.deepEqual([engine.counts().accepted, engine.counts().refused], [3, 0]);
      }
    });

    it("has a quarter of all unless something else is said", async (context) => {
      const { engine, port } = await startEngine(context, () => own, {
        transport,
        limits: { connectionsMax: 8 },
      });
      const first = [await callFrom(context, "127.0.0.1", port)];
      first.push(await callFrom(context, "127.0.0.1", port));
      await (await callFrom(context, "127.0.0.1", port)).ended();
      assert.equal(engine.counts().refused, 1);
    });

    it("keeps its place while its connection is a tunnel", async (context) => {
      const { address } = await startEndpoint(context, async (peer) => {
        await peer.head();
        peer.say("HTTP/1.1 101 On\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n");
        await peer.ended();
        peer.socket.end();
      });
      const { engine, port } = await startEngine(context, address, {
        transport,
        limits: { connectionsPerAddressMax: 1 },
      });
      const upgrade = get.replace("\r\n\r\n", "\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n");
      const visitor = await callFrom(context, "127.0.0.1", port);
      await visitor.say(upgrade).head();
      await (await callFrom(context, "127.0.0.1", port)).ended();
      visitor.socket.destroy();
      await eventually(() => engine.counts().tunnels === 0);
      await (await callFrom(context, "127.0.0.1", port)).say(upgrade).head();
    });

    for (const acceptsPlainHttp2 of [false, true]) {
      const also = acceptsPlainHttp2 ? ", also where HTTP/2 is spoken" : "";
      it(`is the one that a PROXY header names, not its carrier's${also}`, async (context) => {
        const { engine, port } = await startEngine(context, () => own, {
          transport,
          acceptsProxy: true,
          acceptsPlainHttp2,
          trusted: ["127.0.0.1"],
          limits: { connectionsPerAddressMax: 1 },
        });
        const carry = async (address: string) => {
          const peer = await callFrom(context, "127.0.0.1", port);
          return peer.say(`PROXY TCP4 ${address} 10.0.0.1 5000 80\r\n${get}`);
        };
        const ann = await carry("203.0.113.1");
        await ann.until("hi");
        await (await carry("203.0.113.1")).ended();
        await (await carry("203.0.113.2")).until("hi");
        assert.equal(engine.counts().refused, 1);
        ann.socket.destroy();
        await eventually(() => engine.counts().visitors === 1);
        await (await carry("203.0.113.1")).until("hi");
        // Who is not trusted may carry nobody, and has few connections to try it on.
        await callFrom(context, "127.0.0.2", port);
        await (await callFrom(context, "127.0.0.2", port)).ended();
      });
    }
  });
}

describe("an address, where TLS is spoken", () => {
  const authority = makeAuthority();

  it("has so many connections in all, of either protocol and of none yet", async (context) => {
    const engine = new Engine({
      director: { direct: () => own },
      limits: { connectionsPerAddressMax: 3 },
    });
    context.after(async () => engine.stop({ graceMs: 0 }));
    engine.useCertificates({ certificates: [authority.give("a.example")], challenges: [] });
    const { port } = await engine.listen({ port: 0, host: "127.0.0.1", tls: true });
    const trust = { ca: authority.certificate, servername: "a.example" };
    const secured = connectTls({ port, host: "127.0.0.1", ...trust });
    const session = connectHttp2(`https://127.0.0.1:${port}`, trust);
    context.after(() => [secured, session].forEach((one) => one.destroy()));
    await Promise.all([once(secured, "secureConnect"), once(session, "remoteSettings")]);
    const silent = await callFrom(context, "127.0.0.1", port);
    await (await callFrom(context, "127.0.0.1", port)).ended();
    assert.deepEqual([engine.counts().accepted, engine.counts().refused], [3, 1]);
    for (const one of [secured, session, silent.socket]) {
      one.destroy();
      const next = await again(context, port);
      next.socket.destroy();
    }
    await eventually(() => engine.counts().visitors === 0);
  });
});

/** One that is let in: what was there before may take a moment to be gone. */
async function again(context: TestContext, port: number): Promise<Peer> {
  for (;;) {
    const peer = await callFrom(context, "127.0.0.1", port);
    // Plain HTTP is answered with words, and that only where a place was left.
    await peer.say(get).ended();
    if (peer.heard.startsWith("HTTP/1.1 400")) return peer;
  }
}
