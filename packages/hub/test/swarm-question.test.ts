import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import type { PropagitError } from "@propagit/protocol";
import { makeSwarmHub } from "./support/swarm-hub.js";

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
