import assert from "node:assert/strict";
import { test } from "node:test";
import { openCredential, type Address } from "@propagit/protocol";
import { sessionPaths, simulate, type Simulation } from "@propagit/runtime";
import { decide } from "../src/core/decision.js";
import type { Question } from "../src/core/question.js";
import type { Decision } from "../src/core/outcome.js";
import { Counters } from "../src/counters.js";
import { ProxyDaemon } from "../src/proxy.js";
import { commitA, commitB, commitC, endpointOf, routeOf } from "./support/samples.js";
import { TinyHub } from "./support/tiny-hub.js";

const hubAddress: Address = { host: "hub", port: 6001 };
const question: Question = {
  method: "GET",
  target: "/",
  host: "webapp.localhost",
  isSecure: false,
  address: "192.0.2.1",
  header: () => undefined,
};

interface Scene {
  readonly simulation: Simulation;
  readonly hub: TinyHub;
  readonly proxy: ProxyDaemon;
  readonly until: (what: string, condition: () => boolean) => Promise<void>;
  readonly killHub: () => void;
  readonly killRegistry: () => void;
  readonly startHub: () => void;
  readonly startRegistry: () => void;
}

/** A proxy that follows a hub and its registry, both up, with one endpoint of commit A. */
async function startScene(seed = 1): Promise<Scene> {
  const simulation = simulate(seed);
  const { clock, network } = simulation;
  const hub = new TinyHub(simulation.worldOf("hub"), { place: { port: 6000, open: true } });
  hub.setRoutes([routeOf([commitA, 1])]);
  hub.up(endpointOf(1));
  let killHub = () => undefined as void;
  let killRegistry = () => undefined as void;
  const startHub = () => {
    killHub = network.serve(hubAddress, sessionPaths.hub, hub.acceptHub);
  };
  const startRegistry = () => {
    const address = { host: "hub", port: 6000 };
    killRegistry = network.serve(address, sessionPaths.registry, hub.acceptRegistry);
  };
  startHub();
  startRegistry();
  const proxy = await startDaemon(simulation);
  const until = clock.until.bind(clock);
  await until("the table is complete", () => targetOf(proxy) === 1);
  return {
    simulation,
    hub,
    proxy,
    until,
    startHub,
    startRegistry,
    killHub: () => killHub(),
    killRegistry: () => killRegistry(),
  };
}

const clocks = new Map<ProxyDaemon, Simulation["clock"]>();

/** Nobody is under way anywhere. */
function idleServing() {
  return {
    counts: new Counters(),
    took: () => undefined,
    applied: () => Promise.resolve(),
    inFlight: () => Promise.resolve(0),
    endTunnels: () => undefined,
  };
}

async function startDaemon(simulation: Simulation, staleMaxMs?: number): Promise<ProxyDaemon> {
  const proxy = new ProxyDaemon(simulation.worldOf("proxy"), {
    source: { kind: "hub", hub: hubAddress, credential: openCredential },
    dataFolder: "/data",
    ...(staleMaxMs !== undefined && { staleMaxMs }),
  });
  clocks.set(proxy, simulation.clock);
  await proxy.load();
  const self = { identity: "1".repeat(32), name: "proxy", version: "0", address: { port: 8000 } };
  void proxy.follow({ serving: idleServing(), self });
  return proxy;
}

function ask(proxy: ProxyDaemon, over: Partial<Question> = {}): Decision {
  const now = clocks.get(proxy)?.monotonic() ?? 0;
  const situation = {
    table: proxy.table,
    now,
    fraction: () => 0,
    newVisitor: () => "0".repeat(32),
  };
  return decide(situation, { ...question, ...over });
}

function addressesOf(proxy: ProxyDaemon): string[] {
  return [...proxy.table.addresses.keys()];
}

/** The port that a visitor is sent to now. */
function targetOf(proxy: ProxyDaemon): number | undefined {
  const decision = ask(proxy);
  return decision.kind === "forward" ? Number(decision.target.address.split(":")[1]) : undefined;
}

test("follows what hub and registry say", async () => {
  const { hub, proxy, until } = await startScene();
  hub.up(endpointOf(2, { commit: commitB }));
  hub.setRoutes([routeOf([commitB, 1])]);
  await until("visitors go to commit B", () => targetOf(proxy) === 2);
  hub.down("record-2");
  await until("nobody can be sent there", () => targetOf(proxy) === undefined);
});

test("sends visitors where they went until it knows an endpoint of the new commit", async () => {
  const { simulation, hub, proxy, until } = await startScene();
  hub.setRoutes([routeOf([commitB, 1])]);
  await simulation.clock.advance(2_000);
  assert.equal(targetOf(proxy), 1);
  hub.up(endpointOf(2, { commit: commitB }));
  await until("visitors go to commit B", () => targetOf(proxy) === 2);
  hub.setRoutes([routeOf([commitC, 1])]);
  await simulation.clock.advance(10_000);
  assert.equal(targetOf(proxy), undefined);
});

test("keeps environments and their deployments over a restart", async () => {
  const { simulation, hub, proxy, killHub, killRegistry } = await startScene();
  const [one, two] = ["1".repeat(16), "2".repeat(16)];
  const staging = { repo: "webapp", environment: "staging" };
  hub.up(endpointOf(3, { commit: commitC, meta: { deployment: one } }));
  hub.up(endpointOf(4, { commit: commitC, meta: { deployment: two } }));
  const shares = [{ commit: commitC, deployment: two, weight: 1 }];
  hub.setRoutes([routeOf([commitA, 1]), { ...staging, shares, hosts: [{ host: "try.it" }] }]);
  await simulation.clock.advance(2_000);
  killHub();
  killRegistry();
  await proxy.stop();
  const again = await startDaemon(simulation);
  for (const host of ["staging--webapp.localhost", "try.it"]) {
    const decision = ask(again, { host });
    assert.equal(decision.kind === "forward" && decision.target.address, "127.0.0.1:4");
  }
});

test("keeps endpoints that a restarted registry has not heard of yet, until it has settled", async () => {
  const { hub, proxy, until, killRegistry, startRegistry } = await startScene();
  killRegistry();
  hub.forgetEverything();
  const before = hub.watches;
  startRegistry();
  await until("it follows the new registry", () => {
    return hub.watches > before && proxy.stale().length === 0;
  });
  hub.up(endpointOf(2));
  await until("the new endpoint is known", () => proxy.table.addresses.size === 2);
  assert.deepEqual(addressesOf(proxy), ["127.0.0.1:1", "127.0.0.1:2"]);
  hub.settle();
  await until("only what came back is left", () => proxy.table.addresses.size === 1);
  assert.equal(targetOf(proxy), 2);
});

test("goes by its last table for as long as hub and registry are away, and says so", async () => {
  const { simulation, proxy, until, killHub, killRegistry } = await startScene();
  killHub();
  killRegistry();
  await until("it knows", () => proxy.stale().length === 2);
  await simulation.clock.advance(24 * 60 * 60 * 1000);
  assert.equal(targetOf(proxy), 1);
  assert.deepEqual(proxy.stats().stale, ["hub", "registry"]);
});

test("takes up its table after a restart, and drops what is gone once somebody says so", async () => {
  const { simulation, hub, proxy, until, killHub, killRegistry, ...scene } = await startScene();
  killHub();
  killRegistry();
  await proxy.stop();
  const again = await startDaemon(simulation);
  assert.equal(targetOf(again), 1);
  hub.down("record-1");
  scene.startHub();
  scene.startRegistry();
  await until("the endpoint is gone", () => again.table.addresses.size === 0);
  assert.equal(ask(again).kind, "refuse");
});

test("saves a burst of changes once, the newest last, also when it stops at once", async () => {
  const { simulation, hub, proxy } = await startScene();
  const { disk } = simulation.worldOf("proxy");
  await simulation.clock.advance(1_000);
  let writes = 0;
  const write = disk.writeAtomic.bind(disk);
  disk.writeAtomic = (path, content) => {
    writes += 1;
    return write(path, content);
  };
  for (let weight = 1; weight <= 100; weight++) hub.setRoutes([routeOf([commitA, weight])]);
  await simulation.clock.advance(1_000);
  assert.equal(writes, 1);
  hub.setRoutes([routeOf([commitA, 101])]);
  await simulation.clock.advance(100);
  const stopped = proxy.stop();
  await simulation.clock.advance(1_000);
  await stopped;
  assert.equal(writes, 2);
  assert.ok((await disk.read("/data/table.json"))?.includes('"weight":101'));
});

test("serves on with a full disk and saves again when there is room", async () => {
  const { simulation, hub, proxy } = await startScene();
  const { disk } = simulation.worldOf("proxy");
  await simulation.clock.advance(1_000);
  disk.isFull = true;
  hub.setRoutes([routeOf([commitA, 7])]);
  await simulation.clock.advance(1_000);
  assert.equal(targetOf(proxy), 1);
  disk.isFull = false;
  hub.setRoutes([routeOf([commitA, 8])]);
  await simulation.clock.advance(1_000);
  assert.ok((await disk.read("/data/table.json"))?.includes('"weight":8'));
});

test("follows another registry when the hub names another", async () => {
  const { simulation, hub, proxy, until, killHub, startHub } = await startScene();
  const other = new TinyHub(simulation.worldOf("other"), { place: { port: 7000, open: true } });
  other.up(endpointOf(9));
  const address = { host: "other", port: 7000 };
  simulation.network.serve(address, sessionPaths.registry, other.acceptRegistry);
  hub.place = { host: "other", port: 7000, open: true };
  killHub();
  startHub();
  await until("the other registry's endpoint is known", () => targetOf(proxy) === 9);
  assert.deepEqual(addressesOf(proxy), ["127.0.0.1:9"]);
});

test("tries again when a hub answers but never sends its routes", async () => {
  const { hub, proxy, until, killHub, startHub } = await startScene();
  const { book } = hub;
  // A book that fails its check ends the conversation; the table stays.
  hub.book = { ...book, revision: -1 };
  killHub();
  startHub();
  await until("the hub is taken for away", () => proxy.stale().includes("hub"));
  assert.equal(targetOf(proxy), 1);
  hub.book = book;
  await until("it follows again", () => proxy.stale().length === 0);
});

for (const seed of [1, 2, 3, 4, 5]) {
  test(`ends with what hub and registry say, after any faults of the network (seed ${seed})`, async () => {
    const { simulation, hub, proxy, until } = await startScene(seed);
    const { network, clock, random } = simulation;
    const calmFaults = network.faults;
    network.faults = {
      delayMsMin: 1,
      delayMsMax: 500,
      keepsOrder: false,
      lost: 0.05,
      repeated: 0.05,
      broken: 0.05,
    };
    let port = 10;
    for (let step = 1; step <= 50; step++) {
      port += 1;
      if (random.fraction() < 0.5) hub.up(endpointOf(port));
      else hub.down(`record-${port - Math.floor(random.fraction() * 5)}`);
      hub.setRoutes([routeOf([commitA, step])]);
      await clock.advance(random.fraction() * 2_000);
    }
    network.faults = calmFaults;
    hub.up(endpointOf(9_999));
    const expected = hub.addresses().sort();
    await until("the table is the registry's", () => {
      return addressesOf(proxy).sort().join() === expected.join();
    });
  });
}

test("tells the hub what it goes by, and what it is stale by", async () => {
  const { hub, until, killRegistry, startRegistry } = await startScene();
  await until("it has told", () => hub.standings.at(-1)?.stale.length === 0);
  assert.equal(hub.standings.at(-1)?.revision, hub.book.revision);
  killRegistry();
  await until("the hub knows", () => hub.standings.at(-1)?.stale.join() === "registry");
  startRegistry();
  await until("the hub knows again", () => hub.standings.at(-1)?.stale.length === 0);
  hub.setRoutes([routeOf([commitB, 1])]);
  await until("it goes by the change", () => hub.standings.at(-1)?.revision === hub.book.revision);
});

test("serves nobody after so long without a word from its hub, and again with the next one", async () => {
  const { simulation, hub, killHub, startHub, until } = await startScene();
  const proxy = await startDaemon(simulation, 30_000);
  await until("it may serve", () => proxy.blocked() === undefined && proxy.stale().length === 0);
  killHub();
  await until("it knows", () => proxy.stale().includes("hub"));
  await simulation.clock.advance(20_000);
  assert.equal(proxy.blocked(), undefined);
  await simulation.clock.advance(11_000);
  assert.match(String(proxy.blocked()?.message), /no word from its hub for 30 s/);
  startHub();
  await until("it serves again", () => proxy.blocked() === undefined);
  assert.ok(hub.standings.length > 0);
});
