import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import { ask, oneConnection, openRaw, sendRaw } from "../support/ask.js";
import { app, deadPort, startApp, startRawApp, startRig, until, type Rig } from "../support/rig.js";
import { commitA, commitB, endpointOf, routeOf } from "../support/samples.js";

test("tries another endpoint when nobody listens at the first, also with a body", async (t) => {
  const { port } = await startApp(t, (request, response) => request.pipe(response));
  const rig = await startRig(t, { endpoints: [app(port), app(await deadPort())] });
  for (let count = 1; count <= 20; count++) {
    const answer = await ask(rig.port, { method: "POST", body: `body ${count}` });
    assert.deepEqual([answer.status, answer.body], [200, `body ${count}`]);
  }
  assert.deepEqual(rig.proxy.stats().commits, [
    { commit: commitA, requests: 20, errors: 0, inFlight: 0 },
  ]);
});

test("gives a dead variant's visitors to the others", async (t) => {
  const { port } = await startApp(t, (_request, response) => response.end("commit A"));
  const rig = await startRig(t, {
    endpoints: [app(port), app(await deadPort(), commitB)],
    prepare: (hub) => hub.setRoutes([routeOf([commitA, 1], [commitB, 99])]),
  });
  for (let count = 1; count <= 10; count++) assert.equal((await ask(rig.port)).body, "commit A");
});

test("answers 502 with the reason when the only endpoint is dead, and finds it when it is back", async (t) => {
  const dead = await deadPort();
  const rig = await startRig(t, { endpoints: [app(dead)] });
  const answer = await ask(rig.port);
  assert.equal(answer.status, 502);
  assert.match(answer.body, /^APP_FAILED: webapp aaaaaaa cannot be connected to: nothing listens/);
  assert.equal(answer.headers["cache-control"], "no-store");
  assert.ok(rig.log.some((line) => line.startsWith(`! endpoint 127.0.0.1:${dead}`)));
  const { port } = await startApp(t, (_request, response) => response.end("alive"));
  rig.hub.down(`record-${dead}`);
  rig.hub.up(app(port));
  await until("the new endpoint answers", async () => (await ask(rig.port)).body === "alive");
});

test("answers 503 with the reason when a commit has no endpoint", async (t) => {
  const rig = await startRig(t);
  const answer = await ask(rig.port);
  assert.equal(answer.status, 503);
  assert.match(answer.body, /^NO_ENDPOINT: no endpoint for webapp aaaaaaa: none of its services/);
});

test("names the services when it cannot tell which one takes visitors", async (t) => {
  const endpoints = [endpointOf(1, { service: "say" }), endpointOf(2, { service: "worker" })];
  const rig = await startRig(t, { endpoints });
  const answer = await ask(rig.port);
  assert.equal(answer.status, 503);
  assert.match(answer.body, /it has the services "say", "worker"; none is called http or web/);
});

test("answers 404 for host names that lead nowhere", async (t) => {
  const rig = await startRig(t);
  const statuses: Record<string, number> = {};
  for (const host of ["other.localhost", "127.0.0.1:80", "[::1]", "ccccccc--webapp.localhost"]) {
    const answer = await ask(rig.port, { host });
    statuses[host] = answer.status;
    assert.equal(answer.headers["cache-control"], "no-store");
  }
  assert.deepEqual(statuses, {
    "other.localhost": 404,
    "127.0.0.1:80": 404,
    "[::1]": 404,
    "ccccccc--webapp.localhost": 404,
  });
});

test("answers 504 when the app takes too long for its answer's head, and ends that connection", async (t) => {
  let isEnded = false;
  const port = await startRawApp(t, (socket) => {
    socket.resume();
    socket.on("close", () => (isEnded = true));
  });
  const rig = await startRig(t, { endpoints: [app(port)], timeoutMs: 150 });
  const answer = await ask(rig.port);
  assert.equal(answer.status, 504);
  assert.match(answer.body, /^TIMED_OUT: webapp aaaaaaa did not answer within 0\.15 s/);
  await until("the app's connection has ended", () => isEnded);
  assert.deepEqual(rig.proxy.stats().commits, [
    { commit: commitA, requests: 1, errors: 1, inFlight: 0 },
  ]);
});

test("has copies try an endpoint that says nothing, so that only the first visitors wait for it", async (t) => {
  let isStopped = true;
  let askedThere = 0;
  const answer = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nstopped";
  const stopped = await startRawApp(t, (socket) =>
    socket.on("data", () => {
      askedThere += 1;
      if (!isStopped) socket.write(answer);
    }),
  );
  const { port } = await startApp(t, (_request, response) => response.end("fine"));
  const rig = await startRig(t, { endpoints: [app(stopped), app(port)], timeoutMs: 1_500 });
  let visitors = 0;
  await until("it was tried twice after it was left out", async () => {
    assert.equal((await ask(rig.port)).body, "fine");
    visitors += 1;
    return askedThere >= 4;
  });
  assert.equal(await retriesOf(rig, visitors), 2);
  isStopped = false;
  await until("visitors get there again", async () => (await ask(rig.port)).body === "stopped");
});

test("has copies try the only endpoint of a variant whose visitors others answer meanwhile", async (t) => {
  let askedThere = 0;
  const silent = await startRawApp(t, (socket) => socket.on("data", () => (askedThere += 1)));
  const { port } = await startApp(t, (_request, response) => response.end("commit A"));
  const rig = await startRig(t, {
    endpoints: [app(port), app(silent, commitB)],
    prepare: (hub) => hub.setRoutes([routeOf([commitA, 1], [commitB, 99])]),
    timeoutMs: 1_500,
  });
  let visitors = 0;
  await until("it was tried after it was left out", async () => {
    assert.equal((await ask(rig.port)).body, "commit A");
    visitors += 1;
    return askedThere >= 3;
  });
  assert.equal(await retriesOf(rig, visitors), 2);
});

test("does not take a long upload for a hanging app", async (t) => {
  const { port } = await startApp(t, (request, response) => request.pipe(response));
  const rig = await startRig(t, { endpoints: [app(port)], timeoutMs: 1_500 });
  const { socket, received } = openRaw(rig.port);
  socket.write("POST / HTTP/1.1\r\nHost: webapp.localhost\r\nContent-Length: 12\r\n");
  socket.write("Connection: close\r\n\r\n");
  const startedAt = performance.now();
  let sent = 0;
  await until("the upload is through", () => {
    const due = Math.floor((performance.now() - startedAt) / 150);
    while (sent < Math.min(12, due)) {
      socket.write("x");
      sent += 1;
    }
    return received().endsWith("x".repeat(12)) || /x{12}/.test(received().replaceAll(/[^x]/g, ""));
  });
  assert.match(received(), /^HTTP\/1\.1 200 OK/);
});

test("answers 408 when a visitor stops sending his body", async (t) => {
  const port = await startRawApp(t, (socket) => socket.resume());
  const rig = await startRig(t, { endpoints: [app(port)], timeoutMs: 150 });
  const answer = await sendRaw(
    rig.port,
    "POST / HTTP/1.1\r\nHost: webapp.localhost\r\nContent-Length: 9\r\nConnection: close\r\n\r\nhalf",
  );
  assert.match(
    answer,
    /^HTTP\/1\.1 408 Request Timeout[^]*BAD_REQUEST: this request cannot be taken: /,
  );
});

test("cuts the visitor off when the app dies within its answer, whatever the framing", async (t) => {
  const heads = {
    length: "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
    chunked: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
  };
  for (const [name, bytes] of Object.entries(heads)) {
    const port = await startRawApp(t, (socket) => {
      socket.once("data", () => socket.write(bytes, () => setImmediate(() => socket.destroy())));
    });
    const rig = await startRig(t, { endpoints: [app(port)] });
    await assert.rejects(ask(rig.port), { code: "ECONNRESET" }, name);
    await until("it is counted", () => rig.proxy.stats().commits[0]?.inFlight === 0);
    assert.equal(rig.proxy.stats().commits[0]?.errors, 1);
  }
});

test("repeats a harmless request elsewhere when the app dies before it answers, others not at all", async (t) => {
  let connections = 0;
  const die = (socket: Socket) => {
    connections += 1;
    socket.once("data", () => socket.destroy());
  };
  const ports = [await startRawApp(t, die), await startRawApp(t, die)];
  const rig = await startRig(t, { endpoints: ports.map((port) => app(port)) });
  const harmless = await ask(rig.port);
  assert.deepEqual([harmless.status, connections], [502, 2]);
  assert.match(harmless.body, /^APP_FAILED: webapp aaaaaaa broke off: /);
  const other = await ask(rig.port, { method: "POST", body: "once" });
  assert.deepEqual([other.status, connections], [502, 3]);
});

test("answers 502 when what the app says is not HTTP", async (t) => {
  const port = await startRawApp(t, (socket) =>
    socket.once("data", () => socket.end("garbage\r\n")),
  );
  const rig = await startRig(t, { endpoints: [app(port)] });
  assert.equal((await ask(rig.port)).status, 502);
});

test("ends the app's side at once when the visitor leaves, before and within the answer", async (t) => {
  for (const path of ["/silent", "/begins"]) {
    let ended = 0;
    const { port } = await startApp(t, (request, response) => {
      if (request.url === "/begins") response.write("beginning");
      response.on("close", () => (ended += 1));
    });
    const rig = await startRig(t, { endpoints: [app(port)] });
    const { socket } = openRaw(rig.port);
    socket.write(`GET ${path} HTTP/1.1\r\nHost: webapp.localhost\r\n\r\n`);
    await until("it is under way", () => rig.proxy.stats().commits[0]?.inFlight === 1);
    socket.destroy();
    await until(`the app knows that the visitor of ${path} left`, () => ended === 1);
    assert.deepEqual(rig.proxy.stats().commits, [
      { commit: commitA, requests: 1, errors: 0, inFlight: 0 },
    ]);
  }
});

test("ends kept connections to an endpoint that is gone, and finishes what is on its way there", async (t) => {
  let finish = () => undefined as void;
  let open = 0;
  const { port, server } = await startApp(t, (request, response) => {
    if (request.url === "/quick") return response.end("quick");
    response.write("first ");
    finish = () => void response.end("last");
    return undefined;
  });
  server.on("connection", (socket) => {
    open += 1;
    socket.on("close", () => (open -= 1));
  });
  const rig = await startRig(t, { endpoints: [app(port)] });
  const slow = ask(rig.port, { path: "/slow" });
  await until("it is on its way", () => rig.proxy.stats().commits[0]?.inFlight === 1);
  await ask(rig.port, { path: "/quick" });
  assert.equal(open, 2);
  rig.hub.down(`record-${port}`);
  // Well before the 4 s after which any idle connection is ended.
  await until("the idle connection has ended", () => open === 1, 3_000);
  finish();
  assert.equal((await slow).body, "first last");
  await until("the other one has ended as well", () => open === 0, 3_000);
});

test("forgets pipelined requests whose visitor left before their turn came", async (t) => {
  const asked: (string | undefined)[] = [];
  const { port } = await startApp(t, (request) => void asked.push(request.url));
  const rig = await startRig(t, { endpoints: [app(port)] });
  const { socket } = openRaw(rig.port);
  for (const path of ["/silent", "/next", "/next"]) {
    socket.write(`GET ${path} HTTP/1.1\r\nHost: webapp.localhost\r\n\r\n`);
  }
  await until("the first is under way", () => asked.length === 1);
  socket.destroy();
  await until("nothing is under way", () => rig.proxy.stats().commits[0]?.inFlight === 0);
  assert.deepEqual(asked, ["/silent"]);
});

test("refuses requests that can be read in two ways, and ends their connection", async (t) => {
  let reached = 0;
  const { port } = await startApp(t, (_request, response) => {
    reached += 1;
    response.end("reached");
  });
  const rig = await startRig(t, { endpoints: [app(port)] });
  const host = "Host: webapp.localhost\r\n";
  const smuggled = "GET /smuggled HTTP/1.1\r\nHost: webapp.localhost\r\n\r\n";
  const heads = [
    `GET / HTTP/1.1\r\n${host}Host: other.localhost\r\n\r\n`,
    `GET / HTTP/1.1\r\n\r\n`,
    `POST / HTTP/1.1\r\n${host}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    `POST / HTTP/1.1\r\n${host}Content-Length: 4\r\nContent-Length: 5\r\n\r\nbody`,
    `POST / HTTP/1.1\r\n${host}Content-Length: +4\r\n\r\nbody`,
    `POST / HTTP/1.1\r\n${host}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n`,
    `POST / HTTP/1.0\r\n${host}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    `POST / HTTP/1.1\r\n${host}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
    `GET / HTTP/1.1\r\n${host}X-Folded: a\r\n b\r\n\r\n`,
    `GET / HTTP/1.1\r\n${host}X-Null: a\0b\r\n\r\n`,
    `GET webapp HTTP/1.1\r\n${host}\r\n`,
    `GET * HTTP/1.1\r\n${host}\r\n`,
    `GET http://other.localhost/ HTTP/1.1\r\n${host}\r\n`,
    `GET / HTTP/9.9\r\n${host}\r\n`,
    `garbage\r\n\r\n`,
    `\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03`,
  ];
  for (const head of heads) {
    const answer = await sendRaw(rig.port, head + smuggled);
    assert.match(answer, /^HTTP\/1\.1 (400|505) /, JSON.stringify(head));
    assert.deepEqual([answer.match(/HTTP\/1\.1 /g)?.length, reached], [1, 0], JSON.stringify(head));
  }
  const tooLong = `GET / HTTP/1.1\r\n${host}X: ${"x".repeat(70_000)}\r\n\r\n`;
  assert.match(await sendRaw(rig.port, tooLong), /^HTTP\/1\.1 431 /);
  assert.match(await sendRaw(rig.port, "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"), / 501 /);
  assert.equal((await ask(rig.port)).body, "reached");
});

test("uses a kept connection of a visitor again after an error of the app's", async (t) => {
  const { port } = await startApp(t, (_request, response) => response.end("fine"));
  const rig = await startRig(t, { endpoints: [app(port)] });
  const agent = oneConnection();
  t.after(() => agent.destroy());
  assert.equal((await ask(rig.port, { agent, host: "unknown.localhost" })).status, 404);
  assert.equal((await ask(rig.port, { agent })).body, "fine");
  assert.equal(Object.values(agent.freeSockets).flat().length, 1);
});

test("serves on when an app closed a kept connection meanwhile", async (t) => {
  const { port, server } = await startApp(t, (_request, response) => response.end("fine"));
  const rig = await startRig(t, { endpoints: [app(port)] });
  for (let count = 1; count <= 20; count++) {
    assert.equal((await ask(rig.port)).body, "fine");
    server.closeIdleConnections();
  }
  assert.equal(rig.proxy.stats().commits[0]?.errors, 0);
});

test("lives on when an endpoint's host is none that a URL can hold, and asks another", async (t) => {
  const rig = await startRig(t, { endpoints: [endpointOf(1, { host: "1.2.3.999", port: 80 })] });
  const answer = await ask(rig.port);
  assert.equal(answer.status, 502);
  assert.match(answer.body, /^APP_FAILED: webapp aaaaaaa cannot be connected to/);
  const { port } = await startApp(t, (_request, response) => response.end("fine"));
  rig.hub.up(app(port));
  await until("the good endpoint answers", async () => (await ask(rig.port)).body === "fine");
});

/** How many more endpoints were asked than visitors came: each time, a visitor waited for nothing. */
async function retriesOf({ hub }: Rig, visitors: number): Promise<number> {
  const last = () => hub.reports.flatMap(({ counts }) => counts).findLast(isOfA);
  const isOfA = ({ commit }: { readonly commit?: string }) => commit === commitA;
  await until("all are reported", () => last()?.requests === visitors && last()?.inFlight === 0);
  return last()?.retries ?? 0;
}
