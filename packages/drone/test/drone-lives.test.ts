import assert from "node:assert/strict";
import { test } from "node:test";
import { PropagitError } from "@propagit/protocol";
import { Registry } from "@propagit/registry";
import { calm, randomBetween, sessionPaths, simulate, type Simulation } from "@propagit/runtime";
import { openMemoryStore, type Store } from "@propagit/store";
import { placeOf } from "../src/core/reconcile.js";
import type { Drone } from "../src/drone.js";
import { assignmentOf, clusterKey, HubDouble, serviceOf, type Wish } from "./support/hub-double.js";
import { Life } from "./support/mortal.js";
import { seeds } from "./support/seeds.js";
import { hubAddress, SimMachine, sound } from "./support/sim-machine.js";

/** Hub, registry and one machine whose drones come and go; everything can be killed. */
class Cluster {
  readonly simulation: Simulation;
  readonly hub: HubDouble;
  readonly machine: SimMachine;
  registry!: Registry;
  drone!: Drone;
  readonly #store: Store = openMemoryStore();
  #killDrone = (): void => undefined;
  #stopHub = (): void => undefined;
  #stopRegistry = (): void => undefined;

  constructor(seed: number) {
    this.simulation = simulate(seed);
    this.hub = new HubDouble(this.simulation.worldOf("hub"));
    this.machine = new SimMachine(this.simulation, "box");
    this.startHub();
    this.startRegistry();
  }

  startHub(): void {
    this.#stopHub();
    const { network } = this.simulation;
    this.#stopHub = network.serve(hubAddress, sessionPaths.hub, (wire) => this.hub.accept(wire));
  }

  stopHub(): void {
    this.#stopHub();
    this.hub.forget();
  }

  startRegistry(): void {
    const life = new Life();
    const world = life.world(this.simulation.worldOf("registry"));
    const registry = new Registry(world, { store: this.#store, clusterKey });
    const address = { host: "hub", port: this.hub.registryPort };
    const { network } = this.simulation;
    const vanish = network.serve(address, sessionPaths.registry, (wire) => registry.accept(wire));
    this.registry = registry;
    this.#stopRegistry = () => {
      life.end();
      vanish();
    };
  }

  killRegistry(): void {
    this.#stopRegistry();
  }

  startDrone(): void {
    const { drone, kill } = this.machine.startLife({ services: true });
    this.drone = drone;
    this.#killDrone = kill;
  }

  killDrone(): void {
    this.#killDrone();
  }

  /** A deployment with these services, that the hub can specify. */
  wish(digit: string, ...services: { name: string; instances: number }[]): Wish {
    const wish = {
      repo: "webapp",
      commit: digit.repeat(40),
      services: services.map(({ name, instances }) => ({ service: name, instances })),
    };
    const all = services.map(({ name }) => (name === "worker" ? worker : serviceOf({ name })));
    this.hub.specifications.set(assignmentOf(wish).id, { services: all });
    return wish;
  }

  get pids(): string {
    return inOrder([...this.machine.processes].map(({ pid, port }) => `${pid} ${port}`));
  }

  /** Whether exactly these run, once each, and hub and registry know it. */
  isAsWished(wishes: readonly Wish[]): boolean {
    const places = inOrder(
      wishes
        .map(assignmentOf)
        .flatMap(({ id, services }) =>
          services.flatMap(({ service, instances }) =>
            Array.from({ length: instances }, (_, index) =>
              placeOf(id, { service, slot: index + 1 }),
            ),
          ),
        ),
    );
    const living = [...this.machine.processes];
    const reports = [...this.hub.instances.values()];
    const ready = reports.filter(({ phase }) => phase === "ready");
    const listening = living.filter(({ ports }) => ports.length > 0);
    const registered = this.registry.query({}).endpoints.map(({ port }) => `${port}`);
    return (
      inOrder(living.map(({ place }) => place)) === places &&
      reports.length === living.length &&
      inOrder(ready.map(({ pid }) => `${pid}`)) === inOrder(living.map(({ pid }) => `${pid}`)) &&
      inOrder(registered) === inOrder(listening.map(({ port }) => `${port}`))
    );
  }

  async settle(wishes: readonly Wish[], limitMs = 60_000): Promise<void> {
    const { clock } = this.simulation;
    await clock
      .until("as wished", () => this.isAsWished(wishes), limitMs)
      .catch((thrown) => {
        throw new Error(`${String(thrown)}: ${this.#facts()}`);
      });
  }

  /** What is the case, for a failure that has to be understood. */
  #facts(): string {
    return JSON.stringify({
      running: [...this.machine.processes].map(({ pid, place, port, listens }) => {
        return { pid, place, port, listens };
      }),
      told: [...this.hub.instances.values()],
      registered: this.registry
        .query({})
        .endpoints.map(({ id, port, meta }) => ({ id, port, meta })),
    });
  }
}

const worker = serviceOf({ name: "worker", ports: [], ready: "alive" });

function inOrder(texts: readonly string[]): string {
  return texts.toSorted((left, right) => left.localeCompare(right)).join(" ");
}

for (const seed of seeds) {
  test(`comes to run what is wished, whatever is killed (seed ${seed})`, async () => {
    const cluster = new Cluster(seed);
    const { simulation, hub, machine } = cluster;
    const { clock, network, random } = simulation;
    const all = ["a", "b", "c", "d"].map((digit) =>
      cluster.wish(digit, { name: "web", instances: 2 }, { name: "worker", instances: 1 }),
    );
    machine.faults = { fetchFails: 0.3, launchFails: 0.2, crashes: 0.4, ignoresTerm: 0.3 };
    network.faults = {
      delayMsMin: 1,
      delayMsMax: 200,
      keepsOrder: false,
      lost: 0.02,
      repeated: 0.02,
      broken: 0.01,
    };
    cluster.startDrone();
    let wishes: Wish[] = [];
    for (let turn = 0; turn < 15; turn++) {
      if (random.fraction() < 0.7) wishes = all.filter(() => random.fraction() < 0.5);
      hub.assign(...wishes);
      const chance = random.fraction();
      if (chance < 0.2) cluster.stopHub();
      if (chance > 0.1 && chance < 0.3) cluster.killRegistry();
      if (chance > 0.25 && chance < 0.6) cluster.killDrone();
      if (chance > 0.55 && chance < 0.6) machine.reboot();
      await clock.advance(randomBetween(random, 10, 15_000));
      cluster.startHub();
      if (chance > 0.1 && chance < 0.3) cluster.startRegistry();
      if (chance > 0.25 && chance < 0.6) cluster.startDrone();
    }
    machine.faults = sound;
    network.faults = calm;

    // Those that were started before may still crash, and then rest for up to a minute.
    await clock.advance(130_000);
    await cluster.settle(wishes);

    const stopped = cluster.drone.stop();
    await clock.until("stopped", () => machine.processes.size === 0, 30_000);
    await clock.advance(5_000);
    await stopped;
    assert.deepEqual(cluster.registry.query({}).endpoints, []);
  });

  test(`never ends what is wished because of its own deaths (seed ${seed})`, async () => {
    const cluster = new Cluster(seed);
    const { simulation, hub, machine } = cluster;
    const { clock, random } = simulation;
    const wishes = [
      cluster.wish("a", { name: "web", instances: 3 }, { name: "worker", instances: 2 }),
    ];
    cluster.startDrone();
    hub.assign(...wishes);
    await cluster.settle(wishes);
    const { pids } = cluster;
    const downs: string[] = [];
    cluster.registry.watch(undefined, (update) => {
      if (update.kind === "down") downs.push(update.reason);
    });
    for (let turn = 0; turn < 10; turn++) {
      if (random.fraction() < 0.4) cluster.stopHub();
      cluster.killDrone();
      // Shorter than the lease.
      await clock.advance(randomBetween(random, 1, 20_000));
      cluster.startDrone();
      await clock.advance(randomBetween(random, 1, 20_000));
      cluster.startHub();
      await clock.advance(11_000);
      assert.equal(cluster.pids, pids);
    }
    await cluster.settle(wishes);
    assert.deepEqual([machine.signals, cluster.pids], [0, pids]);
    assert.deepEqual(downs, [], "their records never went");
  });
}

test("leaves its instances and their records when it is asked to, and the next life has them", async () => {
  const cluster = new Cluster(1);
  const { simulation, hub } = cluster;
  const wishes = [cluster.wish("a", { name: "web", instances: 2 })];
  cluster.startDrone();
  hub.assign(...wishes);
  await cluster.settle(wishes);
  const { pids } = cluster;
  const ids = () => inOrder(cluster.registry.query({}).endpoints.map(({ id }) => id));
  const before = ids();

  const stopped = cluster.drone.stop({ instances: "keep" });
  await simulation.clock.advance(5_000);
  await stopped;
  assert.equal(hub.hasLeft, "running");
  assert.deepEqual([cluster.pids, ids()], [pids, before]);

  await simulation.clock.advance(20_000);
  cluster.startDrone();
  await simulation.clock.advance(60_000);
  assert.deepEqual([cluster.pids, ids()], [pids, before]);
  await cluster.settle(wishes);
});

test("starts what should run after a reboot without its hub, with its settings", async () => {
  const cluster = new Cluster(2);
  const { simulation, hub, machine } = cluster;
  const wishes = [cluster.wish("a", { name: "web", instances: 2 })];
  const { id } = assignmentOf(wishes[0] ?? assert.fail());
  hub.specifications.set(id, { services: [serviceOf()], config: { COLOUR: "red" } });
  cluster.startDrone();
  hub.assign(...wishes);
  await cluster.settle(wishes);

  cluster.stopHub();
  cluster.killDrone();
  machine.reboot();
  machine.unseen.clear();
  await simulation.clock.advance(60_000);
  assert.equal(machine.processes.size, 0);
  cluster.startDrone();
  await simulation.clock.until("two run", () => machine.processes.size === 2);
  for (const { variables } of machine.processes) {
    assert.deepEqual([variables["COLOUR"], variables["RELEASE"]], ["red", "1"]);
  }
  await simulation.clock.until("registered", () => {
    return cluster.registry.query({}).endpoints.length === 2;
  });
  assert.equal(hub.asked.length, 1, "it knew how they are run");
});

test("ends what nobody wants any more only when the hub has said so", async () => {
  const cluster = new Cluster(3);
  const { simulation, hub, machine } = cluster;
  const [one, two] = ["a", "b"].map((digit) => cluster.wish(digit, { name: "web", instances: 1 }));
  assert.ok(one && two);
  cluster.startDrone();
  hub.assign(one, two);
  await cluster.settle([one, two]);

  cluster.stopHub();
  cluster.killDrone();
  hub.assign(one);
  cluster.startDrone();
  await simulation.clock.advance(60_000);
  assert.equal(machine.processes.size, 2);
  cluster.startHub();
  await cluster.settle([one]);
});

test("scales up and down by slots, and leaves the others alone", async () => {
  const cluster = new Cluster(4);
  const { hub, machine } = cluster;
  const wish = (instances: number) => cluster.wish("a", { name: "web", instances });
  cluster.startDrone();
  hub.assign(wish(2));
  await cluster.settle([wish(2)]);
  const two = [...machine.processes];
  hub.assign(wish(3));
  await cluster.settle([wish(3)]);
  hub.assign(wish(1));
  await cluster.settle([wish(1)]);
  assert.deepEqual(
    [...machine.processes],
    two.filter(({ note }) => note.slot === 1),
  );
});

test("lets rest what is done, also in its next life, until it is released anew", async () => {
  const cluster = new Cluster(5);
  const { simulation, hub, machine } = cluster;
  const wish = cluster.wish("a", { name: "job", instances: 1 });
  const job = serviceOf({
    name: "job",
    ports: [],
    ready: "alive",
    restart: { policy: "on-failure", firstMs: 1_000, maxMs: 60_000, crashesMax: 3 },
  });
  hub.specifications.set(assignmentOf(wish).id, { services: [job] });
  machine.faults = { ...sound, crashes: 1 };
  machine.exitCode = 0;
  cluster.startDrone();
  hub.assign(wish);
  const isDone = () => [...hub.instances.values()].some(({ phase }) => phase === "stopped");
  await simulation.clock.until("done", isDone);
  const [{ reason } = assert.fail()] = hub.instances.values();
  assert.match(reason ?? "", /^exited with code 0: it is done/);

  cluster.killDrone();
  cluster.startDrone();
  await simulation.clock.advance(60_000);
  assert.deepEqual([isDone(), machine.processes.size], [true, 0]);
  hub.assign({ ...wish, release: 2 });
  await simulation.clock.until("runs again", () => machine.processes.size === 1);
});

test("takes a hub's new timeout over without a gap in the records", async () => {
  const cluster = new Cluster(6);
  const { simulation, hub } = cluster;
  const wishes = [cluster.wish("a", { name: "web", instances: 2 })];
  cluster.startDrone();
  hub.assign(...wishes);
  await cluster.settle(wishes);
  const counts = new Set<number>();
  cluster.registry.watch(undefined, () => {
    counts.add(cluster.registry.query({}).endpoints.length);
  });

  cluster.stopHub();
  hub.timeoutMs = 60_000;
  cluster.startHub();
  await simulation.clock.advance(60_000);
  await cluster.settle(wishes);
  assert.ok(Math.min(...counts) >= 2, `there were ${[...counts].join(", ")}`);

  // The lease is as long as the hub says.
  cluster.killDrone();
  await simulation.clock.advance(35_000);
  assert.equal(cluster.registry.query({}).endpoints.length, 2);
  await simulation.clock.advance(30_000);
  assert.equal(cluster.registry.query({}).endpoints.length, 0);
});

test("restarts instances one after the other, and ends at the first that does not come back", async () => {
  const cluster = new Cluster(7);
  const { simulation, hub, machine } = cluster;
  const wishes = [cluster.wish("a", { name: "web", instances: 3 })];
  cluster.startDrone();
  hub.assign(...wishes);
  await cluster.settle(wishes);
  const processes = [...hub.instances.keys()];
  let fewest = 3;
  cluster.registry.watch(undefined, () => {
    fewest = Math.min(fewest, cluster.registry.query({}).endpoints.length);
  });
  const call = () => {
    const parts: string[] = [];
    const result = hub.conversation?.call(
      "drone.restart",
      { processes },
      {
        limitMs: 0,
        onPart: ({ process, ready }) => {
          parts.push(`${processes.indexOf(process)} ${ready}`);
        },
      },
    );
    assert.ok(result);
    const said: { parts: string[]; failed?: readonly { reason: string }[] } = { parts };
    void result.then(({ failed }) => (said.failed = failed));
    return said;
  };

  const good = call();
  await simulation.clock.until("restarted", () => good.failed !== undefined);
  assert.deepEqual(good, { failed: [], parts: ["0 true", "1 true", "2 true"] });
  assert.equal(fewest, 2, "each was back before the next");

  machine.faults = { ...sound, launchFails: 1 };
  const bad = call();
  await simulation.clock.until("failed", () => bad.failed !== undefined);
  const others = Array<string>(2).fill("not restarted, as one before it failed");
  assert.deepEqual(
    [bad.failed?.map(({ reason }) => reason), bad.parts],
    [["no such command", ...others], ["0 false"]],
  );
});

test("asks a few times at once how deployments are run, and again when a service is unknown", async () => {
  const cluster = new Cluster(8);
  const { simulation, hub, machine } = cluster;
  const wish = cluster.wish("a", { name: "web", instances: 1 });
  const { id } = assignmentOf(wish);
  hub.specifications.set(id, { services: [] });
  cluster.startDrone();
  hub.assign(wish);
  await simulation.clock.advance(60_000);
  assert.deepEqual(hub.asked, [id, id]);
  hub.specifications.set(id, { services: [serviceOf()] });
  hub.assign(wish);
  await simulation.clock.until("runs", () => machine.processes.size === 1);
  assert.deepEqual(hub.asked, [id, id, id]);
});

test("keeps on disk what runs and what the hub keeps", async () => {
  const cluster = new Cluster(9);
  const { simulation, hub, machine } = cluster;
  const kept = { repo: "webapp", commit: "c".repeat(40) };
  hub.keep = [kept, { repo: "../evil", commit: "d".repeat(40) }];
  const artifact = "e".repeat(40);
  const wish = { ...cluster.wish("a", { name: "web", instances: 1 }), artifact };
  cluster.startDrone();
  await simulation.clock.advance(10_000);
  hub.assign(wish);
  await cluster.settle([wish]);
  await simulation.clock.advance(5_000);
  const names = new Set(machine.kept?.map(({ repo, commit }) => `${repo} ${commit}`));
  assert.deepEqual([...names].toSorted(), [
    `webapp ${wish.commit}`,
    `webapp ${kept.commit}`,
    `webapp ${artifact}`,
  ]);
});

test("keeps what runs when its next life meets another hub", async () => {
  const cluster = new Cluster(10);
  const { simulation, hub } = cluster;
  const wishes = [cluster.wish("a", { name: "web", instances: 1 })];
  cluster.startDrone();
  hub.assign(...wishes);
  await cluster.settle(wishes);
  const { pids } = cluster;
  cluster.killDrone();
  hub.identity = "b".repeat(32);
  hub.assign();
  cluster.startDrone();
  await simulation.clock.advance(120_000);
  assert.equal(cluster.pids, pids);
});

test("keeps what runs when its next life is refused", async () => {
  const cluster = new Cluster(11);
  const { simulation, hub } = cluster;
  const wishes = [cluster.wish("a", { name: "web", instances: 1 })];
  cluster.startDrone();
  hub.assign(...wishes);
  await cluster.settle(wishes);
  const { pids } = cluster;
  cluster.killDrone();
  hub.refusal = new PropagitError("DENIED", "the secret is wrong");
  cluster.startDrone();
  await simulation.clock.advance(10_000);
  assert.equal((await cluster.drone.ended)?.code, "DENIED");
  assert.equal(cluster.pids, pids);
});
