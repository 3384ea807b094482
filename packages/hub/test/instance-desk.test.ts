import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { InstanceReport } from "@propagit/protocol";
import type { Handlers } from "@propagit/runtime";
import {
  commit,
  deployment,
  DeskWorld,
  nextCommit,
  release,
  report,
} from "./support/desk-world.js";

const machine = {
  load: 0.5,
  cores: 4,
  memoryBytes: 8,
  memoryFreeBytes: 4,
  diskBytes: 8,
  diskFreeBytes: 4,
};

/** Restarts one instance at a time, and notes how many of the cluster's are down at most. */
class Restarts {
  readonly order: string[] = [];
  down = 0;
  downMax = 0;

  handlers(world: DeskWorld, name: string, broken: readonly string[] = []): Handlers {
    return {
      "drone.restart": async ({ processes }, { part }) => {
        const failed = [];
        for (const process of processes) {
          this.order.push(`${name} ${process}`);
          this.downMax = Math.max(this.downMax, ++this.down);
          await new Promise<void>((resolve) => {
            world.sim.clock.after(1_000, resolve);
          });
          this.down -= 1;
          const ready = !broken.includes(process);
          part({ process, ready });
          if (!ready) failed.push({ process, reason: "it is not ready after 60 s" });
        }
        return { failed };
      },
    };
  }
}

describe("hub.ps", () => {
  it("shows what fits, with the share of its own deployment", async () => {
    const shares = [{ commit, deployment, weight: 3 }];
    const other = report("bb", { deployment: "f".repeat(16), environment: "staging" });
    const world = await DeskWorld.open([
      {
        table: "routes",
        key: "webapp/production",
        row: { repo: "webapp", environment: "production", shares },
      },
    ]);
    await world.drone("web-2", { instances: [other] });
    await world.drone("web-1", { instances: [report("aa")] });
    const { instances } = await world.call("hub.ps", {});
    assert.deepEqual(instances, [
      { drone: "web-1", host: "web-1", away: false, sharePercent: 100, report: report("aa") },
      { drone: "web-2", host: "web-2", away: false, sharePercent: 0, report: other },
    ]);
    const target = { repo: "webapp", environment: "staging" };
    const { instances: staging } = await world.call("hub.ps", { target });
    assert.deepEqual(
      staging.map(({ drone }) => drone),
      ["web-2"],
    );
  });

  it("has processor and memory of the drones that answer within a second", async () => {
    const world = await DeskWorld.open();
    const usage = { process: "aa", cpuPercent: 1, memoryBytes: 2 };
    const handlers: Handlers = { "drone.stats": () => ({ machine, usages: [usage] }) };
    const slow: Handlers = { "drone.stats": () => new Promise(() => undefined) };
    await world.drone("web-1", { instances: [report("aa")], handlers });
    await world.drone("web-2", { instances: [report("bb")], handlers: slow });
    const startedAt = world.sim.clock.now();
    const { instances } = await world.call("hub.ps", { usage: true });
    assert.deepEqual(
      instances.map((one) => one.usage),
      [usage, undefined],
    );
    assert.ok(world.sim.clock.now() - startedAt < 1_500);
  });

  it("asks only the drones that are concerned", async () => {
    const world = await DeskWorld.open();
    let asked = 0;
    const handlers: Handlers = {
      "drone.stats": () => {
        asked += 1;
        return { machine, usages: [] };
      },
    };
    await world.drone("web-1", { instances: [report("aa"), report("ab")], handlers });
    await world.drone("web-2", { handlers });
    await world.call("hub.ps", { usage: true });
    assert.equal(asked, 1);
  });

  it("refuses a target that names what is not there", async () => {
    const world = await DeskWorld.open();
    await assert.rejects(world.call("hub.ps", { target: { repo: "webap" } }), { code: "NO_REPO" });
    const known = await world.call("hub.ps", { target: { repo: "webapp" } });
    assert.deepEqual(known.instances, [], "nothing of it runs");
    await world.drone("web-1", { instances: [report("aa")] });
    const target = { services: ["htpt"] };
    await assert.rejects(world.call("hub.ps", { target }), { code: "NO_INSTANCE" });
  });
});

describe("hub.restart", () => {
  async function cluster(drones: number, perDrone: number, broken: readonly string[] = []) {
    const row = release();
    const world = await DeskWorld.open([
      { table: "releases", key: "webapp/production/00000001", row },
    ]);
    const restarts = new Restarts();
    for (let drone = 0; drone < drones; drone++) {
      const instances = Array.from({ length: perDrone }, (_, slot) =>
        report(`p${drone}-${slot}`, { slot: slot + 1 }),
      );
      const handlers = restarts.handlers(world, `d${drone}`, broken);
      await world.drone(`d${drone}`, { instances, handlers });
    }
    return { world, restarts };
  }

  it("restarts all instances, one at a time when there are few", async () => {
    const { world, restarts } = await cluster(3, 2);
    const parts: string[] = [];
    const result = await world.call(
      "hub.restart",
      { target: { repo: "webapp", release: "1" }, by: "ann" },
      { onPart: ({ drone, process, ready }) => parts.push(`${drone} ${process} ${ready}`) },
    );
    assert.deepEqual(result, { restarted: 6, failed: [] });
    assert.equal(restarts.downMax, 1);
    assert.deepEqual(
      parts,
      restarts.order.map((one) => `${one} true`),
    );
    const [event] = (await world.events()).filter(({ kind }) => kind === "restarted");
    assert.equal(event?.by, "ann");
    assert.equal(event?.text, "ann restarts 6 instances of http of webapp 74336bc on d0, d1, d2");
  });

  it("restarts at most a quarter of a large service at once", async () => {
    const { world, restarts } = await cluster(12, 1);
    const { restarted } = await world.call("hub.restart", { target: { repo: "webapp" } });
    assert.equal(restarted, 12);
    assert.equal(restarts.downMax, 3);
  });

  it("leaves the others alone once one does not come back", async () => {
    const { world, restarts } = await cluster(3, 1, ["p1-0"]);
    const result = await world.call("hub.restart", { target: { repo: "webapp" } });
    assert.deepEqual(restarts.order, ["d0 p0-0", "d1 p1-0"]);
    assert.deepEqual(result, {
      restarted: 1,
      failed: [
        { drone: "d1", process: "p1-0", reason: "it is not ready after 60 s" },
        {
          drone: "d2",
          process: "p2-0",
          reason: "it was left as it was, since p1-0 is not ready again",
        },
      ],
    });
  });

  it("is about production, unless something narrower is named", async () => {
    const world = await DeskWorld.open();
    const restarts = new Restarts();
    const staging = { environment: "staging" };
    const instances: InstanceReport[] = [report("aa"), report("bb", staging)];
    await world.drone("d0", { instances, handlers: restarts.handlers(world, "d0") });
    await world.call("hub.restart", { target: { repo: "webapp" } });
    await world.call("hub.restart", { target: { repo: "webapp", ...staging } });
    await world.call("hub.restart", { target: { processes: ["b"] } });
    assert.deepEqual(restarts.order, ["d0 aa", "d0 bb", "d0 bb"]);
  });

  it("leaves former releases that are kept warm alone, unless they are named", async () => {
    const former = { deployment: "f".repeat(16), commit: nextCommit, release: 1 };
    const shares = [{ commit, deployment, weight: 1 }];
    const route = { repo: "webapp", environment: "production", shares };
    const world = await DeskWorld.open([
      { table: "releases", key: "webapp/production/00000001", row: release(former) },
      { table: "releases", key: "webapp/production/00000002", row: release({ number: 2 }) },
      { table: "routes", key: "webapp/production", row: route },
    ]);
    const restarts = new Restarts();
    const live = [report("aa"), report("ab", { service: "worker", services: [] })];
    const warm = report("bb", former);
    const preview = report("cc", { ...former, environment: "preview" });
    const handlers = restarts.handlers(world, "d0");
    await world.drone("d0", { instances: [...live, warm, preview], handlers });
    await world.drone("d1", { instances: [report("dd", former)], handlers });
    await world.call("hub.restart", { target: { repo: "webapp" } });
    assert.deepEqual(restarts.order.splice(0).sort(), ["d0 aa", "d0 ab"]);
    await world.call("hub.restart", { target: { repo: "webapp", environment: "preview" } });
    assert.deepEqual(restarts.order.splice(0), ["d0 cc"], "it has no visitors at all");
    await world.call("hub.restart", { target: { processes: ["bb"] } });
    await world.call("hub.restart", { target: { repo: "webapp", release: "1" } });
    assert.deepEqual(restarts.order, ["d0 bb", "d0 bb", "d0 dd"]);
    const onFormer = { repo: "webapp", drones: { names: ["d1"] } };
    await assert.rejects(world.call("hub.restart", { target: onFormer }), {
      code: "NO_INSTANCE",
      message: "no instance that fits is of what visitors get, but of 40548da",
    });
  });

  it("says which drones could not be reached", async () => {
    const world = await DeskWorld.open();
    const link = await world.drone("d0", { instances: [report("aa")] });
    link.stop();
    await world.sim.clock.advance(5_000);
    const result = await world.call("hub.restart", { target: { repo: "webapp" } });
    assert.deepEqual(result, {
      restarted: 0,
      failed: [{ drone: "d0", process: "aa", reason: "drone d0 is not connected" }],
    });
  });

  it("needs an instance that fits", async () => {
    const world = await DeskWorld.open();
    const target = { repo: "webapp" };
    await assert.rejects(world.call("hub.restart", { target }), { code: "NO_INSTANCE" });
  });
});
