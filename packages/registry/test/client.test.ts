/** The client on virtual time: what it promises while registries come, go and refuse. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PropagitError } from "@propagit/protocol";
import { simulate, stretchSecret, type Simulation } from "@propagit/runtime";
import { openMemoryStore } from "@propagit/store";
import type { RegistryClient } from "../src/index.js";
import { commitA, hasCode } from "./support/samples.js";
import {
  Followed,
  servicesOf,
  startClient,
  startRegistry,
  type RunningRegistry,
} from "./support/simulated.js";

async function passing<T>(sim: Simulation, work: Promise<T>): Promise<T> {
  let isOver = false;
  const over = () => (isOver = true);
  void work.then(over, over);
  await sim.clock.until("the answer", () => isOver);
  return work;
}

const shown = ({ registry }: RunningRegistry) => servicesOf(registry.query().endpoints);

const isUp = (sim: Simulation, client: RegistryClient) =>
  sim.clock.until("the connection", () => client.isUp);

/** A watcher who has his snapshot. */
async function following(sim: Simulation, client: RegistryClient): Promise<Followed> {
  const followed = new Followed(client);
  await sim.clock.until("the snapshot", () => followed.updates.length > 0);
  return followed;
}

describe("a registration", () => {
  it("gives the port that was chosen, or the one that was given", async () => {
    const sim = simulate(1);
    startRegistry(sim);
    const { client } = startClient(sim, "web");
    assert.equal(await passing(sim, client.register("http@1.2.3")), 10_000);
    assert.equal(await passing(sim, client.register("say", { port: 42 })), 42);
    const { endpoints } = await passing(sim, client.query());
    assert.deepEqual(
      endpoints.map(({ service, version, host, port }) => ({ service, version, host, port })),
      [
        { service: "http", version: "1.2.3", host: "web", port: 10_000 },
        { service: "say", version: "0.0.0", host: "web", port: 42 },
      ],
    );
  });

  it("waits for a registry that starts later", async () => {
    const sim = simulate(1);
    const { client } = startClient(sim, "web");
    const registered = client.register("http");
    await sim.clock.advance(60_000);
    assert.equal(client.isUp, false);
    startRegistry(sim);
    assert.equal(await passing(sim, registered), 10_000);
  });

  it("stays for as long as its owner lives", async () => {
    const sim = simulate(1);
    const running = startRegistry(sim);
    const { client } = startClient(sim, "web");
    await passing(sim, client.register("http"));
    await sim.clock.advance(3_600_000);
    assert.deepEqual(shown(running), ["http"]);
  });

  it("is gone one lease time after its owner died", async () => {
    const sim = simulate(1);
    const running = startRegistry(sim);
    const { client, kill } = startClient(sim, "web");
    await passing(sim, client.register("http"));
    kill();
    await sim.clock.advance(15_000);
    assert.deepEqual(shown(running), []);
  });

  it("survives a restart of the registry, with and without data", async () => {
    for (const store of [openMemoryStore(), undefined]) {
      const sim = simulate(1);
      const first = startRegistry(sim, store && { store });
      const { client } = startClient(sim, "web");
      await passing(sim, client.register("http"));
      first.kill();
      await sim.clock.advance(20_000);
      const second = startRegistry(sim, store && { store });
      await sim.clock.until("the service to be back", () => shown(second).length > 0, 12_000);
      assert.deepEqual(shown(second), ["http"]);
    }
  });

  it("comes back by itself after its owner was frozen for longer than the lease", async () => {
    const sim = simulate(1);
    const running = startRegistry(sim);
    const { client } = startClient(sim, "web");
    await passing(sim, client.register("http"));
    sim.network.cut("web", "registry");
    await sim.clock.advance(40_000);
    assert.deepEqual(shown(running), []);
    sim.network.heal("web", "registry");
    await sim.clock.until("the service to be back", () => shown(running).length > 0);
    assert.deepEqual(shown(running), ["http"]);
  });

  it("chooses another port when the chosen one is taken", async () => {
    const sim = simulate(1);
    startRegistry(sim);
    const host = "10.0.0.1";
    const first = startClient(sim, "one").client;
    const second = startClient(sim, "two").client;
    assert.equal(await passing(sim, first.register("http", { host })), 10_000);
    assert.equal(await passing(sim, second.register("http", { host })), 10_001);
  });

  it("at a given port waits for a predecessor's lease to end", async () => {
    const sim = simulate(1);
    startRegistry(sim);
    const options = { host: "10.0.0.1", port: 8_000 };
    const dead = startClient(sim, "one");
    await passing(sim, dead.client.register("http", options));
    dead.kill();
    const { client } = startClient(sim, "two");
    assert.equal(await passing(sim, client.register("http", options)), 8_000);
  });

  it("at a given port is refused when the other one lives", async () => {
    const sim = simulate(1);
    startRegistry(sim);
    const options = { host: "10.0.0.1", port: 8_000 };
    await passing(sim, startClient(sim, "one").client.register("http", options));
    const { client } = startClient(sim, "two");
    await assert.rejects(passing(sim, client.register("http", options)), hasCode("PORT_TAKEN"));
    await sim.clock.advance(60_000);
    const { endpoints } = await passing(sim, client.query());
    assert.equal(endpoints.length, 1);
  });

  it("of the same id replaces the former one", async () => {
    const sim = simulate(1);
    const running = startRegistry(sim);
    const { client } = startClient(sim, "web");
    await passing(sim, client.register("http", { id: "mine", port: 1 }));
    await passing(sim, client.register("say", { id: "mine", port: 2 }));
    assert.deepEqual(shown(running), ["say"]);
  });

  for (const [what, service, options] of [
    ["a name", "a b", {}],
    ["a version", "http@1.x", {}],
    ["a port", "http", { port: 0 }],
    ["a commit", "http", { port: 1, commit: "HEAD" }],
    ["a host", "http", { port: 1, host: "a b" }],
    ["metadata", "http", { port: 1, meta: { "no spaces": "x" } }],
  ] as const) {
    it(`is refused at once with a wrong ${what.replace(/^an? /, "")}, registry or not`, async () => {
      const sim = simulate(1);
      const { client } = startClient(sim, "web");
      const error = await client.register(service, options).catch((thrown: unknown) => thrown);
      assert.ok(error instanceof PropagitError);
      assert.match(error.code, /^BAD_(?:RECORD|NAME)$/);
    });
  }

  it("is refused when the registry does not believe the client", async () => {
    const sim = simulate(1);
    startRegistry(sim, { clusterKey: stretchSecret("beepboop") });
    const { client } = startClient(sim, "web");
    await assert.rejects(passing(sim, client.register("http")), hasCode("DENIED"));
    await assert.rejects(passing(sim, client.query()), hasCode("DENIED"));
    await assert.rejects(passing(sim, client.get("http")), hasCode("DENIED"));
  });
});

describe("what a client has registered", () => {
  it("is freed by port, by id and by name", async () => {
    const sim = simulate(1);
    const running = startRegistry(sim);
    const { client } = startClient(sim, "web");
    await passing(sim, client.register("a", { port: 1 }));
    await passing(sim, client.register("b", { id: "my-b", port: 2 }));
    await passing(sim, client.register("c", { port: 3 }));
    await passing(sim, client.register("c", { port: 4 }));
    await passing(sim, client.register("d", { port: 5 }));
    await passing(sim, client.free(1));
    assert.deepEqual(shown(running), ["b", "c", "c", "d"]);
    await passing(sim, client.free("my-b"));
    await passing(sim, client.free("c"));
    assert.deepEqual(shown(running), ["d"]);
    await passing(sim, client.free("nobody"));
    assert.deepEqual(shown(running), ["d"]);
  });

  it("and freed while the registry was away is not shown by the next one, not even for a moment", async () => {
    const sim = simulate(1);
    const store = openMemoryStore();
    const first = startRegistry(sim, { store });
    const { client } = startClient(sim, "web");
    await passing(sim, client.register("a", { port: 1 }));
    await passing(sim, client.register("b", { port: 2 }));
    first.kill();
    await passing(sim, client.free("a"));
    const second = startRegistry(sim, { store });
    const ups: string[] = [];
    await second.registry.ready();
    second.registry.watch(undefined, (update) => {
      if (update.kind === "up") ups.push(update.endpoint.service);
    });
    await sim.clock.advance(30_000);
    assert.deepEqual(ups, ["b"]);
    assert.deepEqual(shown(second), ["b"]);
  });

  it("is freed at once by close", async () => {
    const sim = simulate(1);
    const running = startRegistry(sim);
    const { client } = startClient(sim, "web");
    await passing(sim, client.register("a", { port: 1 }));
    await passing(sim, client.close());
    assert.deepEqual(shown(running), []);
    await assert.rejects(client.register("b", { port: 2 }), hasCode("LINK_LOST"));
  });

  it("gets new metadata, which also outlives the registry", async () => {
    const sim = simulate(1);
    const first = startRegistry(sim);
    const { client } = startClient(sim, "web");
    await passing(sim, client.register("a", { id: "mine", port: 1, meta: { color: "red" } }));
    const set = await passing(sim, client.set("mine", { color: "blue" }));
    assert.deepEqual(set.meta, { color: "blue" });
    first.kill();
    const second = startRegistry(sim);
    await sim.clock.until("the service to be back", () => shown(second).length > 0);
    assert.deepEqual(second.registry.query().endpoints[0]?.meta, { color: "blue" });
    await assert.rejects(client.set("not-mine", {}), hasCode("NO_RECORD"));
  });

  it("is not touched by another client, whatever it knows of it", async () => {
    const sim = simulate(1);
    const running = startRegistry(sim);
    const { client: owner } = startClient(sim, "web");
    await passing(sim, owner.register("a", { id: "mine", port: 1 }));
    const { client: other } = startClient(sim, "other");
    await isUp(sim, other);
    await passing(sim, other.free("mine"));
    await assert.rejects(other.set("mine", {}), hasCode("NO_RECORD"));
    const stolen = passing(sim, other.register("evil", { id: "mine", port: 2 }));
    await assert.rejects(stolen, hasCode("NOT_OWNER"));
    assert.deepEqual(shown(running), ["a"]);
  });
});

describe("a question", () => {
  it("is answered by version, commit and metadata", async () => {
    const sim = simulate(1);
    startRegistry(sim);
    const { client } = startClient(sim, "web");
    await passing(sim, client.register("http@1.2.3", { port: 1, commit: commitA }));
    await passing(sim, client.register("http@2.0.0", { port: 2, meta: { zone: "eu" } }));
    const ports = async (query: Parameters<RegistryClient["query"]>[0]) => {
      const { endpoints } = await passing(sim, client.query(query));
      return endpoints.map(({ port }) => port);
    };
    assert.deepEqual(await ports("http"), [1, 2]);
    assert.deepEqual(await ports("http@^1.2"), [1]);
    assert.deepEqual(await ports({ commit: commitA.slice(0, 7) }), [1]);
    assert.deepEqual(await ports({ service: "http", meta: { zone: "eu" } }), [2]);
    assert.deepEqual(await ports("say"), []);
    await assert.rejects(client.query("http@nope"), hasCode("BAD_PATTERN"));
  });

  it("to a registry that is not there ends within 10 s", async () => {
    const sim = simulate(1);
    const { client } = startClient(sim, "web");
    const before = sim.clock.monotonic();
    await assert.rejects(passing(sim, client.query()), hasCode("UNREACHABLE"));
    assert.ok(sim.clock.monotonic() - before <= 10_000);
  });

  it("to a registry that fell silent ends within 10 s", async () => {
    const sim = simulate(1);
    startRegistry(sim);
    const { client } = startClient(sim, "web");
    await isUp(sim, client);
    sim.network.cut("web", "registry");
    const before = sim.clock.monotonic();
    await assert.rejects(passing(sim, client.query()), hasCode("TIMED_OUT"));
    assert.ok(sim.clock.monotonic() - before <= 10_000);
  });

  it("that waits is answered as soon as somebody fits", async () => {
    const sim = simulate(1);
    startRegistry(sim);
    const { client } = startClient(sim, "web");
    const waiting = client.get({ service: "say@^1", commit: commitA });
    const { client: other } = startClient(sim, "other");
    await passing(sim, other.register("say@1.0.0", { port: 1 }));
    await passing(sim, other.register("say@2.0.0", { port: 2, commit: commitA }));
    await passing(sim, other.register("say@1.0.0", { port: 3, commit: commitA }));
    const [found, ...rest] = await passing(sim, waiting);
    assert.equal(found?.port, 3);
    assert.deepEqual(rest, []);
    assert.equal((await passing(sim, client.get("say"))).length, 3);
  });

  it("that waits says after its bound what it waited for", async () => {
    const sim = simulate(1);
    startRegistry(sim);
    const { client } = startClient(sim, "web");
    const before = sim.clock.monotonic();
    const error = await passing(sim, client.get("say@^1", 5_000)).catch(
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof PropagitError);
    assert.equal(error.code, "TIMED_OUT");
    assert.match(error.message, /say@\^1.* 5 s/);
    assert.ok(sim.clock.monotonic() - before <= 5_100);
  });

  it("that waits ends with the client", async () => {
    const sim = simulate(1);
    startRegistry(sim);
    const { client } = startClient(sim, "web");
    const waiting = assert.rejects(client.get("say"), hasCode("LINK_LOST"));
    await passing(sim, client.close());
    await waiting;
  });
});

describe("a watch", () => {
  it("gives a snapshot, then each change", async () => {
    const sim = simulate(1);
    startRegistry(sim);
    const { client } = startClient(sim, "web");
    await passing(sim, client.register("a", { port: 1 }));
    const followed = new Followed(client);
    await passing(sim, client.register("b", { port: 2 }));
    await passing(sim, client.free("a"));
    await sim.clock.advance(20_000);
    assert.deepEqual(followed.kinds, ["snapshot", "up", "down", "settled"]);
    assert.equal(followed.gap, undefined);
    assert.deepEqual(followed.services, ["b"]);
    assert.equal(followed.table.isSettled, true);
  });

  it("goes on after a broken connection without a second snapshot", async () => {
    const sim = simulate(1);
    const running = startRegistry(sim);
    const { client } = startClient(sim, "watcher");
    const followed = await following(sim, client);
    sim.network.dropHost("watcher");
    const { lease } = await running.registry.grant();
    await running.registry.register(lease, { service: "missed", port: 1 }, "10.0.0.1");
    await sim.clock.until("what was missed", () => followed.services.length === 1);
    assert.deepEqual(followed.kinds, ["snapshot", "up"]);
    assert.equal(followed.gap, undefined);
  });

  it("gets a new snapshot from a registry with a new life", async () => {
    const sim = simulate(1);
    const first = startRegistry(sim);
    const { client } = startClient(sim, "watcher");
    const followed = await following(sim, client);
    first.kill();
    startRegistry(sim);
    await sim.clock.until("the new snapshot", () => followed.updates.length === 2);
    assert.deepEqual(followed.kinds, ["snapshot", "snapshot"]);
    assert.equal(followed.table.isSettled, false);
  });

  it("gets a new snapshot when it was away for too long", async () => {
    const sim = simulate(1);
    const running = startRegistry(sim);
    const { client } = startClient(sim, "watcher");
    const followed = await following(sim, client);
    sim.network.cut("watcher", "registry");
    const { lease } = await running.registry.grant(3_600_000);
    for (let change = 0; change <= 10_000; change++) {
      const record = { id: "one", service: "busy", port: 1 + (change % 2) };
      await running.registry.register(lease, record, "10.0.0.1");
    }
    sim.network.heal("watcher", "registry");
    await sim.clock.until("the new snapshot", () => followed.services.length === 1);
    assert.deepEqual(followed.kinds, ["snapshot", "snapshot"]);
  });

  it("is told nothing after it was stopped", async () => {
    const sim = simulate(1);
    startRegistry(sim);
    const { client } = startClient(sim, "web");
    const followed = await following(sim, client);
    followed.stop();
    await passing(sim, client.register("a", { port: 1 }));
    await sim.clock.advance(30_000);
    assert.deepEqual(followed.kinds, ["snapshot"]);
  });
});
