import assert from "node:assert/strict";
import { test } from "node:test";
import { startProxy } from "../../src/index.js";
import { deadPort, keepLog, newTinyHub, secret, startApp, tempFolder } from "../support/rig.js";
import { serveTinyHub } from "../support/tiny-hub.js";

test("says nothing of trying again to a hub that does not take it, as it ends", async (t) => {
  const hub = await serveTinyHub(newTinyHub());
  t.after(() => hub.close());
  const lines: string[] = [];
  const options = { hub: { host: "127.0.0.1", port: hub.port }, port: await deadPort() };
  const log = keepLog(lines);
  const dataFolder = await tempFolder();
  const refused = startProxy({ ...options, dataFolder, log, secret: "wrong" });
  await assert.rejects(refused, { code: "DENIED" });
  assert.deepEqual(
    lines.filter((line) => line.includes("keeps trying")),
    [],
  );
});

test("names the flag of a port that is taken", async (t) => {
  const { port } = await startApp(t, (_request, response) => response.end());
  const hub = await serveTinyHub(newTinyHub());
  t.after(() => hub.close());
  const at = { host: "127.0.0.1", port: hub.port };
  for (const [more, flag] of [
    [{ metrics: { port } }, "--metrics-port"],
    [{ tlsPort: port }, "--tls-port"],
    [{ tlsPort: port, workers: 2 }, "--tls-port"],
  ] as const) {
    const dataFolder = await tempFolder();
    const own = { port: await deadPort(), host: "127.0.0.1", dataFolder, log: keepLog([]) };
    await assert.rejects(startProxy({ hub: at, secret, ...own, ...more }), {
      code: "PORT_IN_USE",
      hint: `choose another ${flag}, or end the process that holds it`,
    });
  }
});
