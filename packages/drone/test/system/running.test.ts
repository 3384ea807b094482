import assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { verifyToken } from "@propagit/protocol";
import { nodeCrypto, stretchSecret } from "@propagit/runtime";
import { webApp } from "../support/apps.js";
import { inPhase, openBench } from "../support/bench.js";
import { secret } from "../support/hub-double.js";
import { until } from "../support/until.js";

test("runs a deployed commit and registers it under its service, version and commit", async (t) => {
  const { hub, drone, commit } = await openBench(t);
  const sha = await commit("webapp", { "web.js": webApp, "package.json": '{"version":"1.2.3"}' });
  const running = await drone();
  hub.assign({ repo: "webapp", commit: sha });

  const { port, services, process, deployment } = await inPhase(hub, sha, "ready");

  assert.equal(running.name, "one");
  assert.deepEqual(services, ["web"]);
  const steps = hub.said.map(({ step }) => step).filter((step) => step !== undefined);
  assert.deepEqual(steps, ["fetched", "checked out", "started"]);
  const [{ id: _, ...endpoint } = assert.fail("no record"), ...others] = hub.endpoints;
  assert.deepEqual(others, []);
  assert.deepEqual(endpoint, {
    service: "web",
    version: "1.2.3",
    commit: sha,
    host: "127.0.0.1",
    port,
    meta: { deployment, drone: "one", process },
  });
});

test("gives an instance its own variables and a short list of the drone's, nothing else", async (t) => {
  const { hub, drone, commit, folder } = await openBench(t);
  globalThis.process.env["LEAK"] = "of the drone";
  t.after(() => delete globalThis.process.env["LEAK"]);
  const [one, two] = [
    await commit("webapp", { "web.js": webApp }),
    await commit("webapp", { "web.js": `${webApp}// changed` }),
  ];
  const before = { ...globalThis.process.env };
  await drone({ env: { GREETING: "hello" }, host: "127.0.0.1" });
  hub.assign({ repo: "webapp", commit: one }, { repo: "webapp", commit: two });

  for (const sha of [one, two]) {
    const { port, process, deployment } = await inPhase(hub, sha, "ready");
    const answer = await fetch(`http://127.0.0.1:${port}`);
    const { PATH, PWD, REGISTRY_TOKEN, ...env } = (await answer.json()) as Record<string, string>;
    const inherited = ["HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR"];
    const own = Object.entries(env).filter(
      ([name]) => !inherited.includes(name) && !name.startsWith("LC_"),
    );
    assert.deepEqual(Object.fromEntries(own), {
      COMMIT: sha,
      DRONE_ID: "one",
      ENVIRONMENT: "production",
      GREETING: "hello",
      HOST: "127.0.0.1",
      PORT: String(port),
      PROCESS_ID: process,
      REGISTRY: `127.0.0.1:${hub.port}`,
      RELEASE: "1",
      REPO: "webapp",
      SERVICE: "web",
    });
    const checkout = join(folder, "drone", "commits", "webapp", sha);
    // The shell that starts it sets it.
    assert.equal(PWD, checkout);
    const bin = join(checkout, "node_modules", ".bin");
    assert.ok(PATH?.startsWith(`${bin}:`));
    const scope = verifyToken(nodeCrypto, stretchSecret(secret), REGISTRY_TOKEN ?? "");
    assert.deepEqual(scope, { repo: "webapp", commit: sha, drone: "one", process, deployment });
  }
  assert.deepEqual({ ...globalThis.process.env }, before);
});

test("ends everything when it stops, and frees the records first", async (t) => {
  const { hub, drone, commit } = await openBench(t);
  const sha = await commit("webapp", { "web.js": webApp });
  const running = await drone();
  hub.assign({ repo: "webapp", commit: sha });
  const { port } = await inPhase(hub, sha, "ready");

  await running.stop();

  assert.deepEqual(hub.endpoints, []);
  assert.equal(hub.hasLeft, "stopped");
  assert.equal(await running.ended, undefined);
  assert.equal(hub.instances.size, 0);
  await assert.rejects(fetch(`http://127.0.0.1:${port}`));
});

test("keeps its identity for itself", async (t) => {
  const { drone, folder } = await openBench(t);
  await drone();
  const path = join(folder, "drone", "identity");
  assert.match(await readFile(path, "utf8"), /^[0-9a-f]{32}\n$/);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
});

test("stops what is not desired any more, and starts it again when it is", async (t) => {
  const { hub, drone, commit } = await openBench(t);
  const sha = await commit("webapp", { "web.js": webApp });
  await drone();
  hub.assign({ repo: "webapp", commit: sha });
  const first = await inPhase(hub, sha, "ready");

  hub.assign();
  await until("ending", () =>
    hub.said.some(
      ({ instance: { process, phase } }) => process === first.process && phase === "stopping",
    ),
  );
  // Wanted again while the old one still ends: they never overlap.
  hub.assign({ repo: "webapp", commit: sha });
  await until("the first gone", () => hub.gone.includes(first.process));
  const second = await inPhase(hub, sha, "ready");

  assert.notEqual(second.process, first.process);
  assert.deepEqual(
    hub.endpoints.map(({ meta }) => meta["process"]),
    [second.process],
  );
});
