import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, serveRegistry } from "@propagit/registry";
import { silentLog } from "@propagit/runtime";
import { ask } from "../support/ask.js";
import { startProxy } from "../../src/index.js";
import { keepLog, secret, startApp, startRig, tempFolder, until } from "../support/rig.js";
import { commitA } from "../support/samples.js";

test("serves all the way through a restart of the real registry, and lets go of what is freed after it", async (t) => {
  const { port } = await startApp(t, (_request, response) => response.end("served"));
  const first = await serveRegistry({ port: 0, host: "127.0.0.1", secret, log: silentLog });
  const { address } = first;
  const owner = connect(address, { secret, ttlMs: 1_000 });
  t.after(() => owner.close());
  await owner.register("http", { port, host: "127.0.0.1", commit: commitA });
  const rig = await startRig(t, {
    prepare: (hub) => {
      hub.named = { ...address, open: false };
    },
  });
  await until("it serves", async () => (await ask(rig.port)).status === 200);
  const failures: number[] = [];
  const visits = { areOver: false };
  const visiting = (async () => {
    while (!visits.areOver) {
      const { status } = await ask(rig.port);
      if (status !== 200) failures.push(status);
    }
  })();
  await first.stop();
  await until("the proxy knows", () => rig.proxy.stats().stale.length === 1);
  const second = await serveRegistry({ ...address, secret, log: silentLog });
  t.after(() => second.stop());
  await until("the proxy follows again", () => rig.proxy.stats().stale.length === 0);
  await until("the owner is back", async () => (await owner.query()).endpoints.length === 1);
  visits.areOver = true;
  await visiting;
  assert.deepEqual(failures, []);
  await owner.free(port);
  await until("the endpoint is gone", async () => (await ask(rig.port)).status === 503);
});

test("says nothing of saved routes where it has its own, and serves by the endpoints it knew", async (t) => {
  const { port } = await startApp(t, (_request, response) => response.end("served"));
  const registry = await serveRegistry({ port: 0, host: "127.0.0.1", secret, log: silentLog });
  t.after(() => registry.stop());
  const owner = connect(registry.address, { secret });
  t.after(() => owner.close());
  await owner.register("web@1.0.0", { port, host: "127.0.0.1" });
  const dataFolder = await tempFolder();
  const lines: string[] = [];
  const start = async () => {
    const proxy = await startProxy({
      registry: registry.address,
      secret,
      routes: ["*=web@1.x"],
      port: 0,
      host: "127.0.0.1",
      dataFolder,
      log: keepLog(lines),
    });
    t.after(() => proxy.stop());
    return proxy;
  };
  const first = await start();
  await until("it serves", async () => (await ask(first.port)).body === "served");
  await first.stop();
  await registry.stop();
  lines.length = 0;
  const second = await start();
  assert.equal((await ask(second.port)).body, "served");
  assert.deepEqual(
    lines.filter((line) => /saved|0 routes/.test(line)),
    [],
  );
});
