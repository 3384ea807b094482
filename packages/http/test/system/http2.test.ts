import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { promisify } from "node:util";
import { Engine, type EngineOptions } from "../../src/engine.js";
import type { Direction, RequestView } from "../../src/exchange.js";
import { makeAuthority } from "../support/certificates.js";
import { call, Ends, eventually, startEndpoint, startEngine } from "./support/rig.js";

const run = promisify(execFile);
const missing = (command: string): string | false =>
  spawnSync("sh", ["-c", `command -v ${command}`]).status === 0 ? false : `no ${command} here`;

/** A visitor of HTTP/2 without TLS, in front of whatever serves. */
async function visit(
  context: TestContext,
  direct: string | ((request: RequestView) => Direction),
  options: Partial<EngineOptions> = {},
): Promise<{ session: ClientHttp2Session; engine: Engine; port: number }> {
  const { engine, port } = await startEngine(context, direct, {
    acceptsPlainHttp2: true,
    ...options,
  });
  return { session: openSession(context, `http://127.0.0.1:${port}`), engine, port };
}

function openSession(context: TestContext, url: string, options: object = {}): ClientHttp2Session {
  const session = connect(url, options);
  session.on("error", () => undefined);
  context.after(() => session.destroy());
  return session;
}

async function serve(context: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  context.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function open(session: ClientHttp2Session, fields: OutgoingHttpHeaders = {}, endStream = true) {
  const stream = session.request({ ":authority": "a.example", ...fields }, { endStream });
  stream.on("error", () => undefined);
  return stream;
}

interface Got {
  readonly fields: IncomingHttpHeaders & { readonly ":status"?: number | undefined };
  readonly body: string;
  readonly trailers: IncomingHttpHeaders | undefined;
  readonly code: number | undefined;
}

async function got(stream: ClientHttp2Stream): Promise<Got> {
  let fields: Got["fields"] = {};
  let trailers: IncomingHttpHeaders | undefined;
  let body = "";
  stream.on("response", (came) => (fields = came));
  stream.on("trailers", (came) => (trailers = came));
  stream.setEncoding("latin1").on("data", (text: string) => (body += text));
  await new Promise((resolve) => stream.on("close", resolve));
  return { fields, body, trailers, code: stream.rstCode };
}

async function textOf(message: IncomingMessage): Promise<string> {
  let text = "";
  for await (const part of message.setEncoding("latin1")) text += part as string;
  return text;
}

describe("a stream of HTTP/2", () => {
  it("is a request of HTTP/1.1 to the endpoint, and its answer comes back", async (context) => {
    let heard: readonly string[] = [];
    const address = await serve(context, (request, answer) => {
      heard = [`${request.method} ${request.url}`, ...request.rawHeaders];
      answer.writeHead(201, [
        ["Set-Cookie", "a=1"],
        ["Set-Cookie", "b=2"],
        ["X-Many", "1"],
        ["X-Many", "2"],
        ["Keep-Alive", "timeout=5"],
        ["X-Named", "gone"],
        ["Connection", "X-Named"],
      ]);
      answer.end("hello");
    });
    const seen: unknown[] = [];
    const { session } = await visit(context, (request) => {
      const { method, target, host, version, bodyBytes } = request;
      seen.push([method, target, host, version, bodyBytes, request.header("cookie")]);
      return { kind: "forward", address };
    });
    const stream = open(session, {
      ":path": "/x?y=1",
      cookie: ["a=b", "c=d"],
      "x-forwarded-for": "1.1.1.1",
      te: "trailers",
    });
    const { fields, body } = await got(stream);
    assert.deepEqual(seen, [["GET", "/x?y=1", "a.example", "2", 0, "a=b; c=d"]]);
    const text = heard.join("\n");
    assert.equal(heard[0], "GET /x?y=1");
    assert.match(text, /\nhost\na\.example\n/);
    assert.match(text, /\ncookie\na=b; c=d/);
    assert.match(text, /\nX-Forwarded-For\n127\.0\.0\.1\n/);
    assert.match(text, /\nVia\n2\.0 propagit\n/);
    assert.match(text, /\nTE\ntrailers\n/);
    assert.doesNotMatch(text, /1\.1\.1\.1|transfer-encoding/i);
    assert.equal(fields[":status"], 201);
    assert.deepEqual(fields["set-cookie"], ["a=1", "b=2"]);
    assert.equal(fields["x-many"], "1, 2");
    assert.equal([fields["x-named"], fields["keep-alive"], fields.connection].join(""), "");
    assert.equal(body, "hello");
  });

  it("carries bodies of known and unknown length", async (context) => {
    const address = await serve(context, (request, answer) => {
      const { "content-length": length, "transfer-encoding": encoding } = request.headers;
      void textOf(request).then((text) => answer.end(`${text.length} ${length} ${encoding}`));
    });
    const { session } = await visit(context, address);
    for (const size of [0, 1, 100_000, 3_000_000]) {
      const known = open(session, { ":method": "PUT", "content-length": size }, false);
      known.end(Buffer.alloc(size, "x"));
      assert.equal((await got(known)).body, `${size} ${size} undefined`);
      const unknown = open(session, { ":method": "POST" }, false);
      unknown.end(Buffer.alloc(size, "x"));
      assert.equal((await got(unknown)).body, `${size} undefined chunked`);
    }
  });

  it("streams both ways at once, with trailers both ways, as gRPC does", async (context) => {
    const address = await serve(context, (request, answer) => {
      answer.writeHead(200, { "Content-Type": "application/grpc", Trailer: "grpc-status" });
      answer.flushHeaders();
      request.on("data", (data: Buffer) => answer.write(`got ${data.toString()}`));
      request.on("end", () => {
        answer.addTrailers({ "grpc-status": "0", "x-sum": String(request.trailers["x-sum"]) });
        answer.end();
      });
    });
    const { session } = await visit(context, address);
    const fields = { ":method": "POST", te: "trailers" };
    const stream = session.request(
      { ":authority": "a.example", ...fields },
      { endStream: false, waitForTrailers: true },
    );
    stream.on("wantTrailers", () => stream.sendTrailers({ "x-sum": "42", host: "evil" }));
    const whole = got(stream);
    for (const word of ["one", "two", "three"]) {
      stream.write(word);
      const [reply] = (await once(stream, "data")) as [string];
      assert.equal(reply, `got ${word}`);
    }
    stream.end();
    const { trailers, code } = await whole;
    assert.deepEqual(Object.entries(trailers ?? {}), [
      ["grpc-status", "0"],
      ["x-sum", "42"],
    ]);
    assert.equal(code, 0);
  });

  it("has no body with HEAD, 204 and 304", async (context) => {
    const address = await serve(context, (request, answer) => {
      const status = Number(request.url?.slice(1));
      answer.writeHead(status, status === 204 ? {} : { "Content-Length": 5 });
      answer.end(status === 200 ? "hello" : undefined);
    });
    const { session } = await visit(context, address);
    const show = async (method: string, path: string) => {
      const { fields, body } = await got(open(session, { ":method": method, ":path": path }));
      return [fields[":status"], fields["content-length"], body];
    };
    assert.deepEqual(await show("HEAD", "/200"), [200, "5", ""]);
    assert.deepEqual(await show("GET", "/204"), [204, undefined, ""]);
    assert.deepEqual(await show("GET", "/304"), [304, "5", ""]);
    assert.deepEqual(await show("GET", "/200"), [200, "5", "hello"]);
  });

  it("passes interim answers on", async (context) => {
    const address = await serve(context, (request, answer) => {
      answer.writeEarlyHints({ link: "</x>; rel=preload" });
      void textOf(request).then((text) => answer.end(text));
    });
    const { session } = await visit(context, address);
    const stream = open(session, { ":method": "POST", expect: "100-continue" }, false);
    const interim: unknown[] = [];
    stream.on("headers", (fields) => interim.push([fields[":status"], fields["link"]]));
    stream.on("continue", () => stream.end("body"));
    const { body } = await got(stream);
    assert.equal(body, "body");
    assert.ok(interim.some((one) => JSON.stringify(one) === '[103,"</x>; rel=preload"]'));
  });

  it("is one of many side by side, answered in any order", async (context) => {
    const address = await serve(context, (request, answer) => {
      setTimeout(() => answer.end(request.url), Math.random() * 20);
    });
    const { session } = await visit(context, address);
    const paths = Array.from({ length: 300 }, (_, index) => `/${index}`);
    const bodies = paths.map(async (path) => (await got(open(session, { ":path": path }))).body);
    assert.deepEqual(await Promise.all(bodies), paths);
  });

  it("holds the endpoint back while the visitor does not read", async (context) => {
    const total = 64 * 1024 * 1024;
    let written = 0;
    const address = await serve(context, (_request, answer) => {
      const piece = Buffer.alloc(64 * 1024, "x");
      const write = () => {
        while (written < total && !answer.writableNeedDrain) {
          written += piece.length;
          answer.write(piece);
        }
        if (written < total) answer.once("drain", write);
        else answer.end();
      };
      write();
    });
    const { session } = await visit(context, address);
    const stream = open(session);
    await once(stream, "response");
    let before = -1;
    while (written !== before) {
      before = written;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.ok(written < total / 2, `${written} bytes were taken from the endpoint`);
    let came = 0;
    stream.on("data", (data: Buffer) => (came += data.length));
    await once(stream, "close");
    assert.equal(came, total);
  });
});

describe("an end before the end", () => {
  it("of the visitor ends the request at the endpoint, and nothing else", async (context) => {
    const ends = new Ends();
    let heads = 0;
    const endpoint = await startEndpoint(context, async (peer) => {
      await peer.head();
      heads++;
    });
    const { session } = await visit(context, () => ({
      kind: "forward",
      address: endpoint.address,
      observer: ends.observer,
    }));
    const stream = open(session);
    await eventually(() => heads === 1);
    stream.close(constants.NGHTTP2_CANCEL);
    await endpoint.peers[0]?.ended();
    assert.equal((await ends.count(1))[0]?.how, "left");
    assert.equal(session.destroyed, false);
  });

  it("of the endpoint within its answer resets the stream, and no other", async (context) => {
    const endpoint = await startEndpoint(context, async (peer) => {
      const head = await peer.head();
      if (head.includes("/whole")) peer.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      else if (head.includes("/chunked")) {
        peer.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
      } else peer.say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
    });
    const { session } = await visit(context, endpoint.address);
    for (const path of ["/length", "/chunked"]) {
      const stream = open(session, { ":path": path });
      const whole = got(stream);
      await once(stream, "data");
      endpoint.peers.at(-1)?.socket.end();
      const { fields, body, code } = await whole;
      assert.deepEqual([fields[":status"], body], [200, "half"]);
      assert.equal(code, constants.NGHTTP2_INTERNAL_ERROR);
    }
    assert.equal((await got(open(session, { ":path": "/whole" }))).body, "ok");
  });

  it("of the connection ends all its requests", async (context) => {
    const ends = new Ends();
    const endpoint = await startEndpoint(context, async (peer) => {
      await peer.head();
    });
    const { session } = await visit(context, () => ({
      kind: "forward",
      address: endpoint.address,
      observer: ends.observer,
    }));
    for (let count = 0; count < 5; count++) open(session);
    await eventually(() => endpoint.peers.length === 5);
    session.destroy();
    assert.deepEqual(
      (await ends.count(5)).map(({ how }) => how),
      Array(5).fill("left"),
    );
  });

  it("of the answer before that of the request lets the visitor stop", async (context) => {
    const endpoint = await startEndpoint(context, async (peer) => {
      await peer.head();
      peer.say("HTTP/1.1 413 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
    });
    const { session } = await visit(context, endpoint.address);
    const stream = open(session, { ":method": "POST" }, false);
    stream.write("x");
    const { fields, body, code } = await got(stream);
    assert.deepEqual([fields[":status"], body, code], [413, "no", constants.NGHTTP2_NO_ERROR]);
  });

  it("of the engine lets streams finish", async (context) => {
    let answerNow: (() => void) | undefined;
    const address = await serve(context, (_request, answer) => {
      answerNow = () => answer.end("done");
    });
    const { session, engine } = await visit(context, address);
    const whole = got(open(session));
    await eventually(() => answerNow !== undefined);
    assert.equal(engine.inFlight(address), 1);
    const stopped = engine.stop({ graceMs: 10_000 });
    await once(session, "goaway");
    answerNow?.();
    assert.equal((await whole).body, "done");
    await stopped;
  });
});

describe("what the proxy says itself", () => {
  it("is the director's answer", async (context) => {
    const { session } = await visit(context, ({ method }) => ({
      kind: "answer",
      status: method === "PUT" ? 204 : 503,
      headers: ["Retry-After", "3"],
      body: "later",
    }));
    const { fields, body } = await got(open(session));
    assert.deepEqual([fields[":status"], fields["retry-after"], body], [503, "3", "later"]);
    assert.equal((await got(open(session, { ":method": "HEAD" }))).body, "");
    assert.equal((await got(open(session, { ":method": "PUT" }))).fields[":status"], 204);
    const upload = open(session, { ":method": "POST" }, false);
    upload.write("x");
    assert.equal((await got(upload)).body, "later");
  });

  it("is 502 when nobody answers, and 413 for a body that is too long", async (context) => {
    const address = await serve(context, (_request, answer) => answer.end());
    const { session } = await visit(context, ({ target }) => ({
      kind: "forward",
      address: target === "/gone" ? "127.0.0.1:1" : address,
      bodyBytesMax: 1000,
    }));
    assert.equal((await got(open(session, { ":path": "/gone" }))).fields[":status"], 502);
    const upload = open(session, { ":method": "POST" }, false);
    upload.end(Buffer.alloc(5000));
    assert.equal((await got(upload)).fields[":status"], 413);
  });

  it("is 400 for what HTTP/1 has no words for", async (context) => {
    const { session } = await visit(context, () => assert.fail("must not be asked"));
    // What nghttp2 knows to be wrong is reset before anybody sees it.
    const statusOf = async (fields: OutgoingHttpHeaders) => {
      const { fields: heard, code } = await got(open(session, fields));
      return heard[":status"] ?? (code === constants.NGHTTP2_PROTOCOL_ERROR ? 400 : code);
    };
    assert.equal(await statusOf({ host: "b" }), 400);
    assert.equal(await statusOf({ ":path": "x" }), 400);
    assert.equal(await statusOf({ ":path": "/a b" }), 400);
    assert.equal(await statusOf({ ":path": "http://a.example/" }), 400);
    assert.equal(await statusOf({ ":authority": "a b" }), 400);
    assert.equal(await statusOf({ ":method": "get" }), 400);
    assert.equal(await statusOf({ transfer_encoding: "chunked" }), 400);
    assert.equal(await statusOf({ expect: "x" }), 417);
    assert.equal(await statusOf({ ":path": `/${"x".repeat(9000)}` }), 414);
  });
});

describe("a connection of HTTP/2", () => {
  it("is told from HTTP/1 by its first bytes, however they come", async (context) => {
    const address = await serve(context, (_request, answer) => answer.end("hello"));
    const { session, port } = await visit(context, address);
    assert.equal((await got(open(session))).body, "hello");
    const old = await call(context, port);
    await old.spell("PUT / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 0\r\n\r\n");
    assert.match(await old.until("hello"), /^HTTP\/1\.1 200 /);
    const slow = await call(context, port);
    await slow.spell("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
    // A frame of settings.
    assert.equal((await slow.bytes(9)).charCodeAt(3), 4);
  });

  it("is ended when its first bytes do not come", async (context) => {
    const { engine, port } = await startEngine(context, "127.0.0.1:1", {
      acceptsPlainHttp2: true,
      limits: { headMs: 100 },
    });
    const peer = await call(context, port);
    peer.say("PRI * HT");
    await eventually(() => engine.counts().visitors === 1);
    await peer.ended();
    await eventually(() => engine.counts().visitors === 0);
  });

  it("is refused where it was not asked for", async (context) => {
    const { port } = await startEngine(context, "127.0.0.1:1");
    const peer = await call(context, port);
    peer.say("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    assert.match(await peer.head(), /^HTTP\/1\.1 400 /);
  });

  it("ends when its visitor opens streams only to reset them", async (context) => {
    const ends = new Ends();
    const address = await serve(context, () => undefined);
    const { session, engine } = await visit(context, () => ({
      kind: "forward",
      address,
      observer: ends.observer,
    }));
    const closed = new Promise((resolve) => session.on("close", resolve));
    let code = 0;
    session.on("goaway", (said) => (code = said));
    let opened = 0;
    const flood = setInterval(() => {
      for (let count = 0; count < 50 && !session.destroyed && !session.closed; count++) {
        open(session).close(constants.NGHTTP2_CANCEL);
        opened++;
      }
    }, 1);
    await closed;
    clearInterval(flood);
    assert.equal(code, constants.NGHTTP2_ENHANCE_YOUR_CALM);
    assert.ok(opened < 20_000, `${opened} streams`);
    await eventually(() => engine.counts().inFlight === 0);
    assert.ok(engine.counts().requests <= 1000, `${engine.counts().requests} requests`);
    assert.equal(engine.counts().visitors, 0);
  });

  it("may open so many streams at a time", async (context) => {
    const { session } = await visit(context, "127.0.0.1:1");
    await once(session, "remoteSettings");
    assert.equal(session.remoteSettings.maxConcurrentStreams, 128);
    assert.equal(session.remoteSettings.maxHeaderListSize, 32 * 1024);
  });

  it("is spoken over TLS with those who offer it", async (context) => {
    const authority = makeAuthority();
    const address = await serve(context, (request, answer) =>
      answer.end(String(request.headers["x-forwarded-proto"])),
    );
    const engine = new Engine({ director: { direct: () => ({ kind: "forward", address }) } });
    context.after(async () => engine.stop({ graceMs: 0 }));
    engine.useCertificates({ certificates: [authority.give("a.example")], challenges: [] });
    const { port } = await engine.listen({ port: 0, host: "127.0.0.1", tls: true });
    const session = openSession(context, `https://127.0.0.1:${port}`, {
      ca: authority.certificate,
      servername: "a.example",
    });
    assert.equal((await got(open(session))).body, "https");
    assert.equal(session.alpnProtocol, "h2");
  });
});

describe("HTTP/2 with", () => {
  it("curl", { skip: missing("curl") }, async (context) => {
    const address = await serve(context, (request, answer) => {
      void textOf(request).then((text) => answer.end(`${request.method} ${text.length}`));
    });
    const { port } = await visit(context, address);
    const url = `http://127.0.0.1:${port}/`;
    const curl = async (...more: readonly string[]) =>
      (
        await run("curl", [
          "-sS",
          "--http2-prior-knowledge",
          "-w",
          " %{http_version}",
          ...more,
          url,
        ])
      ).stdout;
    assert.equal(await curl(), "GET 0 2");
    assert.equal(await curl("-d", "x".repeat(100_000)), "POST 100000 2");
    assert.equal(
      await curl("-d", "x".repeat(100_000), "-H", "Expect: 100-continue"),
      "POST 100000 2",
    );
    // An upgrade to h2c is not taken: what comes is an answer of HTTP/1.1.
    const { stdout } = await run("curl", ["-sS", "--http2", "-w", " %{http_version}", url]);
    assert.equal(stdout, "GET 0 1.1");
  });

  it("h2load", { skip: missing("h2load") }, async (context) => {
    const address = await serve(context, (_request, answer) => answer.end("hello"));
    const { port } = await visit(context, address);
    const wish = ["-n", "2000", "-c", "4", "-m", "32", `http://127.0.0.1:${port}/`];
    const { stdout } = await run("h2load", wish);
    assert.match(stdout, /2000 succeeded, 0 failed, 0 errored/);
  });
});
