import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import type { PropagitError } from "@propagit/protocol";
import { makeSwarmHub, shareReport } from "./support/swarm-hub.js";

describe("hub.share", () => {
  it("of a drone that has no part and nothing of an artifact gives it none", async (t) => {
    const hub = await makeSwarmHub(t);
    const commit = await hub.bench.commit({ "a.txt": randomBytes(128 * 1024).toString("base64") });
    await hub.bench.push("HEAD:main");
    const { artifact } = await hub.shelf.make({ repo: "webapp", commit, base: undefined });
    const [drone, command] = [await hub.drone("one"), await hub.command()];
    const participants = async () => {
      const { artifacts } = await command.call("hub.swarm", {});
      return artifacts.flatMap(({ shares }) => shares.map(({ drone: name }) => name));
    };
    for (const state of ["gone", "failed"] as const) drone.tell(shareReport(artifact, { state }));
    // Answered after what was told before on the same connection.
    await drone.ask(commit);
    assert.deepEqual(await participants(), []);
    assert.deepEqual(hub.offers, []);
    drone.tell(shareReport(artifact, { state: "used", pieces: 10 }));
    await drone.ask(commit);
    assert.deepEqual(await participants(), ["one"]);
  });
});

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
