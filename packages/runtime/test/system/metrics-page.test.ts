import assert from "node:assert/strict";
import { test } from "node:test";
import { PropagitError } from "@propagit/protocol";
import { MetricsPage } from "../../src/system/metrics-page.js";

test("shows metrics and whether it is up, and nothing else", async (t) => {
  const reasons: string[] = [];
  const page = await MetricsPage.open({
    port: 0,
    text: () => Promise.resolve("a_metric 1\n"),
    whyDown: () => reasons[0],
  });
  t.after(() => page.stop());
  const ask = async (path: string, method = "GET") => {
    const answer = await fetch(`http://127.0.0.1:${page.port}${path}`, { method });
    return [answer.status, await answer.text()];
  };
  assert.deepEqual(await ask("/metrics?x=1"), [200, "a_metric 1\n"]);
  assert.deepEqual(await ask("/up"), [200, "up\n"]);
  reasons.push("no word from the hub for 31 s");
  assert.deepEqual(await ask("/up"), [503, "no word from the hub for 31 s\n"]);
  assert.deepEqual(await ask("/other"), [404, "here are /metrics and /up\n"]);
  assert.deepEqual(await ask("/metrics", "POST"), [405, "only GET\n"]);
});

test("says when its port is taken", async (t) => {
  const options = { text: () => Promise.resolve(""), whyDown: () => undefined };
  const page = await MetricsPage.open({ port: 0, ...options });
  t.after(() => page.stop());
  await assert.rejects(
    MetricsPage.open({ port: page.port, ...options }),
    (thrown) => thrown instanceof PropagitError && thrown.code === "PORT_IN_USE",
  );
});
