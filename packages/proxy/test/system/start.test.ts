import assert from "node:assert/strict";
import { createServer } from "node:http";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { WebSocketServer } from "ws";
import { startProxy, type ProxyOptions, type RunningProxy } from "../../src/index.js";
import { ask, openRaw } from "../support/ask.js";
import {
  app,
  deadPort,
  keepLog,
  newTinyHub,
  secret,
  startApp,
  startRig,
  tempFolder,
  until,
} from "../support/rig.js";
import { commitA, routeOf } from "../support/samples.js";
import { serveTinyHub } from "../support/tiny-hub.js";

test("keeps serving its last table when hub and registry are gone, and follows them when they are back", async (t) => {
  const { port } = await startApp(t, (_request, response) => response.end("served"));
  const rig = await startRig(t, { endpoints: [app(port)] });
  await rig.stopHub();
  await until("the proxy knows", () => rig.proxy.stats().stale.length === 2);
  const served = await ask(rig.port);
  assert.deepEqual([served.status, served.body], [200, "served"]);
  assert.equal(served.headers["x-propagit-stale"], undefined);
  const refused = await ask(rig.port, { host: "other.localhost" });
  assert.deepEqual([refused.status, refused.headers["x-propagit-stale"]], [404, "hub, registry"]);
  assert.ok(rig.log.some((line) => /^! hub .* is away: .*keeps the last routes/.test(line)));
  assert.ok(rig.log.some((line) => /^! registry .* is away: .*keeps the last endp/.test(line)));
  const back = await serveTinyHub(rig.hub, rig.hubPort);
  t.after(() => back.close());
  await until("the proxy follows again", () => rig.proxy.stats().stale.length === 0);
});

test("serves its last table after its own restart while hub and registry are gone", async (t) => {
  const { port } = await startApp(t, (_request, response) => response.end("served"));
  const rig = await startRig(t, { endpoints: [app(port)] });
  await rig.proxy.stop();
  await rig.stopHub();
  const log: string[] = [];
  const again = await start(t, { port: rig.hubPort, dataFolder: rig.dataFolder, log });
  assert.equal((await ask(again.port)).body, "served");
  assert.ok(log.includes("starts with the saved table: 1 route, 1 running commit"));
});

test("starts while the hub is away, says why it has no routes, and follows the hub once it is there", async (t) => {
  const { port } = await startApp(t, (_request, response) => response.end("served"));
  const hubPort = await deadPort();
  const log: string[] = [];
  const proxy = await start(t, { port: hubPort, log });
  const refused = await ask(proxy.port);
  assert.equal(refused.status, 503);
  assert.match(refused.body, /^UNREACHABLE: the proxy has no routes yet, its hub is away: nobody/);
  assert.ok(log.some((line) => line.startsWith(`! hub 127.0.0.1:${hubPort} is away: nobody answ`)));
  const hub = newTinyHub();
  hub.setRoutes([routeOf([commitA, 1])]);
  hub.up(app(port));
  const served = await serveTinyHub(hub, hubPort);
  t.after(() => served.close());
  await until("it serves", async () => (await ask(proxy.port)).body === "served");
});

test("does not start with a wrong or missing secret, and leaves port and data folder free", async (t) => {
  const hub = await serveTinyHub(newTinyHub());
  t.after(() => hub.close());
  const dataFolder = await tempFolder();
  const listen = await deadPort();
  const options = { hub: { host: "127.0.0.1", port: hub.port }, port: listen, dataFolder };
  const log = keepLog([]);
  const refused = { code: "DENIED" };
  await assert.rejects(startProxy({ ...options, log, secret: "wrong" }), refused);
  await assert.rejects(startProxy({ ...options, log }), refused);
  const proxy = await startProxy({ ...options, log, secret });
  t.after(() => proxy.stop());
  assert.equal(proxy.port, listen);
});

test("says so when its port is taken, or may not be used", async (t) => {
  const { port } = await startApp(t, (_request, response) => response.end());
  const hubPort = await deadPort();
  const taken = start(t, { port: hubPort, proxyPort: port });
  await assert.rejects(taken, {
    code: "PORT_IN_USE",
    message: `port ${port} of 127.0.0.1 is in use by another process`,
  });
  const elsewhere = start(t, { port: hubPort, host: "192.0.2.1" });
  await assert.rejects(elsewhere, { code: "BAD_USAGE", message: /EADDRNOTAVAIL/ });
});

test("does not share its data folder, and says so when it cannot be written", async (t) => {
  const rig = await startRig(t);
  const second = start(t, { port: rig.hubPort, dataFolder: rig.dataFolder });
  await assert.rejects(second, { code: "DATA_IN_USE" });
  const file = join(await tempFolder(), "a file");
  await writeFile(file, "");
  const unusable = start(t, { port: rig.hubPort, dataFolder: join(file, "below") });
  await assert.rejects(unusable, { code: "DATA_UNUSABLE" });
});

test("starts with nothing when the saved table is damaged, and says so", async (t) => {
  const hub = await serveTinyHub(newTinyHub());
  t.after(() => hub.close());
  const dataFolder = await tempFolder();
  await writeFile(join(dataFolder, "table.json"), '{"version":1,"book":{"revision":"x"}}');
  const log: string[] = [];
  await start(t, { port: hub.port, dataFolder, log });
  assert.ok(log.some((line) => /^! the saved table .*table\.json is not used: it /.test(line)));
});

test("serves on when the table cannot be saved", async (t) => {
  const { port } = await startApp(t, (_request, response) => response.end("served"));
  const rig = await startRig(t, { endpoints: [app(port)] });
  const table = join(rig.dataFolder, "table.json");
  await until("the table is saved", async () => {
    return (await readFile(table, "utf8").catch(() => "")).includes(commitA);
  });
  // A folder in its place hinders even root.
  await rm(table);
  await mkdir(join(table, "in the way"), { recursive: true });
  rig.hub.setRoutes([routeOf([commitA, 2])]);
  await until("it says so", () =>
    rig.log.some((line) => line.startsWith("! the table is not sav")),
  );
  assert.equal((await ask(rig.port)).body, "served");
});

test("lives through whatever a false hub sends it", async (t) => {
  const garbage = [
    "not json",
    "{}",
    '{"v":1,"kind":"welcome","proof":"00","heartbeatMs":1}',
    '{"v":99,"kind":"challenge","nonce":"00000000000000000000000000000000","open":false}',
    JSON.stringify({ v: 1, kind: "challenge", nonce: "0".repeat(32), open: true }),
    "x".repeat(5_000_000),
  ];
  let connections = 0;
  const server = createServer();
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket) => {
    socket.on("error", () => undefined);
    socket.send(garbage[connections % garbage.length] ?? "");
    connections += 1;
  });
  const port = await deadPort();
  await new Promise<void>((resolve) => {
    server.listen(port, "127.0.0.1", resolve);
  });
  t.after(() => {
    for (const socket of sockets.clients) socket.terminate();
    server.close();
  });
  const proxy = await start(t, { port });
  await until("every piece of garbage was sent", () => connections >= 3, 30_000);
  assert.equal((await ask(proxy.port)).status, 503);
  assert.deepEqual(proxy.stats().stale, ["hub", "registry"]);
});

test("finishes what is on its way when it stops, and takes nothing new", async (t) => {
  let finish = () => undefined as void;
  const { port } = await startApp(t, (_request, response) => {
    response.write("first ");
    finish = () => void response.end("last");
  });
  const rig = await startRig(t, { endpoints: [app(port)] });
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

interface StartOptions {
  /** The hub's. */
  readonly port: number;
  readonly proxyPort?: number;
  readonly host?: string;
  readonly dataFolder?: string;
  readonly log?: string[];
}

async function start(t: TestContext, options: StartOptions): Promise<RunningProxy> {
  const { port, proxyPort = 0, host = "127.0.0.1", log = [] } = options;
  const dataFolder = options.dataFolder ?? (await tempFolder());
  const proxyOptions: ProxyOptions = {
    hub: { host: "127.0.0.1", port },
    secret,
    port: proxyPort,
    host,
    dataFolder,
    log: keepLog(log),
  };
  const proxy = await startProxy(proxyOptions);
  t.after(() => proxy.stop());
  return proxy;
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}
