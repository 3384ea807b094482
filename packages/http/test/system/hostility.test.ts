/** Those who mean harm, or take no care: what they get, and that nobody else feels it. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectHttp2, type IncomingHttpHeaders } from "node:http2";
import { connect, createServer, type AddressInfo } from "node:net";
import { describe, it, type TestContext } from "node:test";
import type { Answer } from "../../src/exchange.js";
import { TlsFront } from "../../src/system/tls.js";
import {
  answerOf,
  call,
  Ends,
  eventually,
  get,
  startEndpoint,
  startEngine,
  transports,
} from "./support/rig.js";

const own = (body: string): Answer => ({ kind: "answer", status: 200, headers: [], body });

/** One request by HTTP/2. */
async function ask(
  context: TestContext,
  port: number,
  fields: Record<string, string> = {},
): Promise<{ readonly status: number; readonly body: string; readonly interims: number }> {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  context.after(() => session.destroy());
  const stream = session.request({ ":path": "/", ...fields });
  let interims = 0;
  stream.on("headers", () => (interims += 1));
  const [head] = (await once(stream, "response")) as [IncomingHttpHeaders & { ":status": number }];
  let body = "";
  for await (const piece of stream.setEncoding("latin1")) body += String(piece);
  return { status: head[":status"], body, interims };
}

describe("an endpoint that says", () => {
  for (const status of [600, 999]) {
    it(`${status} is a failure to visitors of HTTP/2, and hurts nobody`, async (context) => {
      let line = `${status} Odd`;
      const { address } = await startEndpoint(context, async (peer) => {
        for (;;) {
          await peer.head();
          peer.say(`HTTP/1.1 ${line}\r\nContent-Length: 2\r\n\r\nhi`);
        }
      });
      const { port } = await startEngine(context, address, { acceptsPlainHttp2: true });
      assert.deepEqual(await ask(context, port), { status: 502, body: "hi", interims: 0 });
      const visitor = await call(context, port);
      assert.match(await visitor.say(get).head(), new RegExp(`^HTTP/1.1 ${status} `));
      line = "200 OK";
      assert.equal((await ask(context, port)).status, 200);
    });
  }

  it("fields of a connection gets none of them through to HTTP/2", async (context) => {
    const lines = ["HTTP2-Settings: a", "TE: gzip", "Upgrade: h2c", "Proxy-Connection: a"];
    const { address } = await startEndpoint(context, async (peer) => {
      await peer.head();
      peer.say(`HTTP/1.1 103 Early\r\n${lines.join("\r\n")}\r\n\r\n`);
      peer.say(answerOf("hi", `${lines.join("\r\n")}\r\n`));
    });
    const { port } = await startEngine(context, address, { acceptsPlainHttp2: true });
    assert.deepEqual(await ask(context, port), { status: 200, body: "hi", interims: 1 });
  });

  it("interim answers without end is given up", async (context) => {
    const ends = new Ends();
    const { address, peers } = await startEndpoint(context, async (peer) => {
      await peer.head();
      peer.say("HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n".repeat(1_000));
      peer.say(answerOf("never"));
    });
    const { port } = await startEngine(context, () => ({
      kind: "forward",
      address,
      observer: ends.observer,
    }));
    const visitor = await call(context, port);
    const heard = await visitor.say(get).until("more than 100 interim answers");
    assert.equal(heard.split("HTTP/1.1 103 ").length - 1, 100);
    assert.match(heard, /HTTP\/1\.1 502 /);
    await peers[0]?.ended();
    assert.equal((await ends.count(1))[0]?.how, "failed");
  });

  it("more than its answer gives nothing of that to the next visitor", async (context) => {
    const evil = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    for (const more of [evil, "\r\n", "x"]) {
      const { address, peers } = await startEndpoint(context, async (peer) => {
        for (;;) {
          await peer.head();
          peer.say(answerOf("good") + more);
        }
      });
      const { port } = await startEngine(context, address);
      for (let round = 0; round < 3; round++) {
        const visitor = await call(context, port);
        assert.match(await visitor.say(get).until("good"), /^HTTP\/1\.1 200 OK/);
        await eventually(() => peers.every(({ isEnded, isClosed }) => isEnded || isClosed));
        assert.equal(visitor.heard, "");
      }
      assert.equal(peers.length, 3);
    }
  });
});

describe("an endpoint that ends kept connections as they are used again", () => {
  it("costs nobody his answer, though another kept one is free first", async (context) => {
    const { address, peers } = await startEndpoint(context, async (peer, index) => {
      await peer.head();
      peer.say(answerOf(`first of ${index}`));
      await peer.head();
      if (index === 0) return;
      peer.socket.destroy();
      peers[0]?.say(answerOf("held back"));
      await peers[0]?.head();
      peers[0]?.socket.destroy();
    });
    const { port } = await startEngine(context, address);
    const [ann, bob] = [await call(context, port), await call(context, port)];
    await ann.say(get).until("first of 0");
    ann.say(get);
    await bob.say(get).until("first of 1");
    assert.match(await bob.say(get).until("first of 2"), /^HTTP\/1\.1 200 OK/);
    assert.match(await ann.until("held back"), /^HTTP\/1\.1 200 OK/);
  });
});

for (const transport of transports) {
  describe(`a visitor of ${transport} sockets who does not read`, () => {
    for (const kind of ["the proxy", "an endpoint"]) {
      it(`gets only so many answers of ${kind}, however many requests he sends`, async (context) => {
        const body = "x".repeat(4_000);
        const { address } = await startEndpoint(context, async (peer) => {
          for (;;) {
            await peer.head();
            peer.say(answerOf(body));
          }
        });
        const { engine, port } = await startEngine(
          context,
          () => (kind === "the proxy" ? own(body) : { kind: "forward", address }),
          { transport },
        );
        const visitor = connect(port, "127.0.0.1").pause();
        context.after(() => visitor.destroy());
        const count = 10_000;
        visitor.write(get.repeat(count));
        // What the kernel holds of a connection is some MB; all answers are 40 MB.
        await settled(() => engine.counts().requests);
        assert.ok(
          engine.counts().requests < count / 2,
          `${engine.counts().requests} were answered`,
        );
        // And he gets all of them when he does.
        let heardBytes = 0;
        visitor.on("data", (bytes: Buffer) => (heardBytes += bytes.length)).resume();
        await eventually(() => engine.counts().requests === count && heardBytes > count * 4_000);
      });
    }

    for (const how of ["close", "keep-alive"]) {
      it(`gets all of an answer with ${how}, though it takes him longer than an idle connection may`, async (context) => {
        const size = 24_000_000;
        const { engine, port } = await startEngine(context, () => own("x".repeat(size)), {
          transport,
          limits: { lingerMs: 1, keepAliveMs: 1 },
        });
        const visitor = connect(port, "127.0.0.1").pause();
        context.after(() => visitor.destroy());
        visitor.write(`GET / HTTP/1.1\r\nHost: a\r\nConnection: ${how}\r\n\r\n`);
        await eventually(() => engine.counts().requests === 1);
        await sweeps(3);
        let heardBytes = 0;
        visitor.on("data", (bytes: Buffer) => (heardBytes += bytes.length)).resume();
        await once(visitor, "end");
        assert.ok(heardBytes > size, `only ${heardBytes} bytes came`);
      });
    }

    it("gets all of it also while the engine stops", async (context) => {
      const size = 24_000_000;
      const { engine, port } = await startEngine(context, () => own("x".repeat(size)), {
        transport,
        limits: { lingerMs: 1 },
      });
      const visitor = connect(port, "127.0.0.1").pause();
      visitor.write(get);
      await eventually(() => engine.counts().requests === 1);
      const stopped = engine.stop({ graceMs: 30_000 });
      let heardBytes = 0;
      visitor.on("data", (bytes: Buffer) => (heardBytes += bytes.length)).resume();
      await Promise.all([once(visitor, "end"), stopped]);
      assert.ok(heardBytes > size, `only ${heardBytes} bytes came`);
    });
  });
}

describe("connections at the same time", () => {
  it("are bounded, those that became something else included", async (context) => {
    const { address } = await startEndpoint(context, async (peer) => {
      await peer.head();
      peer.say("HTTP/1.1 101 On\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n");
    });
    const { engine, port } = await startEngine(context, address, {
      limits: { connectionsMax: 2, connectionsPerAddressMax: 0 },
    });
    const upgrade = get.replace("\r\n\r\n", "\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n");
    for (let tunnels = 0; tunnels < 2; tunnels++) {
      assert.match(await (await call(context, port)).say(upgrade).head(), /^HTTP\/1\.1 101 /);
    }
    assert.equal(engine.counts().tunnels, 2);
    await (await call(context, port)).ended();
  });
});

describe("connections that say nothing before their PROXY header", () => {
  it("are bounded in number and in time, with HTTP/2 as without", async (context) => {
    for (const acceptsPlainHttp2 of [true, false]) {
      const { engine, port } = await startEngine(context, "127.0.0.1:1", {
        acceptsProxy: true,
        acceptsPlainHttp2,
        limits: { connectionsMax: 2, connectionsPerAddressMax: 0, headMs: 400 },
      });
      const silent = [await call(context, port), await call(context, port)];
      await eventually(() => engine.counts().visitors === 2);
      await (await call(context, port)).ended();
      assert.equal(engine.counts().accepted, 2);
      for (const visitor of silent) await visitor.ended();
      await eventually(() => engine.counts().visitors === 0);
    }
  });
});

describe("a connection that says nothing where TLS is spoken", () => {
  it("has no place once it ends, though nothing was said", async (context) => {
    const front = new TlsFront({ protocols: ["http/1.1"], onSecure: () => assert.fail("no") });
    context.after(() => front.close());
    const server = createServer({ allowHalfOpen: true }, (raw) => front.accept(raw));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    context.after(() => server.close());
    const visitor = await call(context, (server.address() as AddressInfo).port);
    await eventually(() => front.counts().underWay === 1);
    visitor.socket.end();
    await eventually(() => front.counts().underWay === 0);
    assert.equal(front.counts().problems.slow, 0);
  });
});

/** Until a number has not changed for several sweeps. */
async function settled(read: () => number): Promise<void> {
  for (let before = -1; before !== read();) {
    before = read();
    await sweeps(2);
  }
}

/** Deadlines are looked at every 200 ms. */
async function sweeps(count: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, count * 200));
}
