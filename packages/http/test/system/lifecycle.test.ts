import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Engine } from "../../src/engine.js";
import {
  answerOf,
  call,
  Ends,
  eventually,
  get,
  startEndpoint,
  startEngine,
  transports,
  type Peer,
} from "./support/rig.js";

/** Answers everything, at once or when it is told to. */
async function serveAll(peer: Peer): Promise<void> {
  for (;;) {
    await peer.head();
    peer.say(answerOf("served"));
  }
}

for (const transport of transports) {
  describe(`stopping (${transport})`, () => {
    it("ends idle connections at once, and busy ones with their answer, which says so", async (context) => {
      let app: Peer | undefined;
      const endpoint = await startEndpoint(context, async (peer) => {
        app = peer;
        await peer.head();
      });
      const { port, engine } = await startEngine(context, endpoint.address, { transport });
      const idle = await call(context, port);
      const busy = await call(context, port);
      busy.say(get);
      await eventually(() => app !== undefined);
      const stopped = engine.stop({ graceMs: 10_000 });
      assert.equal(await idle.rest(), "");
      app?.say(answerOf("last"));
      assert.match(await busy.rest(), /\r\nConnection: close\r\n.*last$/s);
      await stopped;
      await assert.rejects(call(context, port), /ECONNREFUSED/);
      await app?.ended();
    });

    it("cuts what is still there after the grace", async (context) => {
      const ends = new Ends();
      const { observer } = ends;
      const endpoint = await startEndpoint(context, () => undefined);
      const { port, engine } = await startEngine(
        context,
        () => ({ kind: "forward", address: endpoint.address, observer }),
        { transport },
      );
      const visitor = await call(context, port);
      visitor.say(get);
      await eventually(() => engine.inFlight(endpoint.address) === 1);
      await engine.stop({ graceMs: 50 });
      assert.equal(await visitor.rest(), "");
      await ends.count(1);
      await endpoint.peers[0]?.ended();
    });

    it("finishes a long download that is under way", async (context) => {
      const body = "x".repeat(2_000_000);
      const endpoint = await startEndpoint(context, async (peer) => {
        await peer.head();
        peer.say(answerOf(body).slice(0, 1000));
        await eventually(() => isStopping);
        peer.say(answerOf(body).slice(1000));
      });
      let isStopping = false;
      const { port, engine } = await startEngine(context, endpoint.address, { transport });
      const visitor = await call(context, port);
      visitor.say(get);
      await visitor.head();
      const stopped = engine.stop({ graceMs: 10_000 });
      isStopping = true;
      assert.equal((await visitor.rest()).length, body.length);
      await stopped;
    });
  });

  describe(`endpoints (${transport})`, () => {
    it("keep no connection once their address is gone, but finish what they do", async (context) => {
      const endpoint = await startEndpoint(context, serveAll);
      let slow: Peer | undefined;
      const other = await startEndpoint(context, async (peer) => {
        await peer.head();
        slow = peer;
      });
      const { port, engine } = await startEngine(
        context,
        ({ target }) => ({
          kind: "forward",
          address: target === "/slow" ? other.address : endpoint.address,
        }),
        { transport },
      );
      const visitor = await call(context, port);
      visitor.say(get);
      await visitor.until("served");
      assert.equal(engine.counts().idleEndpoints, 1);
      visitor.say("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
      await eventually(() => slow !== undefined);
      engine.retain(new Set());
      assert.equal(engine.counts().idleEndpoints, 0);
      assert.equal(engine.inFlight(other.address), 1);
      slow?.say(answerOf("finished"));
      await visitor.until("finished");
      assert.equal(engine.inFlight(other.address), 0);
      assert.equal(engine.counts().idleEndpoints, 0);
      await slow?.ended();
    });

    it("lose connections that nobody used for long", async (context) => {
      const endpoint = await startEndpoint(context, serveAll);
      const { port, engine } = await startEngine(context, endpoint.address, {
        transport,
        limits: { endpointIdleMs: 50 },
      });
      const visitor = await call(context, port);
      visitor.say(get);
      await visitor.until("served");
      await endpoint.peers[0]?.ended();
      await eventually(() => engine.counts().endpoints === 0);
    });

    it("get a copy of what is shadowed, and nobody sees what becomes of it", async (context) => {
      const endpoint = await startEndpoint(context, serveAll);
      const copies: string[] = [];
      const shadow = await startEndpoint(context, async (peer) => {
        const head = await peer.head();
        copies.push(head + (await peer.bytes(7)));
        peer.socket.destroy();
      });
      const { port, engine } = await startEngine(
        context,
        () => ({
          kind: "forward",
          address: endpoint.address,
          shadow: { address: shadow.address, host: "shadow.example" },
        }),
        { transport },
      );
      const visitor = await call(context, port);
      visitor.say("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\npay");
      await eventually(() => endpoint.peers[0]?.heard.includes("pay") !== false);
      visitor.say("load");
      await visitor.until("served");
      await eventually(() => copies.length === 1);
      assert.match(
        copies[0] ?? "",
        /^POST \/x HTTP\/1\.1\r\n.*Host: shadow\.example\r\n.*payload$/s,
      );
      await eventually(() => engine.inFlight(shadow.address) === 0);
    });
  });
}

describe("listening", () => {
  it("says that a port is taken, in a way that can be told apart", async (context) => {
    const { port } = await startEngine(context, "127.0.0.1:1");
    const engine = new Engine({ director: { direct: () => assert.fail() } });
    await assert.rejects(engine.listen({ port, host: "127.0.0.1" }), { code: "PORT_IN_USE" });
  });

  it("can be taken over by somebody else while connections go on", async (context) => {
    const endpoint = await startEndpoint(context, serveAll);
    const { port, engine } = await startEngine(context, endpoint.address);
    const visitor = await call(context, port);
    visitor.say(get);
    await visitor.until("served");
    engine.handOver();
    const next = new Engine({
      director: { direct: () => ({ kind: "answer", status: 200, headers: [], body: "next" }) },
    });
    await next.listen({ port, host: "127.0.0.1" });
    context.after(async () => next.stop({ graceMs: 0 }));
    visitor.say(get);
    await visitor.until("served");
    const other = await call(context, port);
    other.say(get);
    await other.until("next");
  });

  it("takes no more connections than it may", async (context) => {
    const endpoint = await startEndpoint(context, serveAll);
    const { port } = await startEngine(context, endpoint.address, {
      limits: { connectionsMax: 1, connectionsPerAddressMax: 0 },
    });
    const first = await call(context, port);
    first.say(get);
    await first.until("served");
    const second = await call(context, port);
    await second.ended();
  });

  it("believes a PROXY header where it is asked for, and takes nobody without", async (context) => {
    let seen = "";
    const endpoint = await startEndpoint(context, async (peer) => {
      seen = await peer.head();
      peer.say(answerOf("served"));
    });
    const { port } = await startEngine(context, endpoint.address, { acceptsProxy: true });
    const visitor = await call(context, port);
    await visitor.spell("PROXY TCP4 203.0.113.7 10.0.0.1 51234 443\r\n");
    visitor.say(get);
    await visitor.until("served");
    assert.match(seen, /\r\nX-Forwarded-For: 203\.0\.113\.7\r\n/);
    const other = await call(context, port);
    other.say(get);
    assert.equal(await other.rest(), "");
  });

  it("believes what a trusted proxy says about its visitor", async (context) => {
    let seen = "";
    const endpoint = await startEndpoint(context, async (peer) => {
      seen = await peer.head();
      peer.say(answerOf("served"));
    });
    const addresses: string[] = [];
    const { port } = await startEngine(
      context,
      (request) => {
        addresses.push(`${request.address} ${request.isSecure}`);
        return { kind: "forward", address: endpoint.address };
      },
      { trusted: ["127.0.0.0/8"] },
    );
    const visitor = await call(context, port);
    visitor.say(
      "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: https\r\nX-Request-Id: abc\r\n\r\n",
    );
    await visitor.until("served");
    assert.deepEqual(addresses, ["203.0.113.7 true"]);
    assert.match(seen, /\r\nX-Forwarded-For: 203\.0\.113\.7, 127\.0\.0\.1\r\n/);
    assert.match(seen, /\r\nX-Request-Id: abc\r\n/);
  });
});
