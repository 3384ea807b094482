import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { calm } from "@propagit/runtime";
import { seeds } from "./support/seeds.js";
import { hubAddress, SimRelays, wayOf, type SimClient } from "./support/sim-relays.js";

const allUp = (clients: readonly SimClient[]) => clients.every(({ isUp }) => isUp);

describe("a relay", () => {
  it("connects many over one connection of its own", async () => {
    const net = new SimRelays(1);
    net.startHub();
    const { address } = net.startRelay("relay-b");
    const clients = [1, 2, 3].map((n) => net.startClient(`drone-${n}`, [address]));
    await net.sim.clock.until("all are up", () => allUp(clients), 10_000);
    await net.sim.clock.until("all are answered", () => clients.every((one) => one.answers > 3));
    assert.deepEqual(new Set(clients.map(wayOf)), new Set(["relay-b:6001"]));
    const hosts = [...net.conversations].map(({ remoteHost }) => remoteHost).sort();
    assert.deepEqual(hosts, ["drone-1", "drone-2", "drone-3", "relay-b"]);
  });

  it("may be behind another one", async () => {
    const net = new SimRelays(1);
    net.startHub();
    const first = net.startRelay("relay-a");
    const second = net.startRelay("relay-b", first.address);
    const third = net.startRelay("relay-c", second.address);
    const client = net.startClient("drone", [third.address]);
    await net.sim.clock.until("it is answered", () => client.answers > 3, 30_000);
    assert.equal(wayOf(client), "relay-c:6001");
  });

  it("refuses with its own reason when its hub is away", async () => {
    const net = new SimRelays(1);
    const { address } = net.startRelay("relay-b");
    const client = net.startClient("drone", [], address);
    await net.sim.clock.until("it is refused", () => client.reasons.length > 0, 30_000);
    assert.equal(client.reasons[0]?.code, "UNREACHABLE");
    assert.match(
      client.reasons[0]?.message ?? "",
      /^relay relay-b has no connection to the hub: nobody answers at hub:6001/,
    );
  });

  it("has drones wait for a hub that restarts, and keeps them", async () => {
    const net = new SimRelays(1);
    const stop = net.startHub();
    const { address } = net.startRelay("relay-b");
    const clients = [1, 2, 3].map((n) => net.startClient(`drone-${n}`, [address]));
    await net.sim.clock.until("all are up", () => allUp(clients), 10_000);
    await net.sim.clock.advance(60_000);
    stop();
    await net.sim.clock.advance(1_500);
    net.startHub();
    await net.sim.clock.until("all are up again", () => allUp(clients), 10_000);
    assert.deepEqual(new Set(clients.map(wayOf)), new Set(["relay-b:6001"]));
  });

  it("ends with its drones going to another one, or to the hub, in a second, and back when it lives", async () => {
    const net = new SimRelays(1);
    net.startHub();
    const [one, two] = [net.startRelay("relay-1"), net.startRelay("relay-2")];
    const ways = [one.address, two.address];
    const clients = [1, 2, 3, 4].map((n) => net.startClient(`drone-${n}`, ways));
    await net.sim.clock.until("all are up", () => allUp(clients), 10_000);
    await net.sim.clock.advance(60_000);
    one.kill();
    await net.sim.clock.advance(1_000);
    assert.deepEqual(new Set(clients.map(wayOf)), new Set(["relay-2:6001"]));
    assert.ok(allUp(clients));
    two.kill();
    await net.sim.clock.advance(1_500);
    assert.deepEqual(new Set(clients.map(wayOf)), new Set(["hub:6001"]));
    assert.ok(allUp(clients));
    net.startRelay("relay-1");
    const isBack = () => clients.every((one) => one.isUp && wayOf(one) === "relay-1:6001");
    await net.sim.clock.until("all are back", isBack, 200_000);
  });

  it("notices that it leads to itself, alone or in a circle, and says so at once", async () => {
    const alone = new SimRelays(1);
    const self = { host: "relay-a", port: 6001 };
    alone.startRelay("relay-a", self);
    const client = alone.startClient("drone", [], self);
    await alone.sim.clock.until("it is told", () => isToldOfLoop(client), 10_000);

    const circle = new SimRelays(1);
    const names = ["relay-a", "relay-b", "relay-c"];
    const addresses = names.map((host) => ({ host, port: 6001 }));
    names.forEach((name, at) => circle.startRelay(name, addresses[(at + 1) % names.length]));
    const asker = circle.startClient("drone", [], addresses[0]);
    await circle.sim.clock.until("it is told", () => isToldOfLoop(asker), 60_000);
  });

  it("refuses neither relays nor drones once a circle was mended", async () => {
    const net = new SimRelays(1);
    net.startHub();
    const [a, b] = ["relay-a", "relay-b"].map((host) => ({ host, port: 6001 }));
    const first = net.startRelay("relay-a", b);
    net.startRelay("relay-b", a);
    await net.sim.clock.advance(30_000);
    first.kill();
    net.startRelay("relay-a", hubAddress);
    const client = net.startClient("drone", [], b);
    await net.sim.clock.until("it is up", () => client.isUp, 60_000);
  });

  for (const seed of seeds.slice(0, 8)) {
    it(`keeps everybody connected while lines lose and break, and relays die (seed ${seed})`, async () => {
      const net = new SimRelays(seed);
      const { clock, network, random } = net.sim;
      net.startHub();
      const start = (name: string) => net.startRelay(name);
      const relays = new Map(["relay-1", "relay-2"].map((name) => [name, start(name)]));
      const ways = [...relays.values()].map(({ address }) => address);
      const clients = Array.from({ length: 6 }, (_, n) => net.startClient(`drone-${n}`, ways));
      network.faults = { ...calm, delayMsMax: 50, keepsOrder: true, lost: 0.002, broken: 0.002 };
      for (let minute = 0; minute < 6; minute++) {
        const name = random.fraction() < 0.5 ? "relay-1" : "relay-2";
        relays.get(name)?.kill();
        await clock.advance(30_000);
        relays.set(name, start(name));
        await clock.advance(30_000);
      }
      network.faults = calm;
      await clock.until("all are up", () => allUp(clients), 30_000);
      const answers = clients.map((client) => client.answers);
      // A call a second for six minutes; how many of them a broken line costs is up to the seed.
      assert.ok(Math.min(...answers) > 180, `answered ${answers.join()} of about 360 calls`);
      const before = clients.map((client) => client.answers);
      await clock.until("all are answered", () =>
        clients.every((client, n) => client.answers > (before[n] ?? 0)),
      );
    });
  }
});

function isToldOfLoop({ reasons }: SimClient): boolean {
  return reasons.some(({ code }) => code === "RELAY_LOOP");
}
