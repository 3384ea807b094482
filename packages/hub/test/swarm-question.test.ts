import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import type { PropagitError } from "@propagit/protocol";
import { nodeCrypto } from "@propagit/runtime";
import { proofOfHolder, secretOfHolder } from "@propagit/swarm";
import { makeSwarmHub, shareReport, type SwarmHub } from "./support/swarm-hub.js";

describe("hub.share", () => {
  it("of a drone that has no part and nothing of an artifact gives it none", async (t) => {
    const hub = await makeSwarmHub(t);
    const commit = await hub.bench.commit({ "a.txt": randomBytes(128 * 1024).toString("base64") });
    await hub.bench.push("HEAD:main");
    const { artifact } = await hub.shelf.make({ repo: "webapp", commit, base: undefined });
    const drone = await hub.drone("one");
    const proof = proofOf(hub, "one");
    for (const state of ["gone", "failed"] as const) {
      drone.tell({ ...shareReport(artifact, { state }), proof });
    }
    // Answered after what was told before on the same connection.
    await drone.ask(commit);
    assert.deepEqual(await participants(hub), []);
    assert.deepEqual(hub.offers, []);
    drone.tell({ ...shareReport(artifact, { state: "used", pieces: 10 }), proof });
    await drone.ask(commit);
    assert.deepEqual(await participants(hub), ["one"]);
  });

  it("of a drone that never had a grant takes no seat, whatever it says it has", async (t) => {
    const hub = await makeSwarmHub(t);
    const commit = await hub.bench.commit({ "a.txt": randomBytes(128 * 1024).toString("base64") });
    await hub.bench.push("HEAD:main");
    const { artifact } = await hub.shelf.make({ repo: "webapp", commit, base: undefined });
    const [drone, liar] = [await hub.drone("one"), await hub.drone("liar")];
    const proof = proofOf(hub, "one");
    for (const state of ["taking", "whole", "used"] as const) {
      const report = shareReport(artifact, { state, pieces: 10, lacksPeers: true });
      liar.tell(report);
      liar.tell({ ...report, proof });
      liar.tell({ ...report, proof: "0".repeat(64) });
    }
    await liar.ask(commit);
    assert.deepEqual([await participants(hub), hub.offers, liar.told], [[], [], []]);
    drone.tell({ ...shareReport(artifact, { state: "used", pieces: 10 }), proof });
    await drone.ask(commit);
    assert.deepEqual(await participants(hub), ["one"]);
    assert.ok(!JSON.stringify(await views(hub)).includes(proof), "it is for the hub alone");
  });
});

async function views(hub: SwarmHub) {
  return (await (await hub.command()).call("hub.swarm", {})).artifacts;
}

async function participants(hub: SwarmHub): Promise<readonly string[]> {
  return (await views(hub)).flatMap(({ shares }) => shares.map(({ drone }) => drone));
}

/** Of the only artifact. */
function proofOf({ shelf }: SwarmHub, drone: string): string {
  const secret = secretOfHolder(nodeCrypto, shelf.kept[0]?.secret ?? "", drone);
  return proofOfHolder(nodeCrypto, secret);
}

describe("hub.swarm", () => {
  it("is answered with nothing of a repository of which nothing is on its way", async (t) => {
    const hub = await makeSwarmHub(t);
    await hub.bench.commit({ "a.txt": randomBytes(1_000).toString("base64") });
    await hub.bench.push("HEAD:main");
    const command = await hub.command();
    assert.deepEqual(await command.call("hub.swarm", { repo: "webapp" }), { artifacts: [] });
    assert.deepEqual(await command.call("hub.swarm", {}), { artifacts: [] });
  });

  it("names the repositories that there are when it is asked for another one", async (t) => {
    const hub = await makeSwarmHub(t);
    const command = await hub.command();
    await assert.rejects(command.call("hub.swarm", { repo: "shop" }), {
      code: "NO_REPO",
      message: 'the hub has no repository "shop"; nothing was pushed to it yet',
    });
    await hub.bench.commit({ "a.txt": "a" });
    await hub.bench.push("HEAD:main");
    await assert.rejects(command.call("hub.swarm", { repo: "shop" }), (error: PropagitError) => {
      assert.equal(error.message, 'the hub has no repository "shop"; it has webapp');
      assert.match(error.hint, /^push it first/);
      return true;
    });
    await assert.rejects(command.call("hub.swarm", { repo: "WebApp" }), {
      hint: 'did you mean "webapp"?',
    });
  });
});
