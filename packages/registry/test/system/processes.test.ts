/** Real processes, killed and frozen: the ghosts that haunted the ancestors. */
import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { Followed } from "../support/simulated.js";
import { eventually, killAndWait, Workshop } from "../support/serving.js";

const workshop = new Workshop();
const ttlMs = 2_000;

describe("real processes", () => {
  afterEach(() => workshop.clear());

  it("a registry that was killed never shows a service that died meanwhile", async () => {
    const dataFolder = workshop.folder();
    const first = await workshop.spawnRegistry({ port: 0, dataFolder });
    const address = { host: "localhost", port: first.port };
    const dying = await workshop.spawnService(address, "dying", ttlMs);
    await workshop.spawnService(address, "living", ttlMs);
    const watcher = workshop.connect(address);
    const followed = new Followed(watcher);
    await eventually("both services", () => followed.services.length === 2);

    await killAndWait(first.child);
    await killAndWait(dying.child);
    const before = followed.updates.length;
    await workshop.spawnRegistry({ port: first.port, dataFolder });
    await eventually("everybody had time to come back", () => followed.table.isSettled);
    assert.deepEqual(followed.services, ["living"]);
    const since = JSON.stringify(followed.updates.slice(before));
    assert.equal(since.includes("dying"), false, since);
    assert.equal(followed.gap, undefined);
  });

  it("a service that was frozen for longer than its lease comes back by itself, and others do not", async () => {
    const { port } = await workshop.spawnRegistry({ port: 0, dataFolder: workshop.folder() });
    const address = { host: "localhost", port };
    const frozen = await workshop.spawnService(address, "frozen", ttlMs);
    const dead = await workshop.spawnService(address, "dead", ttlMs);
    const watcher = workshop.connect(address);
    const followed = new Followed(watcher);
    await eventually("both services", () => followed.services.length === 2);

    frozen.child.kill("SIGSTOP");
    await killAndWait(dead.child);
    await eventually("both leases to end", () => followed.services.length === 0);
    frozen.child.kill("SIGCONT");
    await eventually("the service to be back", () => followed.services.length > 0);
    assert.deepEqual(followed.services, ["frozen"]);
    assert.equal([...followed.table.endpoints.values()][0]?.port, frozen.port);
  });

  it("a registry that was frozen does not take its own silence for that of its services", async () => {
    const { child, port } = await workshop.spawnRegistry({
      port: 0,
      dataFolder: workshop.folder(),
    });
    const address = { host: "localhost", port };
    await workshop.spawnService(address, "say", ttlMs);
    const watcher = workshop.connect(address);
    const followed = new Followed(watcher);
    await eventually("the service", () => followed.services.length === 1);
    const before = followed.updates.length;

    child.kill("SIGSTOP");
    // The wait itself is what is tested: longer than lease and grace together.
    const frozenSince = performance.now();
    await eventually("a long sleep", () => performance.now() - frozenSince > 2 * ttlMs + 2_500);
    child.kill("SIGCONT");
    assert.deepEqual((await watcher.query()).endpoints.length, 1);
    await eventually("the first tick", () => performance.now() - frozenSince > 4 * ttlMs + 3_000);
    assert.deepEqual(followed.services, ["say"]);
    const downs = followed.updates.slice(before).filter(({ kind }) => kind === "down");
    assert.deepEqual(downs, []);
  });
});
