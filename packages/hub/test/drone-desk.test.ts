import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DeskWorld, report } from "./support/desk-world.js";

const machine = {
  load: 0.5,
  cores: 4,
  memoryBytes: 8,
  memoryFreeBytes: 4,
  diskBytes: 8,
  diskFreeBytes: 4,
};

async function twoDrones() {
  const world = await DeskWorld.open();
  await world.drone("web-2", { labels: { role: "web" } });
  await world.drone("db-1", {
    labels: { role: "db" },
    instances: [report("aa"), report("bb", { phase: "stopped" })],
    handlers: { "drone.stats": () => ({ machine, usages: [] }) },
  });
  return world;
}

describe("hub.drones", () => {
  it("shows those that fit, by name, with what is measured when that is asked for", async () => {
    const world = await twoDrones();
    const { drones } = await world.call("hub.drones", { machine: true });
    const [db, web] = drones;
    assert.deepEqual(db, {
      name: "db-1",
      host: "db-1",
      labels: { role: "db" },
      version: "1.0.0",
      state: "connected",
      since: db?.since,
      instances: 1,
      machine,
    });
    assert.equal(web?.name, "web-2");
    assert.equal(web.machine, undefined);
    const target = { selector: "role=web" };
    const { drones: chosen } = await world.call("hub.drones", { target });
    assert.deepEqual(
      chosen.map(({ name }) => name),
      ["web-2"],
    );
  });

  it("shows a drone that was lost as away", async () => {
    const world = await DeskWorld.open();
    const link = await world.drone("web-1");
    link.stop();
    await world.sim.clock.advance(5_000);
    const { drones } = await world.call("hub.drones", { machine: true });
    assert.deepEqual(
      drones.map(({ state }) => state),
      ["away"],
    );
  });
});

describe("hub.label", () => {
  it("changes labels for good, over those it is started with", async () => {
    const world = await twoDrones();
    const label = (set: Record<string, string>, unset: string[]) =>
      world.call("hub.label", { drone: "web-2", set, unset, by: "ann" });
    assert.deepEqual(await label({ zone: "a", role: "edge" }, []), {
      labels: { role: "edge", zone: "a" },
    });
    assert.deepEqual(await label({}, ["role"]), { labels: { zone: "a" } });
    assert.deepEqual(await label({ role: "web" }, ["zone"]), { labels: { role: "web" } });
    // Back under the same name, with the labels it was started with.
    await world.drone("web-2", { labels: { role: "old", gpu: "1" } });
    const { drones } = await world.call("hub.drones", { target: { names: ["web-2"] } });
    assert.deepEqual(drones[0]?.labels, { role: "web", gpu: "1" });
  });

  it("is an event with its author, once", async () => {
    const world = await twoDrones();
    const params = { drone: "db-1", set: { zone: "a" }, unset: [], by: "ann" };
    await world.call("hub.label", params);
    await world.call("hub.label", params);
    const events = (await world.events()).filter(({ kind }) => kind === "labelled");
    assert.deepEqual(
      events.map(({ drone, by, text }) => ({ drone, by, text })),
      [{ drone: "db-1", by: "ann", text: "db-1 has the labels role=db, zone=a" }],
    );
  });

  it("refuses drones that are not there, and labels that cannot be", async () => {
    const world = await twoDrones();
    const ask = (drone: string, set: Record<string, string>) =>
      world.call("hub.label", { drone, set, unset: [] });
    await assert.rejects(ask("web-9", {}), {
      code: "NO_DRONE",
      message: 'no drone is called "web-9"',
    });
    await assert.rejects(ask("db-1", { role: "a b" }), { code: "BAD_NAME" });
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`k${index}`, ""]));
    await assert.rejects(ask("db-1", many), {
      code: "BAD_NAME",
      message: "a drone has at most 32 labels",
    });
  });
});
