import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { dial, hangUp, sessionPaths, simulate, type Simulation } from "../src/index.js";
import { cluster, hubAddress, startHub, watch } from "./support/meeting.js";

function dialed(sim: Simulation, credential = cluster) {
  return dial(sim.worldOf("laptop"), {
    address: hubAddress,
    path: sessionPaths.hub,
    role: "cli",
    credential,
    acceptsOpen: false,
  });
}

describe("one command's conversation", () => {
  it("is made, used and ended", async () => {
    const sim = simulate(1);
    const hub = startHub(sim, { handlers: { "hub.leave": () => ({}) } });
    const dialing = dialed(sim);
    await sim.clock.advance(1_000);
    const conversation = await dialing;
    const call = watch(conversation.call("hub.leave", {}));
    await sim.clock.advance(100);
    assert.equal(call.outcome, "ok");
    await hangUp(conversation);
    await sim.clock.advance(100);
    assert.equal((await hub.conversations[0]?.over)?.message, "done");
  });

  const cases: Readonly<Record<string, readonly [string, (sim: Simulation) => void]>> = {
    "when nobody listens": ["UNREACHABLE", () => undefined],
    "when the host is cut off": ["UNREACHABLE", (sim) => sim.network.cut("laptop", "hub")],
    "when the server says nothing": [
      "TIMED_OUT",
      (sim) => void sim.network.serve(hubAddress, sessionPaths.hub, () => undefined),
    ],
    "when the line is slow and the server says nothing": [
      "TIMED_OUT",
      (sim) => {
        sim.network.faults = { ...sim.network.faults, delayMsMax: 7_000 };
        sim.network.serve(hubAddress, sessionPaths.hub, () => undefined);
      },
    ],
    "when the server has no secret": [
      "UNPROVEN",
      (sim) => void startHub(sim, { clusterKey: undefined }),
    ],
    "when the secret is wrong": ["DENIED", (sim) => void startHub(sim, { clusterKey: "another" })],
  };
  for (const [when, [code, prepare]] of Object.entries(cases)) {
    it(`fails with ${code} within 10 s ${when}`, async () => {
      const sim = simulate(1);
      prepare(sim);
      const dialing = watch(dialed(sim));
      await sim.clock.advance(9_500);
      assert.equal(dialing.outcome, code);
    });
  }
});
