/** The page of a hub: of a real one, and of artifacts that come and go while nobody asks for it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { SwarmView } from "@propagit/protocol";
import { SimClock } from "@propagit/runtime";
import { openHubMetrics } from "../../src/system/hub-metrics.js";
import { makeBench } from "../support/real-hub.js";
import { share, view } from "../support/swarm-views.js";

async function samplesOf(port: number): Promise<ReadonlyMap<string, number>> {
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
  const lines = (await answer.text()).split("\n").filter((line) => /^[a-z]/.test(line));
  return new Map(
    lines.map((line) => {
      const cut = line.lastIndexOf(" ");
      return [line.slice(0, cut), Number(line.slice(cut + 1))];
    }),
  );
}

test("a hub shows its metrics on a port of their own, and nothing of it without one", async (t) => {
  const metrics = { port: 0, version: "1.2.3" };
  const { hub } = await makeBench(t, { metrics });
  assert.ok(hub.metricsPort !== undefined && hub.metricsPort !== hub.port);
  const samples = await samplesOf(hub.metricsPort);
  assert.equal(samples.get('propagit_hub_info{version="1.2.3"}'), 1);
  const up = await fetch(`http://127.0.0.1:${hub.metricsPort}/up`);
  assert.equal(up.status, 200);
  const taken = makeBench(t, { metrics: { ...metrics, port: hub.metricsPort } });
  await assert.rejects(taken, { code: "PORT_IN_USE" });
});

test("what came and went between two looks at the page is counted", async (t) => {
  const clock = new SimClock();
  let views: readonly SwarmView[] = [];
  let changed = () => {};
  const swarm = {
    views: () => views,
    listen: (listener: { readonly changed: (repo: string, artifact: string) => void }) => {
      changed = () => listener.changed("webapp", "a".repeat(64));
      return {
        stop: () => {
          changed = () => {};
        },
      };
    },
  };
  const sight = { swarm, drones: new Map([["connected", 1]]) };
  const page = await openHubMetrics({ world: { clock }, sight, version: "1", port: 0 });
  t.after(() => page.stop());
  views = [view([share("web-1", { receivedBytes: 34 })], { hubSentBytes: 35 })];
  changed();
  await clock.advance(1_000);
  views = [];
  changed();
  await clock.advance(1_000);
  const samples = await samplesOf(page.port);
  assert.equal(samples.get('propagit_hub_swarm_received_bytes_total{repo="webapp"}'), 34);
  assert.equal(samples.get('propagit_hub_swarm_hub_sent_bytes_total{repo="webapp"}'), 35);
  assert.equal(samples.get('propagit_hub_drones{contact="connected"}'), 1);
  assert.ok(!samples.has('propagit_hub_swarm_artifacts{repo="webapp"}'));
});
