import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { WebSocket, WebSocketServer } from "ws";
import { openRaw, sendRaw } from "../support/ask.js";
import { app, deadPort, startApp, startRawApp, startRig, until } from "../support/rig.js";
import { commitA } from "../support/samples.js";

const wanted =
  "GET /chat HTTP/1.1\r\nHost: webapp.localhost\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n\r\n";
/** So that a refusal ends the connection, and with it the test's reading. */
const wantedOnce = wanted.replace("Upgrade\r\nUpgrade", "Upgrade, close\r\nUpgrade");
const agreed = (more = "") =>
  `HTTP/1.1 101 Sure\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n${more}\r\n`;

test("carries websockets both ways, text and binary, also when only one side speaks", async (t) => {
  const { server, port } = await startApp(t, (_request, response) => response.end());
  const sockets = new WebSocketServer({ server });
  t.after(() => sockets.close());
  sockets.on("connection", (socket, request) => {
    socket.send(`welcome to ${request.url}`);
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  const rig = await startRig(t, { endpoints: [app(port)] });
  const client = new WebSocket(`ws://127.0.0.1:${rig.port}/chat?room=1`, {
    headers: { host: "webapp.localhost" },
  });
  t.after(() => client.terminate());
  const received: string[] = [];
  client.on("message", (data: Buffer, isBinary) => {
    received.push(isBinary ? `binary ${data.length}` : data.toString());
  });
  await once(client, "open");
  client.send("hello");
  client.send(Buffer.alloc(1_000_000));
  await until("everything came back", () => received.length === 3);
  assert.deepEqual(received, ["welcome to /chat?room=1", "hello", "binary 1000000"]);
  assert.equal(rig.proxy.stats().commits[0]?.inFlight, 1);
  client.close(1000, "done");
  const [code] = (await once(client, "close")) as [number];
  assert.equal(code, 1000);
  await until("it is over", () => rig.proxy.stats().commits[0]?.inFlight === 0);
});

test("carries any other protocol, with the bytes that came right behind its head", async (t) => {
  const port = await startRawApp(t, (socket) => {
    let received = "";
    socket.on("data", (piece: Buffer) => {
      const before = received.includes("\r\n\r\n");
      received += piece.toString();
      const early = received.slice(received.indexOf("\r\n\r\n") + 4);
      socket.write(before ? piece : `${agreed("X-App: yes\r\n")}early:${early}|`);
    });
  });
  const rig = await startRig(t, { endpoints: [app(port)] });
  const { socket, received } = openRaw(rig.port);
  t.after(() => socket.destroy());
  socket.write(`${wanted}first `);
  await until("it has switched", () => received().includes("early:"));
  socket.write("second");
  await until("everything came back", () => /first [^]*second$/.test(received()));
  const [head = ""] = received().split("\r\n\r\n", 1);
  assert.match(head, /^HTTP\/1\.1 101 /);
  for (const line of ["connection: upgrade", "upgrade: echo/1", "x-app: yes"]) {
    assert.ok(head.toLowerCase().split("\r\n").includes(line), line);
  }
  assert.match(head, /\r\nx-propagit-commit: a{40}/);
});

test("gives the whole of what an app says before it ends an upgraded connection", async (t) => {
  const bytes = 3_000_000;
  const port = await startRawApp(t, (socket) => {
    socket.once("data", () => {
      socket.write(agreed());
      socket.end("x".repeat(bytes));
    });
  });
  const rig = await startRig(t, { endpoints: [app(port)] });
  const answer = await sendRaw(rig.port, wanted);
  assert.equal(answer.slice(answer.indexOf("\r\n\r\n") + 4).length, bytes);
});

test("passes an app's refusal on, and pins nothing to it", async (t) => {
  const { port } = await startApp(t, (request, response) => {
    response.writeHead(401, { "content-length": 300_011 });
    response.end(`no ${request.headers.upgrade}${" ".repeat(300_001)}.`);
  });
  const rig = await startRig(t, { endpoints: [app(port)] });
  const next = "GET / HTTP/1.1\r\nHost: other.localhost\r\nConnection: close\r\n\r\n";
  const answer = await sendRaw(rig.port, wanted + next);
  assert.match(answer, /^HTTP\/1\.1 401 Unauthorized\r\n/);
  assert.match(answer, /\r\n\r\nno echo\/1 {300001}\.HTTP\/1\.1 404 /);
});

test("answers an upgrade with the reason when it leads nowhere: 404, 502, 504", async (t) => {
  const silent = await startRawApp(t, (socket) => socket.resume());
  const dead = await startRig(t, { endpoints: [app(await deadPort())] });
  const hanging = await startRig(t, { endpoints: [app(silent)], timeoutMs: 150 });
  const unknown = wantedOnce.replace("webapp", "other");
  assert.match(await sendRaw(dead.port, unknown), /^HTTP\/1\.1 404 [^]*NO_ROUTE: /);
  assert.match(await sendRaw(dead.port, wantedOnce), /^HTTP\/1\.1 502 [^]*APP_FAILED: /);
  assert.match(await sendRaw(hanging.port, wantedOnce), /^HTTP\/1\.1 504 [^]*TIMED_OUT: /);
});

test("answers an offer of h2c, or an upgrade with a body, as an ordinary request", async (t) => {
  const { port } = await startApp(t, (request, response) => {
    response.end(`upgrade: ${request.headers.upgrade}`);
  });
  const rig = await startRig(t, { endpoints: [app(port)] });
  const offered = await sendRaw(rig.port, wantedOnce.replace("echo/1", "h2c"));
  assert.match(offered, /^HTTP\/1\.1 200 OK[^]*upgrade: undefined/);
  const body = wantedOnce.replace("\r\n\r\n", "\r\nContent-Length: 4\r\n\r\nbody");
  assert.match(await sendRaw(rig.port, body), /^HTTP\/1\.1 200 OK[^]*upgrade: undefined/);
});

test("ends the app's side when the visitor of an upgraded connection is gone, and the other way", async (t) => {
  let appEnds = 0;
  const port = await startRawApp(t, (socket) => {
    socket.on("close", () => (appEnds += 1));
    socket.on("data", (piece: Buffer) => {
      if (piece.includes("die")) socket.resetAndDestroy();
      else socket.write(agreed());
    });
  });
  const rig = await startRig(t, { endpoints: [app(port)] });
  const first = openRaw(rig.port);
  first.socket.write(wanted);
  await until("it has switched", () => first.received().includes("101"));
  first.socket.resetAndDestroy();
  await until("the app's side has ended", () => appEnds === 1);
  const second = openRaw(rig.port);
  second.socket.write(wanted);
  await until("it has switched", () => second.received().includes("101"));
  second.socket.write("die");
  await until("the visitor's side has ended", () => second.socket.closed);
  await until("nothing is under way", () => rig.proxy.stats().commits[0]?.inFlight === 0);
  assert.deepEqual(rig.proxy.stats().commits, [
    { commit: commitA, requests: 2, errors: 0, inFlight: 0 },
  ]);
});
