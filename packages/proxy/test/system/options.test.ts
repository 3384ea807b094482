/** What a proxy is started with, and what becomes of it: one thread or several make no difference. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect as connectHttp2 } from "node:http2";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { ask, sendRaw } from "../support/ask.js";
import { app, startApp, startRig, tempFolder, until, type Rig } from "../support/rig.js";
import { commitA, commitB, endpointOf, routeOf } from "../support/samples.js";

/** Says what it knows of the visitor. */
function startTeller(t: TestContext): Promise<{ port: number }> {
  return startApp(t, ({ headers }, response) => {
    const { "x-forwarded-for": of, "x-forwarded-proto": proto, "x-request-id": id } = headers;
    response.end(JSON.stringify({ for: of, proto, id }));
  });
}

test("tells apps of visitors by Forwarded and has a place in their traces, when asked to", async (t) => {
  const { port } = await startApp(t, ({ headers }, response) => {
    const { forwarded = "", traceparent = "" } = headers;
    response.end(`${forwarded} ${String(traceparent)}`);
  });
  const endpoints = [app(port)];
  const silent = await startRig(t, { endpoints });
  assert.equal((await ask(silent.port)).body, " ");
  const forwarding = { forwarded: true, traceContext: "join" } as const;
  const rig = await startRig(t, { endpoints, forwarding });
  const { body } = await ask(rig.port);
  assert.match(
    body,
    /^for=127\.0\.0\.1;host="?webapp\.localhost[^;]*;proto=http 00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/,
  );
});

for (const workers of [1, 2]) {
  test(`believes forwarding headers from trusted networks only, ${workers} threads`, async (t) => {
    const { port } = await startTeller(t);
    const endpoints = [app(port)];
    const headers = { "X-Forwarded-For": "10.1.2.3", "X-Forwarded-Proto": "https" };
    const trusting = await startRig(t, { workers, endpoints, trusted: ["127.0.0.0/8"] });
    const { body } = await ask(trusting.port, { headers });
    assert.match(body, /"for":"10\.1\.2\.3, 127\.0\.0\.1","proto":"https"/);
    const wary = await startRig(t, { workers, endpoints, trusted: ["10.0.0.0/8"] });
    const believed = await ask(wary.port, { headers });
    assert.match(believed.body, /"for":"127\.0\.0\.1","proto":"http"/);
  });

  test(`takes PROXY headers from trusted networks only, ${workers} threads`, async (t) => {
    const { port } = await startTeller(t);
    const endpoints = [app(port)];
    const proxied =
      "PROXY TCP4 10.1.2.3 10.0.0.1 4711 80\r\n" +
      "GET / HTTP/1.1\r\nHost: webapp.localhost\r\nConnection: close\r\n\r\n";
    const options = { workers, endpoints, acceptsProxyProtocol: true };
    const behind = await startRig(t, { ...options, trusted: ["127.0.0.0/8"] });
    assert.match(await sendRaw(behind.port, proxied), /"for":"10\.1\.2\.3"/);
    const bare = proxied.replace(/^PROXY.*\r\n/, "");
    assert.doesNotMatch(await sendRaw(behind.port, bare), /HTTP\/1\.1 200/);
    const wary = await startRig(t, { ...options, trusted: ["10.0.0.0/8"] });
    assert.doesNotMatch(await sendRaw(wary.port, proxied), /HTTP\/1\.1 200/);
  });

  test(`writes the access log, also of what it answers itself, ${workers} threads`, async (t) => {
    const { port } = await startTeller(t);
    const path = join(await tempFolder(), "access.log");
    const rig = await startRig(t, { workers, endpoints: [app(port)], accessLog: { path } });
    await ask(rig.port, { path: "/a?b", headers: { "user-agent": "test/1" } });
    await ask(rig.port, { host: "other.localhost" });
    await until("both are written", async () => (await linesOf(path)).length === 2);
    const lines = await linesOf(path);
    const sent = lines.find(({ status }) => status === 200);
    assert.deepEqual(
      [sent?.["target"], sent?.["commit"], sent?.["userAgent"], sent?.["endpoint"]],
      ["/a?b", commitA, "test/1", `127.0.0.1:${port}`],
    );
    assert.equal(lines.find(({ host }) => host === "other.localhost")?.["status"], 404);
  });
}

test("writes failures whole and of the rest only the part that is wanted", async (t) => {
  const { port } = await startTeller(t);
  const path = join(await tempFolder(), "access.log");
  const accessLog = { path, percent: 0 };
  const rig = await startRig(t, { endpoints: [app(port)], accessLog });
  for (let count = 1; count <= 10; count++) await ask(rig.port);
  rig.hub.down(`record-${port}`);
  await until("it fails", async () => (await ask(rig.port)).status === 503);
  await rig.proxy.stop();
  assert.deepEqual([...new Set((await linesOf(path)).map(({ status }) => status))], [503]);
});

test("asks instances of its own zone first, and others when those are gone", async (t) => {
  const near = await startApp(t, (_request, response) => response.end("near"));
  const far = await startApp(t, (_request, response) => response.end("far"));
  const rig = await startRig(t, {
    zone: "eu",
    endpoints: [
      endpointOf(near.port, { meta: { zone: "eu" } }),
      endpointOf(far.port, { meta: { zone: "us" } }),
    ],
  });
  assert.deepEqual([...(await bodiesOf(rig, 20))], ["near"]);
  rig.hub.down(`record-${near.port}`);
  await until("the other one is asked", async () => (await ask(rig.port)).body === "far");
});

test("answers 503 after so long without a word from its hub, and serves again when it is heard", async (t) => {
  const { port } = await startTeller(t);
  const rig = await startRig(t, { endpoints: [app(port)], staleMaxMs: 600 });
  assert.equal((await ask(rig.port)).status, 200);
  await rig.stopHub();
  await until("nobody is served", async () => {
    const { status, body, headers } = await ask(rig.port);
    return (
      status === 503 && /no word from its hub for 0\.6 s/.test(body) && "retry-after" in headers
    );
  });
});

test("tells the hub what it counts, per commit and as it goes on", async (t) => {
  const { port } = await startApp(t, (request, response) => {
    response.writeHead(request.url === "/bad" ? 500 : 200).end();
  });
  const rig = await startRig(t, { endpoints: [app(port)] });
  await ask(rig.port);
  await ask(rig.port, { path: "/bad" });
  await until("the hub knows", () => {
    const counts = rig.hub.reports.flatMap((report) => report.counts);
    const last = counts.findLast(({ commit }) => commit === commitA);
    return last?.requests === 2 && last.failed === 1 && last.inFlight === 0;
  });
  const [first] = rig.hub.reports;
  assert.match(String(first?.life), /^[0-9a-f]{32}$/);
});

test("ends websockets and takes nobody new at an endpoint that goes away, and says when it is over", async (t) => {
  const one = await startApp(t, (_request, response) => response.end("one"));
  const two = await startApp(t, (_request, response) => response.end("two"));
  const rig = await startRig(t, {
    endpoints: [app(one.port), app(two.port, commitB)],
    prepare: (hub) => hub.setRoutes([routeOf([commitA, 1], [commitB, 1])]),
  });
  const addresses = [`127.0.0.1:${one.port}`];
  const drained = await rig.hub.proxy?.call("proxy.drained", {
    addresses,
    graceMs: 0,
    waitMs: 500,
  });
  assert.equal(drained?.inFlight, 0);
  assert.deepEqual([...(await bodiesOf(rig, 20))], ["two"]);
});

async function bodiesOf(rig: Rig, count: number): Promise<Set<string>> {
  const bodies = new Set<string>();
  for (let index = 0; index < count; index++) bodies.add((await ask(rig.port)).body);
  return bodies;
}

async function linesOf(path: string): Promise<Record<string, unknown>[]> {
  const text = await readFile(path, "utf8");
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

for (const workers of [1, 2]) {
  test(`shows what it counts on a page of its own, ${workers} threads`, async (t) => {
    const { port } = await startTeller(t);
    const rig = await startRig(t, { workers, endpoints: [app(port)], metrics: { port: 0 } });
    await ask(rig.port);
    const page = rig.proxy.metricsPort ?? 0;
    await until("the request is counted", async () => {
      const { body } = await ask(page, { path: "/metrics" });
      return (
        /requests_total\{[^}]*commit="a{40}"[^}]*\} 1\n/.test(body) &&
        /share_percent.* 100\n/.test(body)
      );
    });
    assert.equal((await ask(page, { path: "/up" })).status, 200);
    assert.equal((await ask(rig.port, { path: "/metrics" })).body.startsWith("{"), true);
  });
}

test("speaks HTTP/2 without TLS with those who begin with it, when asked to", async (t) => {
  const { port } = await startTeller(t);
  const rig = await startRig(t, { endpoints: [app(port)], h2c: true });
  const session = connectHttp2(`http://127.0.0.1:${rig.port}`);
  t.after(() => session.destroy());
  const stream = session.request({ ":path": "/", ":authority": "webapp.localhost" });
  const [headers] = (await once(stream, "response")) as [Record<string, unknown>];
  assert.deepEqual([headers[":status"], headers["x-propagit-commit"]], [200, commitA]);
  stream.resume();
  await once(stream, "end");
  assert.equal((await ask(rig.port)).status, 200);
});
