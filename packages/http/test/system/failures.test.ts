import assert from "node:assert/strict";
import { createServer } from "node:net";
import { once } from "node:events";
import { describe, it, type TestContext } from "node:test";
import type { AttemptFailure, Forward } from "../../src/exchange.js";
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

/** An address at which nobody listens. */
async function nobody(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return `127.0.0.1:${port}`;
}

for (const transport of transports) {
  describe(`failures (${transport})`, () => {
    it("answers 502 in plain words when nobody listens there, and keeps the connection", async (context) => {
      const ends = new Ends();
      const { observer } = ends;
      const address = await nobody();
      const { port } = await startEngine(context, () => ({ kind: "forward", address, observer }), {
        transport,
      });
      const visitor = await call(context, port);
      for (let count = 1; count <= 2; count++) {
        visitor.say(get);
        assert.match(
          await visitor.until("nothing listens there\n"),
          /^HTTP\/1\.1 502 Bad Gateway\r\n/,
        );
        assert.equal((await ends.count(count)).at(-1)?.how, "failed");
      }
    });

    it("asks again, and sends the request where it is told then, with its body", async (context) => {
      const address = await nobody();
      const failures: AttemptFailure[] = [];
      const endpoint = await startEndpoint(context, async (peer) => {
        assert.match(await peer.until("payload"), /^POST /);
        peer.say(answerOf("second"));
      });
      const forward: Forward = {
        kind: "forward",
        address,
        again(failure) {
          failures.push(failure);
          return { kind: "forward", address: endpoint.address };
        },
      };
      const { port, engine } = await startEngine(context, () => forward, { transport });
      const visitor = await call(context, port);
      visitor.say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\npayload");
      await visitor.until("second");
      assert.deepEqual(failures, [
        { kind: "refused", sent: false, mayRepeat: true, reason: "nothing listens there" },
      ]);
      assert.equal(engine.inFlight(address), 0);
      assert.equal(engine.inFlight(endpoint.address), 0);
    });

    it("does not repeat what may have been done, and takes the director's answer then", async (context) => {
      const failures: AttemptFailure[] = [];
      let calls = 0;
      const endpoint = await startEndpoint(context, async (peer) => {
        calls += 1;
        await peer.until("payload");
        peer.socket.destroy();
      });
      const forward: Forward = {
        kind: "forward",
        address: endpoint.address,
        again(failure) {
          failures.push(failure);
          if (failures.length === 1) return { kind: "forward", address: endpoint.address };
          return { kind: "answer", status: 503, headers: [], body: "own words" };
        },
      };
      const { port } = await startEngine(context, () => forward, { transport });
      const visitor = await call(context, port);
      const request = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\npayload";
      visitor.say(request);
      assert.match(await visitor.until("ended\n"), /^HTTP\/1\.1 502 /);
      visitor.say(request);
      assert.match(await visitor.until("own words"), /^HTTP\/1\.1 503 /);
      assert.equal(calls, 2);
      assert.deepEqual(
        failures.map(({ kind, sent, mayRepeat }) => ({ kind, sent, mayRepeat })),
        [
          { kind: "broken", sent: true, mayRepeat: false },
          { kind: "broken", sent: true, mayRepeat: false },
        ],
      );
    });

    it("loses nothing of a body that comes only later, while another endpoint is looked for", async (context) => {
      const first = await startEndpoint(context, async (peer) => {
        await peer.head();
        peer.socket.resetAndDestroy();
      });
      const second = await startEndpoint(context, async (peer) => {
        assert.match(await peer.until("payload"), /^PUT /);
        peer.say(answerOf("second"));
      });
      const forward: Forward = {
        kind: "forward",
        address: first.address,
        again: () => {
          visitor.say("payload");
          return { kind: "forward", address: second.address };
        },
      };
      const { port } = await startEngine(context, () => forward, { transport });
      const visitor = await call(context, port);
      visitor.say("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\n");
      await visitor.until("second");
    });

    it("repeats a request by itself when a kept connection turns out to be over", async (context) => {
      const endpoint = await startEndpoint(context, async (peer, index) => {
        await peer.head();
        peer.say(answerOf(`answer ${index}`));
        await peer.head();
        // A server whose patience ended just when the request was on its way.
        peer.socket.resetAndDestroy();
      });
      const { port } = await startEngine(context, endpoint.address, { transport });
      const visitor = await call(context, port);
      visitor.say(get);
      await visitor.until("answer 0");
      visitor.say(get);
      assert.match(await visitor.until("answer 1"), /^HTTP\/1\.1 200 /);
      assert.equal(endpoint.peers.length, 2);
    });

    it("never uses a kept connection again on which something came, or which ended", async (context) => {
      const endpoint = await startEndpoint(context, async (peer, index) => {
        await peer.head();
        peer.say(answerOf(`answer ${index}`));
        if (index === 2) return;
        await eventually(() => engine.counts().idleEndpoints === 1);
        if (index === 0) peer.say("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison");
        else peer.socket.end();
      });
      const { port, engine } = await startEngine(context, endpoint.address, { transport });
      const visitor = await call(context, port);
      for (const index of [0, 1, 2]) {
        visitor.say(get);
        await visitor.until(`answer ${index}`);
        await eventually(() => engine.counts().idleEndpoints === 1);
        await eventually(() => index === 2 || engine.counts().endpoints === 0);
      }
    });

    for (const [what, start] of [
      ["a length", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"],
      ["chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"],
      ["half a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nhalf"],
    ] as const) {
      for (const how of ["ends", "resets"] as const) {
        it(`cuts the visitor off when the endpoint ${how} in a body with ${what}`, async (context) => {
          const ends = new Ends();
          const { observer } = ends;
          const endpoint = await startEndpoint(context, async (peer) => {
            await peer.head();
            peer.say(start);
            await visitor.until("half");
            if (how === "ends") peer.socket.end();
            else peer.socket.resetAndDestroy();
          });
          const { port } = await startEngine(
            context,
            () => ({ kind: "forward", address: endpoint.address, observer }),
            { transport },
          );
          const visitor = await call(context, port);
          visitor.say(get);
          await visitor.ended();
          assert.doesNotMatch(visitor.heard, /0\r\n\r\n|502/);
          const [end] = await ends.count(1);
          assert.equal(end?.how, "cut");
          assert.equal(end?.status, 200);
          assert.equal(end?.answerBytes, 4);
        });
      }
    }

    it("resets an HTTP/1.0 visitor, to whom an end would look like the whole answer", async (context) => {
      const endpoint = await startEndpoint(context, async (peer) => {
        await peer.head();
        peer.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
        await visitor.until("half");
        peer.socket.end();
      });
      const { port } = await startEngine(context, endpoint.address, { transport });
      const visitor = await call(context, port);
      let code = "";
      visitor.socket.on("error", (error: NodeJS.ErrnoException) => (code = error.code ?? ""));
      visitor.say("GET / HTTP/1.0\r\n\r\n");
      await visitor.closed();
      assert.equal(code, "ECONNRESET");
    });

    it("answers 502 for what is no HTTP", async (context) => {
      for (const nonsense of [
        "SSH-2.0-x\r\n",
        "HTTP/1.1 200 OK\nX: 1\n\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
      ]) {
        const endpoint = await startEndpoint(context, (peer) => void peer.say(nonsense));
        const { port } = await startEngine(context, endpoint.address, { transport });
        const visitor = await call(context, port);
        visitor.say(get);
        assert.match(await visitor.head(), /^HTTP\/1\.1 502 /);
      }
    });

    it("ends the endpoint's request at once when the visitor goes", async (context) => {
      const ends = new Ends();
      const { observer } = ends;
      const starts = ["", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"];
      for (const [index, start] of starts.entries()) {
        const endpoint = await startEndpoint(context, async (peer) => {
          await peer.head();
          peer.say(start);
        });
        const { port, engine } = await startEngine(
          context,
          () => ({ kind: "forward", address: endpoint.address, observer }),
          { transport },
        );
        const visitor = await call(context, port);
        visitor.say(get);
        if (start !== "") await visitor.until("half");
        else await eventually(() => endpoint.peers.length === 1);
        visitor.socket.destroy();
        await eventually(() => endpoint.peers.length === 1);
        await endpoint.peers[0]?.ended();
        assert.equal((await ends.count(index + 1))[index]?.how, "left");
        assert.equal(engine.inFlight(endpoint.address), 0);
      }
    });

    it("tells a director that still thinks when the visitor has left", async (context) => {
      let left = false;
      const { port } = await startEngine(
        context,
        {
          direct: async (_request, visitor) =>
            new Promise(() => {
              visitor.signal.addEventListener("abort", () => (left = true));
              visitorPeer.socket.destroy();
            }),
        },
        { transport },
      );
      const visitorPeer = await call(context, port);
      visitorPeer.say(get);
      await eventually(() => left);
    });

    it("answers 500 when the director breaks, and says why in the log", async (context) => {
      const log: string[] = [];
      const { port } = await startEngine(
        context,
        ({ target }) => {
          if (target === "/now") throw new Error("no idea");
          return Promise.reject(new Error("no idea later"));
        },
        { transport, log: { info: () => undefined, warn: (line) => log.push(line) } },
      );
      const visitor = await call(context, port);
      for (const target of ["/now", "/later"]) {
        visitor.say(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
        assert.match(await visitor.until("belongs\n"), /^HTTP\/1\.1 500 /);
      }
      assert.equal(log.length, 2);
    });

    it("gives an early answer, and then closes both connections", async (context) => {
      const endpoint = await startEndpoint(context, async (peer) => {
        await peer.head();
        peer.say("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
      });
      const { port } = await startEngine(context, endpoint.address, { transport });
      const visitor = await call(context, port);
      visitor.say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nsome");
      const answer = await visitor.rest();
      assert.match(answer, /^HTTP\/1\.1 403 .*\r\nConnection: close\r\n.*no$/s);
      await endpoint.peers[0]?.ended();
    });

    it("answers 413 to a body beyond its bound, declared or not", async (context) => {
      const endpoint = await startEndpoint(context, () => undefined);
      const forward: Forward = { kind: "forward", address: endpoint.address, bodyBytesMax: 10 };
      const { port } = await startEngine(context, () => forward, { transport });
      const declared = await call(context, port);
      declared.say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n");
      assert.match(await declared.rest(), /^HTTP\/1\.1 413 /);
      const chunked = await call(context, port);
      chunked.say(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n123456789\r\n",
      );
      await eventually(() => endpoint.peers.length === 1);
      chunked.say("2\r\nxx\r\n");
      assert.match(await chunked.rest(), /^HTTP\/1\.1 413 /);
      await endpoint.peers[0]?.ended();
    });

    it("refuses what has two readings, and closes", async (context) => {
      const endpoint = await startEndpoint(context, () => undefined);
      const { port } = await startEngine(context, endpoint.address, { transport });
      const bad = [
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "\0\0\0\0\r\n\r\n",
      ];
      for (const request of bad) {
        const visitor = await call(context, port);
        visitor.say(request);
        assert.match(await visitor.rest(), /^HTTP\/1\.1 400 .*\r\nConnection: close\r\n/s);
      }
      const connecting = await call(context, port);
      connecting.say("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n");
      assert.match(await connecting.rest(), /^HTTP\/1\.1 (?:400|405|501) /);
      assert.equal(endpoint.peers.length, 0);
    });

    it("refuses bad chunks of a body that is under way, and ends the endpoint's request", async (context) => {
      const endpoint = await startEndpoint(context, () => undefined);
      const { port } = await startEngine(context, endpoint.address, { transport });
      const visitor = await call(context, port);
      visitor.say("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
      await eventually(() => endpoint.peers[0]?.heard.includes("abc") === true);
      visitor.say("zz\r\n");
      assert.match(await visitor.rest(), /^HTTP\/1\.1 400 /);
      await endpoint.peers[0]?.ended();
    });
  });
}

describe("time", () => {
  async function slow(context: TestContext, limits: object) {
    const endpoint = await startEndpoint(context, () => undefined);
    return startEngine(context, endpoint.address, { limits });
  }

  it("is bounded for a request's head", async (context) => {
    const { port } = await slow(context, { headMs: 50 });
    const visitor = await call(context, port);
    visitor.say("GET / HTTP/1.1\r\nHos");
    assert.match(await visitor.rest(), /^HTTP\/1\.1 408 /);
    const silent = await call(context, port);
    assert.equal(await silent.rest(), "");
  });

  it("is bounded for a connection without a request", async (context) => {
    const endpoint = await startEndpoint(context, async (peer) => {
      await peer.head();
      peer.say(answerOf("ok"));
    });
    const { port } = await startEngine(context, endpoint.address, { limits: { keepAliveMs: 50 } });
    const visitor = await call(context, port);
    visitor.say(get);
    await visitor.until("ok");
    assert.equal(await visitor.rest(), "");
  });

  it("is bounded for the answer's head, and for connecting", async (context) => {
    const { port } = await slow(context, { answerHeadMs: 50 });
    const visitor = await call(context, port);
    visitor.say(get);
    assert.match(await visitor.until("s\n"), /^HTTP\/1\.1 504 .*did not answer within/s);
  });

  it("is bounded for a body that stops coming, from either side", async (context) => {
    const { port } = await slow(context, { bodyMs: 50 });
    const visitor = await call(context, port);
    visitor.say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
    assert.match(await visitor.rest(), /^HTTP\/1\.1 408 .*stopped coming/s);
    const endpoint = await startEndpoint(context, (peer) => {
      peer.say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab");
    });
    const other = await startEngine(context, endpoint.address, { limits: { answerIdleMs: 50 } });
    const reader = await call(context, other.port);
    reader.say(get);
    assert.match(await reader.rest(), /ab$/);
    await endpoint.peers[0]?.ended();
  });

  it("is bounded for waiting when an endpoint has no connection free, and so is the queue", async (context) => {
    const endpoint = await startEndpoint(context, () => undefined);
    const limits = { endpointConnectionsMax: 1, endpointQueueMax: 1, connectMs: 500 };
    const { port } = await startEngine(context, endpoint.address, { limits });
    const first = await call(context, port);
    first.say(get);
    await eventually(() => endpoint.peers[0]?.heard.includes("GET") === true);
    const second = await call(context, port);
    second.say(get);
    await eventually(() => true);
    const third = await call(context, port);
    third.say(get);
    const answers = [await second.head(), await third.head()];
    for (const answer of answers) assert.match(answer, /^HTTP\/1\.1 502 /);
  });
});
