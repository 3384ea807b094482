/** Gates of plans by what the hub knows: rollouts by steps, and visitors whose requests fail. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LatencyHistogram } from "@propagit/protocol";
import type { GateProbe } from "@propagit/plan";
import { SimClock, simRandom } from "@propagit/runtime";
import type { Placement } from "../src/core/placement.js";
import type { CanaryRow } from "../src/core/canary-row.js";
import type { Member } from "../src/fleet.js";
import { releaseKey } from "../src/core/rows.js";
import type { Ledger } from "../src/ledger.js";
import type { PlanDrones } from "../src/plan-drones.js";
import { PlanProber } from "../src/plan-prober.js";

const place = { repo: "webapp", environment: "production" };
const times = { everyMs: 1_000, timeoutMs: 60_000 };

function bench() {
  const clock = new SimClock();
  const canaries = new Map<string, Partial<CanaryRow>>();
  const environments = new Map<string, object>();
  const releases = new Map<string, object>();
  const members: Member[] = [];
  const wanted = new Map<string, Placement>();
  const counted = { requests: 0, failed: 0 };
  const prober = new PlanProber({
    clock,
    random: simRandom(1),
    ledger: {
      rows: (table: string) => ({ environments, releases })[table] ?? canaries,
    } as unknown as Ledger,
    fleet: { members },
    assignments: { counts: new Map([["d1", wanted]]) },
    counts: { flowOf: () => ({ ...counted, latency: new LatencyHistogram() }) },
    drones: {} as PlanDrones,
    here: { look: () => Promise.reject(new Error("nobody looks here")) },
  });
  const look = async (gate: GateProbe) => prober.look(gate, new AbortController().signal);
  return { clock, environments, releases, canaries, counted, members, wanted, look };
}

describe("gates of plans", () => {
  it("open when a rollout by steps came through, and never when it did not", async () => {
    const { canaries, look } = bench();
    const gate: GateProbe = { kind: "canary", ...place, ...times };
    const set = (row: Partial<CanaryRow>) => canaries.set("webapp/production", row);
    set({ phase: "measuring", text: "25 % of visitors" });
    assert.deepEqual(await look(gate), { state: "shut", why: "25 % of visitors" });
    set({ phase: "over", end: { outcome: "promoted", reason: "all is well", at: 1 } });
    assert.deepEqual(await look(gate), { state: "open", why: "all is well" });
    for (const outcome of ["aborted", "ended", "failed"] as const) {
      set({ phase: "over", end: { outcome, reason: "more errors", at: 1 } });
      assert.deepEqual(await look(gate), { state: "refused", why: "more errors" });
    }
  });

  it("open when few enough requests failed for long enough", async () => {
    const { clock, counted, look } = bench();
    const gate: GateProbe = { kind: "errors", ...place, maxPercent: 1, overMs: 60_000, ...times };
    Object.assign(counted, { requests: 1_000, failed: 900 });
    assert.equal((await look(gate)).why, "visitors of webapp are watched for 0 s of 60 s");
    await clock.advance(60_000);
    Object.assign(counted, { requests: 1_200, failed: 903 });
    const many = await look(gate);
    assert.deepEqual(many, { state: "shut", why: "3 of 200 requests to webapp failed" });
    await clock.advance(60_000);
    Object.assign(counted, { requests: 1_400, failed: 905 });
    const few = await look(gate);
    assert.deepEqual(few, { state: "open", why: "2 of 200 requests to webapp failed" });
    await clock.advance(60_000);
    assert.deepEqual(await look(gate), { state: "shut", why: "webapp had no visitors" });
  });

  it("count instances that should be there and that nobody knows of as not ready", async () => {
    const { environments, releases, members, wanted, look } = bench();
    const gate = { kind: "health", ...place, readyPercent: 100, forMs: 0, ...times } as const;
    assert.deepEqual(await look(gate), { state: "shut", why: "nothing of webapp is live" });
    environments.set("webapp/production", { live: [3] });
    releases.set(releaseKey("webapp", "production", 3), { deployment: "d1" });
    const report = { deployment: "d1", service: "web", phase: "ready", health: "passing" };
    members.push({
      contact: "connected",
      instances: new Map([["p1", report]]),
    } as unknown as Member);
    wanted.set(
      "web",
      new Map([
        ["one", 1],
        ["two", 2],
      ]),
    );
    const shut = await look(gate);
    assert.deepEqual(shut, {
      state: "shut",
      why: "1 of 3 instances of webapp are ready, of 2 that should be there nothing is known",
    });
    assert.equal((await look({ ...gate, readyPercent: 33 })).state, "open");
    wanted.set("web", new Map([["one", 1]]));
    assert.deepEqual(await look({ ...gate, service: "web" }), {
      state: "open",
      why: "1 of 1 instances of web of webapp are ready",
    });
  });
});
