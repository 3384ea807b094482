import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { compileEdits } from "../../src/core/edits.js";
import type { Forward } from "../../src/exchange.js";
import {
  answerOf,
  call,
  Ends,
  get,
  startEndpoint,
  startEngine,
  transports,
} from "./support/rig.js";

for (const transport of transports) {
  describe(`forwarding (${transport})`, () => {
    /** What comes at an endpoint that answers with that, and what at the visitor. */
    async function through(context: TestContext, request: string, answer: string) {
      const endpoint = await startEndpoint(context, (peer) => void peer.say(answer));
      const { port } = await startEngine(context, endpoint.address, { transport });
      const visitor = await call(context, port);
      visitor.say(request);
      return { visitor, endpoint: () => endpoint.peers[0] };
    }

    it("sends a request on with who asked, and the answer back as it came", async (context) => {
      const endpoint = await startEndpoint(context, async (peer) => {
        await peer.head();
        peer.say(answerOf("hello", "X-App: 1\r\nKeep-Alive: timeout=5\r\n"));
      });
      const { port } = await startEngine(context, endpoint.address, {
        transport,
        forwarding: { requestId: false },
      });
      const visitor = await call(context, port);
      visitor.say(
        "GET /shop?x=1 HTTP/1.1\r\nHost: a.example\r\nX-Forwarded-For: 6.6.6.6\r\n" +
          "Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nAccept: */*\r\n\r\n",
      );
      assert.equal(
        await visitor.until("hello"),
        "HTTP/1.1 200 OK\r\nX-App: 1\r\nContent-Length: 5\r\n\r\nhello",
      );
    });

    it("shows the endpoint the visitor's request without what was for the proxy only", async (context) => {
      let seen = "";
      const endpoint = await startEndpoint(context, async (peer) => {
        seen = await peer.head();
        peer.say(answerOf("ok"));
      });
      const { port } = await startEngine(context, endpoint.address, {
        transport,
        forwarding: { requestId: false },
      });
      const visitor = await call(context, port);
      visitor.say(
        "GET /shop?x=1 HTTP/1.1\r\nHost: a.example\r\nX-Forwarded-For: 6.6.6.6\r\n" +
          "Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nAccept: */*\r\n\r\n",
      );
      await visitor.until("ok");
      const lines = seen.trimEnd().split("\r\n");
      assert.equal(lines[0], "GET /shop?x=1 HTTP/1.1");
      assert.deepEqual(lines.slice(1).sort(), [
        "Accept: */*",
        "Host: a.example",
        "Via: 1.1 propagit",
        "X-Forwarded-For: 127.0.0.1",
        "X-Forwarded-Host: a.example",
        `X-Forwarded-Port: ${port}`,
        "X-Forwarded-Proto: http",
      ]);
    });

    it("changes method, target, host and headers as the director says", async (context) => {
      let seen = "";
      const endpoint = await startEndpoint(context, async (peer) => {
        seen = await peer.head();
        peer.say(answerOf("done", "Server: app\r\n"));
      });
      const forward: Forward = {
        kind: "forward",
        address: endpoint.address,
        method: "POST",
        target: "/new",
        host: "b.example",
        requestEdits: compileEdits({ set: { "X-Variant": "blue" }, remove: ["Accept"] }),
        answerEdits: compileEdits({ set: { Server: "none" }, add: [["Set-Cookie", "v=1"]] }),
      };
      const { port } = await startEngine(context, () => forward, { transport });
      const visitor = await call(context, port);
      visitor.say("GET /old HTTP/1.1\r\nHost: a.example\r\nAccept: */*\r\nX-Variant: red\r\n\r\n");
      const answer = await visitor.until("done");
      assert.match(seen, /^POST \/new HTTP\/1\.1\r\n/);
      assert.match(seen, /\r\nHost: b\.example\r\n/);
      assert.match(seen, /\r\nX-Variant: blue\r\n/);
      assert.doesNotMatch(seen, /red|Accept/);
      assert.match(answer, /\r\nServer: none\r\n/);
      assert.match(answer, /\r\nSet-Cookie: v=1\r\n/);
      assert.doesNotMatch(answer, /app/);
    });

    it("keeps connections on both sides for the next request", async (context) => {
      const endpoint = await startEndpoint(context, async (peer) => {
        for (;;) {
          await peer.head();
          peer.say(answerOf("ok"));
        }
      });
      const { port, engine } = await startEngine(context, endpoint.address, { transport });
      const visitor = await call(context, port);
      for (let count = 0; count < 5; count++) {
        visitor.say(get);
        await visitor.until("ok");
      }
      assert.equal(endpoint.peers.length, 1);
      assert.equal(engine.counts().idleEndpoints, 1);
      assert.equal(engine.inFlight(endpoint.address), 0);
    });

    it("takes heads and bodies that come byte by byte, both ways", async (context) => {
      let seen = "";
      const endpoint = await startEndpoint(context, async (peer) => {
        seen = await peer.until("body!");
        await peer.spell(answerOf("spelled"));
      });
      const { port } = await startEngine(context, endpoint.address, { transport });
      const visitor = await call(context, port);
      await visitor.spell("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nbody!");
      assert.match(await visitor.until("spelled"), /Content-Length: 7\r\n\r\nspelled$/);
      assert.match(seen, /Content-Length: 5\r\n/);
    });

    it("answers pipelined requests in order, one at a time at the endpoint", async (context) => {
      const seen: string[] = [];
      const endpoint = await startEndpoint(context, async (peer) => {
        for (;;) {
          const head = await peer.head();
          assert.equal(peer.heard, "");
          const path = /^GET \/(\S*)/.exec(head)?.[1] ?? "";
          seen.push(path);
          peer.say(answerOf(`[${path}]`));
        }
      });
      const { port } = await startEngine(context, endpoint.address, { transport });
      const visitor = await call(context, port);
      const paths = ["a", "b", "c", "d"];
      visitor.say(paths.map((path) => `GET /${path} HTTP/1.1\r\nHost: a\r\n\r\n`).join(""));
      for (const path of paths) await visitor.until(`[${path}]`);
      assert.deepEqual(seen, paths);
    });

    it("passes chunks on as they are, with extensions and trailers", async (context) => {
      const body = "5;x=1\r\nhello\r\n0\r\nX-Sum: 7\r\n\r\n";
      let seen = "";
      const endpoint = await startEndpoint(context, async (peer) => {
        seen = await peer.until("X-Sum: 7\r\n\r\n");
        peer.say(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n${body}`);
      });
      const { port } = await startEngine(context, endpoint.address, { transport });
      const visitor = await call(context, port);
      visitor.say(`POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${body}`);
      assert.ok((await visitor.until("X-Sum: 7\r\n\r\n")).endsWith(body));
      assert.ok(seen.endsWith(body));
      visitor.say(get);
    });

    it("frames what ends with the endpoint's connection, so that the visitor's stays", async (context) => {
      const endpoint = await startEndpoint(context, async (peer) => {
        await peer.head();
        peer.say("HTTP/1.1 200 OK\r\n\r\nfirst");
        peer.socket.end("second");
      });
      const { port } = await startEngine(context, endpoint.address, { transport });
      const visitor = await call(context, port);
      visitor.say(get);
      const answer = await visitor.until("0\r\n\r\n");
      assert.match(answer, /\r\nTransfer-Encoding: chunked\r\n/);
      const body = answer.slice(answer.indexOf("\r\n\r\n") + 4);
      assert.match(body, /^(?:5\r\nfirst\r\n6\r\nsecond|b\r\nfirstsecond)\r\n0\r\n\r\n$/);
      visitor.say(get);
      await visitor.until("0\r\n\r\n");
    });

    it("gives an HTTP/1.0 visitor data without chunks, and no 1xx", async (context) => {
      const { visitor } = await through(
        context,
        "GET / HTTP/1.0\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" +
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n",
      );
      const answer = await visitor.rest();
      assert.match(answer, /^HTTP\/1\.1 200 OK\r\nConnection: close\r\n\r\nabcdef$/);
    });

    it("keeps an HTTP/1.0 visitor's connection when he asks for it and the length is known", async (context) => {
      const request = "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n";
      const { visitor } = await through(context, request, answerOf("once"));
      assert.match(await visitor.until("once"), /\r\nConnection: keep-alive\r\n/);
      assert.equal(visitor.isEnded, false);
    });

    it("passes 1xx on, and then the answer", async (context) => {
      const { visitor } = await through(
        context,
        get,
        `HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n${answerOf("done")}`,
      );
      assert.match(
        await visitor.head(),
        /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>\r\n\r\n$/,
      );
      assert.match(await visitor.head(), /^HTTP\/1\.1 102 /);
      assert.match(await visitor.until("done"), /^HTTP\/1\.1 200 /);
    });

    it("lets the endpoint say whether it wants a body (Expect)", async (context) => {
      const endpoint = await startEndpoint(context, async (peer) => {
        assert.match(await peer.head(), /\r\nExpect: 100-continue\r\n/);
        peer.say("HTTP/1.1 100 Continue\r\n\r\n");
        await peer.until("data");
        peer.say(answerOf("thanks"));
      });
      const { port } = await startEngine(context, endpoint.address, { transport });
      const visitor = await call(context, port);
      visitor.say("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
      assert.equal(await visitor.head(), "HTTP/1.1 100 Continue\r\n\r\n");
      visitor.say("data");
      assert.match(await visitor.until("thanks"), /^HTTP\/1\.1 200 /);
    });

    for (const [what, request, answer] of [
      [
        "HEAD",
        "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
      ],
      ["204", get, "HTTP/1.1 204 No Content\r\n\r\n"],
      ["304", get, 'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\nETag: "1"\r\n\r\n'],
    ] as const) {
      it(`knows that ${what} has no body, whatever its fields say`, async (context) => {
        const endpoint = await startEndpoint(context, async (peer) => {
          for (;;) {
            await peer.head();
            peer.say(answer);
          }
        });
        const { port } = await startEngine(context, endpoint.address, { transport });
        const visitor = await call(context, port);
        for (let count = 0; count < 2; count++) {
          visitor.say(request);
          assert.equal(await visitor.head(), answer);
        }
        assert.equal(endpoint.peers.length, 1);
      });
    }

    it("counts each exchange once, in bytes of its bodies", async (context) => {
      const ends = new Ends();
      const endpoint = await startEndpoint(context, async (peer) => {
        await peer.until("0\r\n\r\n");
        peer.say(answerOf("four"));
      });
      const { observer } = ends;
      const { port } = await startEngine(
        context,
        () => ({ kind: "forward", address: endpoint.address, observer }),
        { transport },
      );
      const visitor = await call(context, port);
      visitor.say(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
      );
      await visitor.until("four");
      const [end] = await ends.count(1);
      const { headMs, tookMs, ...exact } = end ?? assert.fail();
      assert.deepEqual(exact, { how: "complete", status: 200, requestBytes: 3, answerBytes: 4 });
      assert.ok(headMs > 0 && tookMs >= headMs);
    });

    it("answers what the director answers, also to HEAD, and keeps the connection", async (context) => {
      const ends = new Ends();
      const { observer } = ends;
      const { port } = await startEngine(
        context,
        ({ method }) => ({
          kind: "answer",
          status: 418,
          headers: ["X-Tea", "pot"],
          body: method === "POST" ? "no" : "tea",
          observer,
        }),
        { transport },
      );
      const visitor = await call(context, port);
      visitor.say(get + "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" + get);
      const plain =
        /^HTTP\/1\.1 418 I'm a Teapot\r\nDate: [^\r]+\r\nX-Tea: pot\r\nContent-Length: 3\r\n\r\n/;
      assert.match(await visitor.head(), plain);
      assert.equal(await visitor.bytes(3), "tea");
      assert.match(await visitor.head(), plain);
      assert.match(await visitor.until("tea"), plain);
      visitor.say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\nsome");
      assert.match(await visitor.rest(), /Connection: close\r\n\r\nno$/);
      assert.deepEqual(
        (await ends.count(4)).map(({ how, status }) => `${how} ${status}`),
        ["answered 418", "answered 418", "answered 418", "answered 418"],
      );
    });

    it("waits for a direction that takes its time, with the request still readable", async (context) => {
      const endpoint = await startEndpoint(context, async (peer) => {
        assert.match(await peer.until("body"), /^PUT \/late /);
        peer.say(answerOf("came"));
      });
      const { port } = await startEngine(
        context,
        async (request) => {
          await new Promise((resolve) => setTimeout(resolve, 20));
          assert.equal(request.target, "/late");
          assert.equal(request.header("x-one"), "1");
          return { kind: "forward", address: endpoint.address };
        },
        { transport },
      );
      const others = await call(context, port);
      const visitor = await call(context, port);
      visitor.say("PUT /late HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nContent-Length: 4\r\n\r\nbody");
      others.say("OPTIONS * HTTP/1.1\r\nHost: somebody-else.example\r\n");
      assert.match(await visitor.until("came"), /200 OK/);
    });
  });
}
