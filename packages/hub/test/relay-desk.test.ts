import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { dial, sessionPaths } from "@propagit/runtime";
import { credential, SimHub } from "./support/sim-hub.js";
import { SimMember, type SimMemberOptions } from "./support/sim-member.js";

/** A hub, and members that are up, in the order of their names. */
async function setUp(members: Readonly<Record<string, SimMemberOptions>>) {
  const hub = await SimHub.start();
  const made = new Map<string, SimMember>();
  for (const [name, options] of Object.entries(members)) {
    const member = new SimMember(hub, name, options);
    made.set(name, member);
    await hub.sim.clock.until(`${name} is up`, () => member.isUp, 30_000);
  }
  const get = (name: string) => made.get(name) ?? assert.fail(`there is no ${name}`);
  return { hub, clock: hub.sim.clock, get };
}

const relay = { relay: true } as const;
const at = (host: string) => ({ host, port: 6001 });

describe("a hub with relays", () => {
  it("tells a drone the relays of its zone, and where those go", async () => {
    const { get } = await setUp({
      b: { ...relay, zone: "b" },
      c: { ...relay, zone: "c" },
      one: { zone: "b" },
      other: { zone: "d" },
      none: {},
    });
    assert.deepEqual(get("one").told, [["b:6001", "hub:6001"]]);
    assert.deepEqual(get("other").told, [[]]);
    assert.deepEqual(get("none").told, [[]]);
  });

  it("tells drones of relays that come later, and of those that go", async () => {
    const { hub, clock, get } = await setUp({ one: { zone: "b" }, far: { zone: "c" } });
    const late = new SimMember(hub, "late", { ...relay, zone: "b" });
    await clock.until("it is told", () => get("one").told.length === 2, 10_000);
    assert.deepEqual(get("one").told.at(-1), ["late:6001", "hub:6001"]);
    late.link.stop();
    await clock.advance(10_000);
    assert.equal(get("one").told.length, 2, "one that is only lost may be back at once");
    await clock.until("it is told", () => get("one").told.length === 3, 60_000);
    assert.deepEqual(get("one").told.at(-1), []);
    assert.deepEqual(get("far").told, [[]]);
  });

  it("tells nothing of ways to drones that do not ask", async () => {
    const { hub, clock, get } = await setUp({ old: { zone: "b", ways: false } });
    const late = new SimMember(hub, "late", { ...relay, zone: "b" });
    await clock.until("it is up", () => late.isUp);
    await clock.advance(5_000);
    assert.equal(get("old").joined?.ways, undefined);
    assert.deepEqual([get("old").told, get("old").isUp], [[], true]);
  });

  it("knows through which relay each drone speaks, also behind two", async () => {
    const { hub } = await setUp({
      a: { ...relay, zone: "a" },
      b: { ...relay, zone: "b", to: at("a") },
      deep: { zone: "b", to: at("b") },
      near: { zone: "b" },
    });
    const { drones } = await hub.call("hub.drones", {});
    const shown = drones.map(({ name, through, relay: own }) => [name, through, own?.address]);
    assert.deepEqual(shown, [
      ["a", undefined, "a:6001"],
      ["b", "a", "b:6001"],
      ["deep", "b", undefined],
      ["near", undefined, undefined],
    ]);
  });

  it("ends what came through a relay when that one ends", async () => {
    const { clock, get } = await setUp({
      b: { ...relay, zone: "b" },
      one: { zone: "b", to: at("b") },
    });
    get("b").link.stop();
    await clock.until("it is cut off", () => !get("one").isUp, 1_000);
  });

  it("places nothing on a relay that only carries", async () => {
    const { hub, clock } = await setUp({ b: { ...relay, zone: "b" } });
    const [drone] = await hub.drones("web");
    await hub.deploy("one");
    await clock.advance(5_000);
    const { instances } = await hub.call("hub.ps", {});
    assert.deepEqual(
      instances.map((instance) => instance.drone),
      [drone?.knownAs],
    );
    const { drones } = await hub.call("hub.drones", {});
    assert.deepEqual(
      drones.map(({ name, draining }) => [name, draining]),
      [
        ["b", undefined],
        ["web", undefined],
      ],
    );
  });

  it("refuses the fifth relay in a row", async () => {
    const chain = ["r1", "r2", "r3", "r4", "r5"];
    const { hub, clock, get } = await setUp(
      Object.fromEntries(
        chain.map((name, n) => [name, { ...relay, ...(n > 0 && { to: at(`r${n}`) }) }]),
      ),
    );
    assert.ok(get("r5").isUp);
    const last = new SimMember(hub, "last", { to: at("r4") });
    await clock.until("the fourth carries it", () => last.isUp, 30_000);
    const refused = new SimMember(hub, "refused", { to: at("r5") });
    await clock.until("the fifth does not", () => refused.link.state.kind === "waiting", 30_000);
    const { state } = refused.link;
    assert.equal(state.kind === "waiting" && state.reason.code, "RELAY_LOOP");
  });

  it("carries wires for drones only", async () => {
    const { hub, clock } = await setUp({});
    const world = hub.sim.worldOf("laptop");
    const place = { address: at("hub"), path: sessionPaths.hub, credential, acceptsOpen: false };
    const caller = await hub.settle(dial(world, { ...place, role: "cli" }));
    caller.tell("relay.open", { channel: 1, path: "/session", host: "laptop" });
    await clock.advance(1_000);
    assert.equal((await caller.over).code, "BAD_FRAME");
  });

  it("says that its registry is elsewhere to whoever asks for it through a relay", async () => {
    const { hub } = await setUp({ b: { ...relay, zone: "b" } });
    const place = { address: at("b"), path: sessionPaths.registry, credential, acceptsOpen: false };
    const asked = dial(hub.sim.worldOf("laptop"), { ...place, role: "client" });
    await assert.rejects(hub.settle(asked), { code: "UNREACHABLE", message: /elsewhere/ });
  });
});
