import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
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

const agreed =
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n";
const wish =
  "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n";
/** A text frame of a server, and of a client with an all-zero mask. */
const fromServer = "\x81\x05hello";
const fromClient = "\x81\x85\0\0\0\0hello";

for (const transport of transports) {
  describe(`upgrades (${transport})`, () => {
    async function opened(context: TestContext, rest = "", request = wish, answer = agreed) {
      const ends = new Ends();
      const { observer } = ends;
      let app: Peer | undefined;
      const endpoint = await startEndpoint(context, async (peer) => {
        app = peer;
        const head = await peer.head();
        assert.match(head, /\r\nConnection: upgrade\r\n/i);
        peer.say(answer + rest);
      });
      const { port, engine } = await startEngine(
        context,
        () => ({ kind: "forward", address: endpoint.address, observer }),
        { transport, limits: { lingerMs: 1_000 } },
      );
      const visitor = await call(context, port);
      visitor.say(request);
      const head = await visitor.head();
      return { visitor, app: app ?? assert.fail(), head, ends, engine, address: endpoint.address };
    }

    it("carry bytes both ways after the endpoint's 101", async (context) => {
      const { visitor, app, head, ends, engine, address } = await opened(context);
      assert.match(head, /^HTTP\/1\.1 101 /);
      assert.match(head, /\r\nUpgrade: websocket\r\n/i);
      assert.match(head, /\r\nConnection: upgrade\r\n/i);
      assert.equal(engine.counts().tunnels, 1);
      assert.equal(engine.inFlight(address), 1);
      for (let count = 0; count < 3; count++) {
        visitor.say(fromClient);
        assert.equal(await app.bytes(fromClient.length), fromClient);
        app.say(fromServer);
        assert.equal(await visitor.bytes(fromServer.length), fromServer);
      }
      visitor.socket.end();
      await app.ended();
      app.socket.end("\x88\0", "latin1");
      assert.equal(await visitor.rest(), "\x88\0");
      const [end] = await ends.count(1);
      assert.equal(end?.how, "complete");
      assert.equal(end?.status, 101);
      assert.equal(end?.answerBytes, 3 * fromServer.length + 2);
      assert.equal(engine.inFlight(address), 0);
    });

    it("lose nothing of what is sent right behind the heads", async (context) => {
      const { visitor, app } = await opened(context, fromServer, wish + fromClient);
      assert.equal(await visitor.bytes(fromServer.length), fromServer);
      assert.equal(await app.bytes(fromClient.length), fromClient);
    });

    it("carry large messages whole, whatever the speed of the other side", async (context) => {
      const { visitor, app } = await opened(context);
      const large = "x".repeat(3_000_000);
      app.socket.pause();
      visitor.say(large);
      await new Promise((resolve) => setTimeout(resolve, 50));
      app.socket.resume();
      assert.equal(await app.bytes(large.length), large);
      app.say(large);
      assert.equal(await visitor.bytes(large.length), large);
    });

    it("work for other protocols than websocket", async (context) => {
      const { visitor, app } = await opened(
        context,
        "",
        wish.replaceAll("websocket", "echo/1"),
        agreed.replaceAll("websocket", "echo/1"),
      );
      visitor.say("ping");
      assert.equal(await app.bytes(4), "ping");
    });

    it("may be refused with an ordinary answer, and the connection goes on", async (context) => {
      const endpoint = await startEndpoint(context, async (peer) => {
        await peer.head();
        peer.say(answerOf("no"));
        await peer.head();
        peer.say(answerOf("yes"));
      });
      const { port } = await startEngine(context, endpoint.address, { transport });
      const visitor = await call(context, port);
      visitor.say(wish);
      await visitor.until("no");
      visitor.say(get);
      await visitor.until("yes");
    });

    it("end with the other side when one breaks", async (context) => {
      const { visitor, app, ends } = await opened(context);
      app.socket.resetAndDestroy();
      await visitor.ended();
      await ends.count(1);
    });

    it("get a close frame both ways when their endpoint is to end, between frames", async (context) => {
      const { visitor, app, engine, address, ends } = await opened(context);
      app.say(fromServer.slice(0, 4));
      await visitor.bytes(4);
      engine.endTunnels({ address: "127.0.0.1:1", graceMs: 0 });
      engine.endTunnels({ address, graceMs: 0 });
      assert.equal(await app.rest(), "\x88\x82\x5a\x17\xc3\x88\x59\xfe");
      app.say(fromServer.slice(4));
      assert.equal(await visitor.rest(), fromServer.slice(4) + "\x88\x02\x03\xe9");
      await ends.count(1);
      assert.equal(engine.counts().tunnels, 0);
    });

    it("are left alone until the grace is over, and get a plain end when they are no websockets", async (context) => {
      const { visitor, app, engine, address } = await opened(
        context,
        "",
        wish.replaceAll("websocket", "echo/1"),
        agreed.replaceAll("websocket", "echo/1"),
      );
      engine.endTunnels({ address, graceMs: 300 });
      visitor.say("still");
      assert.equal(await app.bytes(5), "still");
      assert.equal(await app.rest(), "");
      assert.equal(await visitor.rest(), "");
    });
  });
}

describe("h2c", () => {
  it("is no upgrade that is passed on", async (context) => {
    let seen = "";
    const endpoint = await startEndpoint(context, async (peer) => {
      seen = await peer.head();
      peer.say(answerOf("plain"));
    });
    const { port } = await startEngine(context, endpoint.address);
    const visitor = await call(context, port);
    visitor.say(
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAAA\r\n\r\n",
    );
    await visitor.until("plain");
    await eventually(() => seen !== "");
    assert.doesNotMatch(seen, /upgrade|http2/i);
  });
});
