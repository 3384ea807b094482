import assert from "node:assert/strict";
import { test } from "node:test";
import { PropagitError } from "@propagit/protocol";
import { Registry } from "@propagit/registry";
import { calm, randomBetween, sessionPaths, simulate, type Simulation } from "@propagit/runtime";
import { openMemoryStore } from "@propagit/store";
import { clusterKey, HubDouble } from "./support/hub-double.js";
import { seeds } from "./support/seeds.js";
import { hubAddress, SimMachine, sound } from "./support/sim-machine.js";

const commits = ["a", "b", "c", "d"].map((char) => ({ repo: "webapp", commit: char.repeat(40) }));
const registryAddress = { host: "hub", port: 6000 };

interface Cluster {
  readonly simulation: Simulation;
  readonly hub: HubDouble;
  readonly registry: Registry;
  readonly machine: SimMachine;
  readonly startHub: () => void;
  readonly stopHub: () => void;
}

function openCluster(seed: number): Cluster {
  const simulation = simulate(seed);
  const world = simulation.worldOf("hub");
  const hub = new HubDouble(world);
  const registry = new Registry(world, { store: openMemoryStore(), clusterKey });
  let stop: () => void = () => undefined;
  simulation.network.serve(registryAddress, sessionPaths.registry, (wire) => registry.accept(wire));
  return {
    simulation,
    hub,
    registry,
    machine: new SimMachine(simulation, "box"),
    startHub() {
      stop = simulation.network.serve(hubAddress, sessionPaths.hub, (wire) => hub.accept(wire));
    },
    stopHub() {
      stop();
      hub.forget();
    },
  };
}

/** Whether exactly the desired commits run, once each, and hub and registry know it. */
function isAsDesired({ hub, registry, machine }: Cluster, desired: readonly string[]): boolean {
  const wanted = inOrder(desired);
  const listening = [...machine.processes].filter(({ listens }) => listens);
  const running = inOrder(listening.map(({ pid, port }) => `${pid} ${port}`));
  const reports = [...hub.instances.values()].filter(({ phase }) => phase === "ready");
  const told = inOrder(reports.map(({ pid, port }) => `${pid} ${port}`));
  const registered = inOrder(registry.query({}).endpoints.map(({ commit = "" }) => commit));
  return (
    machine.processes.size === desired.length &&
    hub.instances.size === desired.length &&
    inOrder(listening.map(({ commit }) => commit)) === wanted &&
    told === running &&
    registered === wanted
  );
}

function inOrder(texts: readonly string[]): string {
  return texts.toSorted((left, right) => left.localeCompare(right)).join(" ");
}

for (const seed of seeds) {
  test(`comes to run what is desired after every kind of fault (seed ${seed})`, async () => {
    const cluster = openCluster(seed);
    const { simulation, hub, machine } = cluster;
    const { clock, network, random } = simulation;
    cluster.startHub();
    machine.faults = { fetchFails: 0.3, launchFails: 0.2, crashes: 0.5, ignoresTerm: 0.3 };
    network.faults = {
      delayMsMin: 1,
      delayMsMax: 200,
      keepsOrder: false,
      lost: 0.02,
      repeated: 0.02,
      broken: 0.01,
    };
    const drone = machine.startDrone();
    let desired: typeof commits = [];
    for (let turn = 0; turn < 12; turn++) {
      desired = commits.filter(() => random.fraction() < 0.5);
      hub.assign(...desired);
      if (random.fraction() < 0.2) cluster.stopHub();
      await clock.advance(randomBetween(random, 10, 15_000));
      cluster.startHub();
    }
    machine.faults = sound;
    network.faults = calm;
    const names = desired.map(({ commit }) => commit);

    // Those that were started before may still crash, and then rest for up to a minute.
    await clock.advance(130_000);
    await clock.until("as desired", () => isAsDesired(cluster, names), 60_000);

    const stopped = drone.stop();
    await clock.until("stopped", () => machine.processes.size === 0, 30_000);
    await clock.advance(5_000);
    await stopped;
    assert.equal(await drone.ended, undefined);
    assert.deepEqual(cluster.registry.query({}).endpoints, []);
  });
}

test("gives up at once when its first words are refused", async () => {
  const { simulation, hub, machine, startHub } = openCluster(1);
  startHub();
  hub.refusal = new PropagitError("DENIED", "the secret is wrong");
  const drone = machine.startDrone();
  const met = assert.rejects(drone.met, { code: "DENIED" });
  await simulation.clock.advance(1_000);
  await met;
  assert.equal((await drone.ended)?.code, "DENIED");
});

test("waits for the hub to miss its last life before it believes in a twin", async () => {
  const { simulation, hub, machine, startHub } = openCluster(2);
  const { clock } = simulation;
  startHub();
  hub.refusal = new PropagitError("DRONE_TAKEN", "a drone with that identity is connected");
  machine.startDrone();
  await clock.advance(15_000);
  hub.refusal = undefined;
  await clock.until("joined", () => hub.joins === 1);

  hub.refusal = new PropagitError("DRONE_TAKEN", "a drone with that identity is connected");
  const twin = new SimMachine(simulation, "other").startDrone();
  await clock.advance(60_000);
  assert.equal((await twin.ended)?.code, "DRONE_TAKEN");
});

test("keeps what runs when the hub is another one without its data, and follows the old one again", async () => {
  const cluster = openCluster(4);
  const { simulation, hub, machine } = cluster;
  const { clock } = simulation;
  cluster.startHub();
  machine.startDrone();
  hub.assign(...commits.slice(0, 2));
  const names = commits.slice(0, 2).map(({ commit }) => commit);
  await clock.until("two run", () => isAsDesired(cluster, names));
  const pids = inOrder([...machine.processes].map(({ pid }) => `${pid}`));

  cluster.stopHub();
  hub.identity = "b".repeat(32);
  hub.assign();
  cluster.startHub();
  await clock.advance(120_000);
  assert.equal(inOrder([...machine.processes].map(({ pid }) => `${pid}`)), pids);
  assert.ok(hub.joins > 2, "it goes on trying");

  cluster.stopHub();
  hub.identity = "a".repeat(32);
  hub.assign(...commits.slice(0, 1));
  cluster.startHub();
  await clock.until("one runs", () => isAsDesired(cluster, names.slice(0, 1)), 60_000);
});

test("never becomes ready while the registry does not take its record, and says that it is that", async () => {
  const cluster = openCluster(3);
  const { simulation, hub, machine } = cluster;
  const { clock, network } = simulation;
  cluster.startHub();
  network.cut("box", "hub");
  network.heal("box", "hub");
  await cluster.registry.stop(new PropagitError("LINK_LOST", "gone"));
  machine.startDrone();
  hub.assign(...commits.slice(0, 1));
  await clock.until("failed", () =>
    [...hub.instances.values()].some((it) => it.phase === "failed"),
  );
  const [report] = hub.instances.values();
  assert.match(report?.reason ?? "", /^it listens on port 10000, but the registry did not take/);
});

test("takes only the newest telling of a connection, and no repository name that is a path", async () => {
  const cluster = openCluster(4);
  const { simulation, hub, machine } = cluster;
  cluster.startHub();
  machine.startDrone();
  const [one] = commits;
  assert.ok(one);
  hub.assign({ repo: "../evil", commit: one.commit }, one);
  await simulation.clock.until("as desired", () => isAsDesired(cluster, [one.commit]));
  hub.conversation?.tell("drone.assign", { revision: 0, assignments: [], keep: [] });
  await simulation.clock.advance(5_000);
  assert.ok(isAsDesired(cluster, [one.commit]));
});

test("says its zone with each record, so that proxies can prefer their own", async () => {
  const cluster = openCluster(5);
  const { simulation, hub, machine, registry } = cluster;
  cluster.startHub();
  machine.startDrone({ labels: { zone: "eu-1" } });
  const [one] = commits;
  assert.ok(one);
  hub.assign(one);
  await simulation.clock.until("as desired", () => isAsDesired(cluster, [one.commit]));
  const zones = registry.query({}).endpoints.map(({ meta }) => meta["zone"]);
  assert.deepEqual(zones, ["eu-1"]);
});
