import assert from "node:assert/strict";
import { connect } from "node:net";
import { test, type TestContext } from "node:test";
import type { Worker } from "node:worker_threads";
import { WebSocket, WebSocketServer } from "ws";
import { ask, openRaw } from "../support/ask.js";
import { app, deadPort, startApp, startRig, until, type Rig } from "../support/rig.js";
import { commitA, commitB, endpointOf, routeOf } from "../support/samples.js";

const workers = 3;

test("serves with several threads on one port, all going by the same table", async (t) => {
  const rig = await startTwo(t);
  const bodies = await askMany(rig, 60);
  assert.deepEqual([...new Set(bodies)], ["commit A"]);
  rig.hub.setRoutes([routeOf([commitB, 1])]);
  let asked = 60;
  await until("all go by the change", async () => {
    asked += 30;
    return (await askMany(rig, 30)).every((body) => body === "commit B");
  });
  await until("all are counted, whichever thread had them", () => {
    const { commits } = rig.proxy.stats();
    const counted = commits.reduce((sum, { requests }) => sum + requests, 0);
    return counted === asked && commits.every(({ inFlight }) => inFlight === 0);
  });
});

test("tells the hub one sum of what all threads counted", async (t) => {
  const rig = await startTwo(t);
  await askMany(rig, 40);
  await until("the hub knows", () => {
    const counts = rig.hub.reports.flatMap((report) => report.counts);
    return counts.findLast(({ commit }) => commit === commitA)?.requests === 40;
  });
  assert.equal(new Set(rig.hub.reports.map(({ life }) => life)).size, 1);
});

test("answers the hub once all threads see, and have drained", async (t) => {
  const { server, port } = await startApp(t, (_request, response) => response.end());
  const sockets = new WebSocketServer({ server });
  t.after(() => sockets.close());
  const rig = await startRig(t, { workers, endpoints: [app(port)] });
  const clients = Array.from({ length: 6 }, () => {
    const client = new WebSocket(`ws://127.0.0.1:${rig.port}/`, {
      headers: { host: "webapp.localhost" },
    });
    t.after(() => client.terminate());
    return client;
  });
  await until("all are open", () => clients.every(({ readyState }) => readyState === 1));
  const codes: number[] = [];
  for (const client of clients) client.on("close", (code) => codes.push(code));
  const id = "1".repeat(16);
  const deployment = { id, repo: "webapp", environment: "production", commit: commitA };
  const sees = await rig.hub.proxy?.call("proxy.sees", {
    revision: 1,
    deployments: [{ ...deployment, services: ["http", "other"] }],
    waitMs: 50,
  });
  assert.deepEqual(sees?.missing, [{ deployment: id, service: "other" }]);
  const addresses = [`127.0.0.1:${port}`];
  const busy = await rig.hub.proxy?.call("proxy.drained", {
    addresses,
    graceMs: 60_000,
    waitMs: 50,
  });
  assert.equal(busy?.inFlight, 6);
  const drained = await rig.hub.proxy?.call("proxy.drained", {
    addresses,
    graceMs: 0,
    waitMs: 9_000,
  });
  assert.equal(drained?.inFlight, 0);
  await until("all were told", () => codes.length === 6);
  assert.deepEqual([...new Set(codes)], [1001]);
  assert.equal((await ask(rig.port)).status, 503);
});

test("says that it has no routes, that it is stale, and that it is too stale, in every thread", async (t) => {
  const { port } = await startApp(t, (_request, response) => response.end("served"));
  const rig = await startRig(t, { workers, endpoints: [app(port)], staleMaxMs: 1_000 });
  assert.equal((await ask(rig.port)).status, 200);
  await rig.stopHub();
  await until("nobody is served any more", async () => {
    const answers = await Promise.all(Array.from({ length: 12 }, () => ask(rig.port)));
    return answers.every(({ status, headers, body }) => {
      return status === 503 && headers["retry-after"] !== undefined && /no word/.test(body);
    });
  });
  const { headers } = await ask(rig.port);
  assert.match(String(headers["x-propagit-stale"]), /^hub/);
});

test("refuses a port that is taken, and finishes what is on its way when it stops", async (t) => {
  let finish = () => undefined as void;
  const { port } = await startApp(t, (_request, response) => {
    response.write("first ");
    finish = () => void response.end("last");
  });
  const rig = await startRig(t, { workers, endpoints: [app(port)] });
  await assert.rejects(startRig(t, { workers, port: rig.port }), { code: "PORT_IN_USE" });
  const { socket, received } = openRaw(rig.port);
  t.after(() => socket.destroy());
  socket.write("GET / HTTP/1.1\r\nHost: webapp.localhost\r\n\r\n");
  await until("the answer has begun", () => received().includes("first"));
  const stopped = rig.proxy.stop();
  await until("nobody is taken any more", async () => !(await isListening(rig.port)));
  finish();
  await stopped;
  await until("the whole answer is there", () => /first [^]*last[^]*0\r\n\r\n$/.test(received()));
});

test("starts a thread that died again, and loses no visitor but its own", async (t) => {
  const threads: Worker[] = [];
  const onWorker = (thread: Worker) => void threads.push(thread);
  process.on("worker", onWorker);
  t.after(() => process.off("worker", onWorker));
  const rig = await startTwo(t);
  assert.equal((await askMany(rig, 20)).length, 20);
  await until("it is counted", () => rig.proxy.stats().commits[0]?.requests === 20);
  await threads[1]?.terminate();
  await until("it is said", () => rig.log.some((line) => /^! worker \d died: /.test(line)));
  await until("it serves again", () =>
    rig.log.some((line) => /^worker \d serves again/.test(line)),
  );
  const after = await askMany(rig, 60);
  assert.deepEqual([...new Set(after)], ["commit A"]);
  await until("what it counted stays counted", () => {
    const [stats] = rig.proxy.stats().commits;
    return stats !== undefined && stats.requests >= 80 && stats.inFlight === 0;
  });
});

async function startTwo(t: TestContext): Promise<Rig> {
  const one = await startApp(t, (_request, response) => response.end("commit A"));
  const two = await startApp(t, (_request, response) => response.end("commit B"));
  return startRig(t, {
    workers,
    endpoints: [app(one.port), app(two.port, commitB), endpointOf(await deadPort())],
  });
}

/** Each on a connection of its own, so that every thread gets some. */
async function askMany(rig: Rig, count: number): Promise<string[]> {
  const answers = await Promise.all(Array.from({ length: count }, () => ask(rig.port)));
  return answers.map(({ body }) => body);
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}
