import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { test } from "node:test";
import { ask, oneConnection, sendRaw } from "../support/ask.js";
import { app, startApp, startRig } from "../support/rig.js";
import { commitA, commitB, endpointOf, routeOf } from "../support/samples.js";

test("sends a visitor of the repository's host name to the promoted commit", async (t) => {
  const { port } = await startApp(t, (request, response) => response.end(`hello ${request.url}`));
  const rig = await startRig(t, { endpoints: [app(port)] });
  const answer = await ask(rig.port, { path: "/path?q=1" });
  assert.deepEqual(
    [answer.status, answer.body, answer.headers["x-propagit-commit"]],
    [200, "hello /path?q=1", commitA],
  );
});

test("reaches a commit by its own host name, whatever is promoted", async (t) => {
  const rig = await startTwoCommits(t);
  const promoted = await ask(rig.port, { host: "webapp.localhost:8000" });
  const other = await ask(rig.port, { host: "BBBBBBB--webapp.localhost" });
  assert.deepEqual([promoted.body, other.body], ["commit A", "commit B"]);
  assert.equal(other.headers["x-propagit-commit"], commitB);
});

test("decides for each request, not for each connection", async (t) => {
  const rig = await startTwoCommits(t);
  const agent = oneConnection();
  t.after(() => agent.destroy());
  const bodies: string[] = [];
  for (const host of ["webapp.localhost", "bbbbbbb--webapp.localhost", "webapp.localhost"]) {
    const answer = await ask(rig.port, { host, agent });
    assert.notEqual(answer.headers.connection, "close");
    bodies.push(answer.body);
  }
  assert.deepEqual(bodies, ["commit A", "commit B", "commit A"]);
  assert.equal(Object.values(agent.freeSockets).flat().length, 1);
});

test("answers pipelined requests in their order, each from its own commit", async (t) => {
  const rig = await startTwoCommits(t);
  const answers = await sendRaw(
    rig.port,
    "GET / HTTP/1.1\r\nHost: bbbbbbb--webapp.localhost\r\n\r\n" +
      "GET / HTTP/1.1\r\nHost: webapp.localhost\r\nConnection: close\r\n\r\n",
  );
  assert.deepEqual(answers.match(/commit [AB]/g), ["commit B", "commit A"]);
});

test("takes an absolute target whose host is that of the Host header", async (t) => {
  const rig = await startTwoCommits(t);
  const answer = await sendRaw(
    rig.port,
    "GET http://bbbbbbb--webapp.localhost/x HTTP/1.1\r\nHost: bbbbbbb--webapp.localhost\r\nConnection: close\r\n\r\n",
  );
  assert.match(answer, /^HTTP\/1\.1 200 OK\r\n[^]*commit B/);
});

test("tells the app who asks, and believes nothing of what the visitor says about it", async (t) => {
  const { port, seen } = await startRecorder(t);
  const rig = await startRig(t, { endpoints: [app(port)] });
  const lied = {
    "X-Forwarded-For": "6.6.6.6",
    "x-forwarded-proto": "https",
    Forwarded: "for=6.6.6.6",
    "X-Custom": "kept",
    Connection: "close, X-Secret-Hop",
    "X-Secret-Hop": "gone",
    "Keep-Alive": "timeout=5",
    "Proxy-Connection": "keep-alive",
    Cookie: "a=b",
  };
  await ask(rig.port, { headers: lied, host: "webapp.localhost:8000" });
  const { "x-request-id": id, ...headers } = seen[0]?.headers ?? {};
  assert.match(String(id), /^[0-9a-f]{32}$/);
  assert.deepEqual(headers, {
    host: "webapp.localhost:8000",
    "x-custom": "kept",
    cookie: "a=b",
    "x-forwarded-for": "127.0.0.1",
    "x-forwarded-proto": "http",
    "x-forwarded-host": "webapp.localhost:8000",
    "x-forwarded-port": String(rig.port),
    via: "1.1 propagit",
  });
});

test("keeps the app's headers, repeated ones too, and leaves its connection's own out", async (t) => {
  const { port } = await startApp(t, (_request, response) => {
    const pairs = [
      ["Set-Cookie", "a=1"],
      ["Set-Cookie", "b=2"],
      ["X-Case", "Kept"],
      ["Connection", "close, x-hop"],
      ["X-Hop", "gone"],
      ["X-Propagit-Commit", "a lie"],
      ["Content-Length", "2"],
    ];
    response.writeHead(201, "Made it", pairs.flat());
    response.end("ok");
  });
  const rig = await startRig(t, { endpoints: [app(port)] });
  const { status, headers, rawHeaders, body } = await ask(rig.port);
  assert.deepEqual([status, body, headers["set-cookie"]], [201, "ok", ["a=1", "b=2"]]);
  assert.equal(headers["x-propagit-commit"], commitA);
  assert.equal(headers["x-hop"], undefined);
  assert.ok(rawHeaders.includes("X-Case"));
});

test("passes answers without a body on as they are: HEAD, 204, 304", async (t) => {
  const { port } = await startApp(t, (request, response) => {
    if (request.url === "/204") return response.writeHead(204).end();
    if (request.url === "/304") return response.writeHead(304, { etag: '"x"' }).end();
    return response.writeHead(200, { "content-length": 1_000 }).end();
  });
  const rig = await startRig(t, { endpoints: [app(port)] });
  const agent = oneConnection();
  t.after(() => agent.destroy());
  const head = await ask(rig.port, { method: "HEAD", agent });
  const none = await ask(rig.port, { path: "/204", agent });
  const same = await ask(rig.port, { path: "/304", agent });
  assert.deepEqual([head.status, head.headers["content-length"], head.body], [200, "1000", ""]);
  assert.deepEqual([none.status, none.headers["transfer-encoding"]], [204, undefined]);
  assert.deepEqual([same.status, same.headers.etag, same.body], [304, '"x"', ""]);
});

test("passes uploads on as they come: of known length, in chunks, empty", async (t) => {
  const { port, seen, bodies } = await startRecorder(t);
  const rig = await startRig(t, { endpoints: [app(port)] });
  await ask(rig.port, { method: "POST", body: "known", headers: { "content-length": 5 } });
  await ask(rig.port, {
    method: "POST",
    body: "in chunks",
    headers: { "transfer-encoding": "chunked" },
  });
  await ask(rig.port, { method: "POST", headers: { "content-length": 0 } });
  await ask(rig.port, { method: "DELETE", body: "why not", headers: { "content-length": 7 } });
  const framing = seen.map(({ headers }) => [
    headers["content-length"],
    headers["transfer-encoding"],
  ]);
  assert.deepEqual(bodies, ["known", "in chunks", "", "why not"]);
  assert.deepEqual(framing, [
    ["5", undefined],
    [undefined, "chunked"],
    ["0", undefined],
    ["7", undefined],
  ]);
});

test("passes trailers and early hints on", async (t) => {
  const { port } = await startApp(t, (_request, response) => {
    response.writeEarlyHints({ link: "</a.css>; rel=preload; as=style" });
    response.writeHead(200, { trailer: "X-Sum" });
    response.write("body");
    response.addTrailers({ "X-Sum": "42" });
    response.end();
  });
  const rig = await startRig(t, { endpoints: [app(port)] });
  const answer = await sendRaw(
    rig.port,
    "GET / HTTP/1.1\r\nHost: webapp.localhost\r\nTE: trailers\r\nConnection: close\r\n\r\n",
  );
  assert.match(
    answer,
    /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>; rel=preload; as=style\r\n/,
  );
  assert.match(answer, /\r\nHTTP\/1\.1 200 OK\r\n/);
  assert.match(answer, /\r\ntrailer: X-Sum\r\n/i);
  assert.match(answer, /\r\n4\r\nbody\r\n0\r\nX-Sum: 42\r\n\r\n$/);
});

test("says Continue to those who wait for it once the app takes the body, else not", async (t) => {
  const { port, bodies } = await startRecorder(t);
  const rig = await startRig(t, { endpoints: [app(port)] });
  const head = (host: string) =>
    `POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 4\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n`;
  const taken = await sendRaw(rig.port, `${head("webapp.localhost")}body`);
  assert.match(taken, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
  assert.deepEqual(bodies, ["body"]);
  const refused = await sendRaw(rig.port, head("unknown.localhost"));
  assert.match(refused, /^HTTP\/1\.1 404 Not Found\r\n/);
});

test("answers HTTP/1.0 with a body that ends with the connection", async (t) => {
  const { port } = await startApp(t, (_request, response) => {
    response.write("in ");
    response.end("pieces");
  });
  const rig = await startRig(t, { endpoints: [app(port)] });
  const answer = await sendRaw(rig.port, "GET / HTTP/1.0\r\nHost: webapp.localhost\r\n\r\n");
  assert.match(answer, /^HTTP\/1\.1 200 OK\r\n[^]*Connection: close\r\n[^]*\r\n\r\nin pieces$/);
  assert.doesNotMatch(answer, /transfer-encoding/i);
});

test("goes to the service that --service names", async (t) => {
  const http = await startApp(t, (_request, response) => response.end("http"));
  const admin = await startApp(t, (_request, response) => response.end("admin"));
  const rig = await startRig(t, {
    service: "admin",
    endpoints: [app(http.port), endpointOf(admin.port, { service: "admin" })],
  });
  assert.equal((await ask(rig.port)).body, "admin");
});

test("spreads concurrent requests over the least busy endpoints", async (t) => {
  const waiting: (() => void)[] = [];
  const busyAt = new Map<string, number>();
  const ports: number[] = [];
  for (const name of ["one", "two", "three"]) {
    const { port } = await startApp(t, (_request, response) => {
      busyAt.set(name, (busyAt.get(name) ?? 0) + 1);
      waiting.push(() => response.end());
    });
    ports.push(port);
  }
  const rig = await startRig(t, { endpoints: ports.map((port) => app(port)) });
  const asked: Promise<unknown>[] = [];
  for (let count = 1; count <= 60; count++) {
    asked.push(ask(rig.port));
    const { commits } = rig.proxy.stats();
    assert.ok(commits.length <= 1);
  }
  while (waiting.length < 60) await new Promise((resolve) => setImmediate(resolve));
  // Of two by chance the less busy one: nobody gets exactly a third, and each more of difference is rarer.
  const busy = [...busyAt.values()];
  assert.ok(
    busy.every((requests) => requests >= 10 && requests <= 30),
    `spread as ${busy.join(", ")}`,
  );
  assert.equal(rig.proxy.stats().commits[0]?.inFlight, 60);
  for (const answer of waiting) answer();
  await Promise.all(asked);
  assert.deepEqual(rig.proxy.stats().commits, [
    { commit: commitA, requests: 60, errors: 0, inFlight: 0 },
  ]);
});

async function startTwoCommits(t: Parameters<typeof startRig>[0]): ReturnType<typeof startRig> {
  const one = await startApp(t, (_request, response) => response.end("commit A"));
  const two = await startApp(t, (_request, response) => response.end("commit B"));
  return startRig(t, {
    endpoints: [app(one.port), app(two.port, commitB)],
    prepare: (hub) => {
      hub.setRoutes([routeOf([commitA, 1])], [{ repo: "webapp", commit: commitB }]);
    },
  });
}

async function startRecorder(
  t: Parameters<typeof startRig>[0],
): Promise<{ port: number; seen: IncomingMessage[]; bodies: string[] }> {
  const seen: IncomingMessage[] = [];
  const bodies: string[] = [];
  const { port } = await startApp(t, (request, response) => {
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => pieces.push(piece));
    request.on("end", () => {
      seen.push(request);
      bodies.push(Buffer.concat(pieces).toString());
      response.end();
    });
  });
  return { port, seen, bodies };
}
