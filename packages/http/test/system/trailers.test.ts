/** What endpoints send behind their chunks: what of it goes on, whoever asks. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectHttp2, type IncomingHttpHeaders } from "node:http2";
import { describe, it } from "node:test";
import { call, get, startEndpoint, startEngine } from "./support/rig.js";

const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const sent =
  "5\r\nhello\r\n0\r\nX-Sum: 1\r\nTE: gzip\r\nKeep-Alive: 5\r\nCache_Control: no\r\ngrpc-status: \t0\r\n\r\n";
const passed = "5\r\nhello\r\n0\r\nX-Sum: 1\r\ngrpc-status: 0\r\n\r\n";

describe("trailers of an endpoint that must not be any", () => {
  it("are left out, and the rest goes on, at every split", async (context) => {
    const whole = head + sent;
    let at = 0;
    const { address, peers } = await startEndpoint(context, async (peer) => {
      for (;;) {
        await peer.head();
        peer.say(whole.slice(0, at));
        await new Promise((resolve) => setTimeout(resolve, 2));
        peer.say(whole.slice(at));
      }
    });
    const { port } = await startEngine(context, address);
    const visitor = await call(context, port);
    for (at = 1; at <= whole.length; at++) {
      const text = await visitor.say(get).until("\r\n\r\n");
      assert.match(text, /^HTTP\/1\.1 200 OK\r\n/);
      assert.equal(await visitor.until("\r\n\r\n"), passed, `split at ${at}`);
    }
    assert.equal(peers.length, 1, "the endpoint's connection was good all the time");
  });

  it("may be all there are, and more than one buffer", async (context) => {
    const many = Array.from({ length: 100 }, (_, index) => `TE: ${"x".repeat(60)}${index}\r\n`);
    for (const trailers of ["TE: a\r\n", many.join("")]) {
      const { address } = await startEndpoint(context, async (peer) => {
        for (;;) {
          await peer.head();
          peer.say(`${head}5\r\nhello\r\n0\r\n`);
          for (const line of trailers.split(/(?<=\n)/)) {
            peer.say(line);
            await new Promise((resolve) => setImmediate(resolve));
          }
          peer.say("\r\n");
        }
      });
      const { port } = await startEngine(context, address);
      const visitor = await call(context, port);
      for (let round = 0; round < 2; round++) {
        await visitor.say(get).head();
        assert.equal(await visitor.until("0\r\n\r\n"), "5\r\nhello\r\n0\r\n\r\n");
      }
    }
  });

  it("do not reach HTTP/1.0 or HTTP/2 either", async (context) => {
    const { address } = await startEndpoint(context, async (peer) => {
      for (;;) {
        await peer.head();
        peer.say(head + sent);
      }
    });
    const { port } = await startEngine(context, address, { acceptsPlainHttp2: true });
    const old = await call(context, port);
    assert.match(await old.say("GET / HTTP/1.0\r\n\r\n").rest(), /\r\n\r\nhello$/);
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    context.after(() => session.destroy());
    const stream = session.request({ ":path": "/" }).resume();
    const [trailers] = (await once(stream, "trailers")) as [IncomingHttpHeaders];
    assert.deepEqual(Object.entries(trailers), [
      ["x-sum", "1"],
      ["grpc-status", "0"],
    ]);
  });

  it("that are no fields make the answer none", async (context) => {
    for (const line of ["no field", "a b: c", "a: \0", "a: b\n"]) {
      const { address } = await startEndpoint(context, async (peer) => {
        await peer.head();
        peer.say(`${head}5\r\nhello\r\n0\r\n${line}\r\n\r\n`);
      });
      const { port } = await startEngine(context, address);
      const visitor = await call(context, port);
      assert.match(await visitor.say(get).head(), /^HTTP\/1\.1 502 /, line);
    }
  });
});

describe("trailers of a visitor that must not be any", () => {
  it("are refused with his request", async (context) => {
    const { address } = await startEndpoint(context, () => undefined);
    const { port } = await startEngine(context, address);
    const visitor = await call(context, port);
    visitor.say(
      "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nTE: a\r\n\r\n",
    );
    assert.match(await visitor.rest(), /^HTTP\/1\.1 400 .*a trailer that must not be one: te/s);
  });
});
