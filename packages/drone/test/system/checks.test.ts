/** Health checks against real servers, and what is measured of processes and the machine. */
import assert from "node:assert/strict";
import { createServer as createHttp, type RequestListener } from "node:http";
import { createServer as createTcp, type AddressInfo, type Server } from "node:net";
import { tmpdir } from "node:os";
import { test, type TestContext } from "node:test";
import { nodeChecks } from "../../src/system/checks.js";
import { machineStats } from "../../src/system/machine.js";
import { usageOf } from "../../src/system/usage.js";
import type { Checks } from "../../src/world.js";
import { isAlive } from "../support/bench.js";
import { openProcessBench } from "../support/process-bench.js";
import { until } from "../support/until.js";

test("tells the status that an instance answers, and follows no redirect", async (t) => {
  const seen: (string | undefined)[] = [];
  const url = await serve(t, (request, response) => {
    seen.push(request.headers.host);
    response.writeHead(request.url === "/old" ? 302 : 503, { location: "/new" }).end("busy");
  });
  assert.deepEqual(await nodeChecks.http(`${url}/up`, 2_000), {
    ok: true,
    reason: "",
    status: 503,
  });
  assert.equal((await nodeChecks.http(`${url}/old`, 2_000)).status, 302);
  assert.deepEqual(seen, [url.slice("http://".length), url.slice("http://".length)]);
});

test("takes the status of an answer that never ends, and does not read it all", async (t) => {
  let closed = false;
  const url = await serve(t, (_, response) => {
    response.once("close", () => {
      closed = true;
    });
    const fill = () => {
      if (closed) return;
      if (response.write("x".repeat(65_536))) setImmediate(fill);
      else response.once("drain", fill);
    };
    fill();
  });
  assert.equal((await nodeChecks.http(url, 2_000)).status, 200);
  await until("the answer to be dropped", () => closed);
});

test("says why there was no answer", async (t) => {
  const silent = await listen(
    t,
    createTcp(() => undefined),
  );
  const url = `http://127.0.0.1:${silent}`;
  assert.deepEqual(await nodeChecks.http(url, 100), {
    ok: false,
    reason: "no answer within 0.1 s",
  });
  const rude = await listen(
    t,
    createTcp((socket) => socket.end("garbage\r\n\r\n")),
  );
  const garbage = await nodeChecks.http(`http://127.0.0.1:${rude}`, 1_000);
  assert.equal(garbage.ok, false);
  const free = await freePort();
  const refused = { ok: false, reason: "connect ECONNREFUSED" };
  assert.deepEqual(await nodeChecks.http(`http://127.0.0.1:${free}`, 1_000), refused);
  assert.deepEqual(await nodeChecks.tcp("127.0.0.1", free, 1_000), refused);
  assert.deepEqual(await nodeChecks.tcp("127.0.0.1", silent, 1_000), { ok: true, reason: "" });
  assert.equal((await nodeChecks.http("no url", 1_000)).ok, false);
});

test("runs a command for a check, and leaves nothing of it when it takes too long", async (t) => {
  const { app, said } = await openProcessBench(t);
  const command: Checks["command"] = (...asked) => nodeChecks.command(...asked);
  assert.deepEqual(await command(app("process.exit(0)"), 5_000), { ok: true, reason: "" });
  const failed = { ok: false, reason: "exited with code 3" };
  assert.deepEqual(await command(app("process.exit(3)"), 5_000), failed);
  const killed = { ok: false, reason: "was ended by SIGTERM" };
  assert.deepEqual(await command(app("", { command: ["sh", "-c", "kill $$"] }), 5_000), killed);
  const missing = { ok: false, reason: "command not found: nothing-like-it" };
  assert.deepEqual(await command(app("", { command: ["nothing-like-it"] }), 5_000), missing);
  const slow = app("", { command: ["sh", "-c", "sleep 1000 & echo $! >child; wait"] });
  assert.deepEqual(await command(slow, 500), { ok: false, reason: "no answer within 0.5 s" });
  const child = Number(await said("child"));
  await until("the child to be gone", async () => !(await isAlive(child)));
});

test("measures an instance with its children, and leaves out what is gone", async (t) => {
  const { begin, app, said } = await openProcessBench(t);
  const hungry = `const kept = Buffer.alloc(64 << 20, 1); const end = Date.now() + 300;
    while (Date.now() < end); require("fs").writeFileSync("up", "1"); setInterval(() => kept, 1000);`;
  const script = `require("child_process").spawn(process.execPath, ["-e", ${JSON.stringify(hungry)}]); setInterval(() => {}, 1000)`;
  const running = await begin().processes.launch(app(script));
  await said("up");
  const [usage, ...others] = await usageOf([
    { process: "one", pid: running.pid },
    { process: "gone", pid: 4_194_303 },
  ]);
  assert.deepEqual(others, []);
  assert.equal(usage?.process, "one");
  assert.ok((usage?.memoryBytes ?? 0) > 64 * 2 ** 20);
  assert.ok((usage?.cpuPercent ?? 0) > 1);
  assert.deepEqual(await usageOf([]), []);
});

test("measures the machine", async () => {
  const { load, cores, memoryBytes, memoryFreeBytes, diskBytes, diskFreeBytes } =
    await machineStats(tmpdir());
  assert.ok(load >= 0 && cores >= 1);
  assert.ok(memoryFreeBytes > 0 && memoryFreeBytes < memoryBytes);
  assert.ok(diskFreeBytes > 0 && diskFreeBytes <= diskBytes);
  assert.equal((await machineStats("/no/such/folder")).diskBytes, 0);
});

async function serve(t: TestContext, answer: RequestListener): Promise<string> {
  const server = createHttp(answer);
  t.after(() => server.closeAllConnections());
  return `http://127.0.0.1:${await listen(t, server)}`;
}

async function listen(t: TestContext, server: Server): Promise<number> {
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  t.after(() => server.close());
  server.unref();
  return (server.address() as AddressInfo).port;
}

async function freePort(): Promise<number> {
  const server = createTcp();
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}
