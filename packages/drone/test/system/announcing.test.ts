import assert from "node:assert/strict";
import { test } from "node:test";
import { inPhase, openBench } from "../support/bench.js";
import { until } from "../support/until.js";

const registryEntry = import.meta.resolve("@propagit/registry");

/** Announces itself under names of its own, on the port it was given, and listens a moment later. */
const announcer = `
import { createServer } from "node:http";
import { connect } from ${JSON.stringify(registryEntry)};
const registry = connect(process.env.REGISTRY);
const port = await registry.register("http@2.0.0");
await registry.register("admin", { port: Number(process.env.PORT) });
setTimeout(() => {
  createServer((q, r) => r.end("me")).listen(port);
  createServer((q, r) => r.end("admin")).listen(process.env.PORT);
}, 100);
process.on("SIGTERM", async () => { await registry.close(); process.exit(0); });
process.on("SIGUSR2", () => registry.free("http").then(() => registry.free("admin")));
process.on("SIGHUP", () => process.exit(1));
`;

/** Listens first, and announces the same port later: the drone's record has to go. */
const lateAnnouncer = `
import { createServer } from "node:http";
import { connect } from ${JSON.stringify(registryEntry)};
createServer((q, r) => r.end("me")).listen(process.env.PORT);
process.on("SIGUSR2", () => connect(process.env.REGISTRY).register("say", { port: Number(process.env.PORT) }));
`;

const command = ["node", "web.mjs"];

test("leaves an app that announces itself alone, and is ready when that app answers", async (t) => {
  const { hub, drone, commit } = await openBench(t);
  const sha = await commit("webapp", { "web.mjs": announcer });
  const running = await drone({ command });
  hub.assign({ repo: "webapp", commit: sha });

  const { port, services, process } = await inPhase(hub, sha, "ready");

  assert.equal(await (await fetch(`http://127.0.0.1:${port}`)).text(), "me");
  await until("both records", () => hub.endpoints.length === 2);
  const records = new Map(hub.endpoints.map((record) => [record.service, record]));
  for (const service of ["admin", "http"]) {
    assert.equal(records.get(service)?.meta["process"], process);
    assert.equal(records.get(service)?.commit, sha);
  }
  assert.ok(services.includes("http"));
  // It frees its records itself when it is told to end.
  await running.stop();
  assert.deepEqual(hub.endpoints, []);
});

test("gives its own record up when the app announces itself later", async (t) => {
  const { hub, drone, commit } = await openBench(t);
  const sha = await commit("webapp", { "web.mjs": lateAnnouncer });
  await drone({ command });
  hub.assign({ repo: "webapp", commit: sha });
  const first = await inPhase(hub, sha, "ready");
  assert.deepEqual(first.services, ["web"]);

  process.kill(first.pid ?? 0, "SIGUSR2");

  await until("only its own record", () => {
    const names = hub.endpoints.map(({ service }) => service);
    return names.length === 1 && names[0] === "say";
  });
  await until("told", () => hub.instances.get(first.process)?.services[0] === "say");
  assert.equal(hub.instances.get(first.process)?.phase, "ready");
});

test("does not call an app ready that withdrew its records", async (t) => {
  const { hub, drone, commit } = await openBench(t);
  const sha = await commit("webapp", { "web.mjs": announcer });
  await drone({ command, readyTimeoutMs: 5_000 });
  hub.assign({ repo: "webapp", commit: sha });
  const { pid } = await inPhase(hub, sha, "ready");
  await until("both records", () => hub.endpoints.length === 2);

  process.kill(pid ?? 0, "SIGUSR2");

  const { reason } = await inPhase(hub, sha, "failed");
  assert.equal(
    reason,
    "it withdrew its record from the registry and did not make a new one within 5 s",
  );
  assert.deepEqual(hub.endpoints, []);
});

test("does not take the records of a crashed app for those of its next process", async (t) => {
  const { hub, drone, commit } = await openBench(t);
  const sha = await commit("webapp", { "web.mjs": announcer });
  await drone({ command });
  hub.assign({ repo: "webapp", commit: sha });
  const first = await inPhase(hub, sha, "ready");
  await until("both records", () => hub.endpoints.length === 2);
  const before = hub.endpoints.map(({ id }) => id);

  process.kill(first.pid ?? 0, "SIGHUP");

  await inPhase(hub, sha, "restarting");
  // The lease of the dead process still holds its records.
  assert.ok(hub.endpoints.length >= 1);
  const second = await inPhase(hub, sha, "ready");
  assert.notEqual(second.pid, first.pid);
  assert.ok(hub.endpoints.some(({ id }) => !before.includes(id)));
});
