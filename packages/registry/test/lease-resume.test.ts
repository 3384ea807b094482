/** Lives of a program one after the other that hold one lease, so that its records go on. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { simulate, type Simulation } from "@propagit/runtime";
import { openMemoryStore } from "@propagit/store";
import type { ConnectInOptions } from "../src/index.js";
import { hasCode } from "./support/samples.js";
import {
  Followed,
  servicesOf,
  startClient,
  startRegistry,
  type RunningClient,
  type RunningRegistry,
} from "./support/simulated.js";

const ttlMs = 30_000;
const web = { id: "web-record", port: 8_000, host: "10.0.0.1" };

/** One program that remembers its lease, as a drone does. */
class Program {
  /** As it was told, the newest last. */
  readonly leases: string[] = [];
  readonly #sim: Simulation;
  #life: RunningClient | undefined;

  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  begin(options: ConnectInOptions = {}): RunningClient["client"] {
    const lease = this.leases.at(-1);
    this.#life = startClient(this.#sim, "box", {
      ttlMs,
      leaseChanged: (next) => void this.leases.push(next),
      ...(lease !== undefined && { lease }),
      ...options,
    });
    return this.#life.client;
  }

  kill(): void {
    this.#life?.kill();
  }
}

interface Bench {
  readonly sim: Simulation;
  readonly running: RunningRegistry;
  readonly program: Program;
  readonly followed: Followed;
}

/** A watcher sees everything that a proxy would. */
async function openBench(): Promise<Bench> {
  const sim = simulate(1);
  const running = startRegistry(sim);
  const followed = new Followed(startClient(sim, "watcher").client);
  await sim.clock.until("the snapshot", () => followed.updates.length > 0);
  return { sim, running, program: new Program(sim), followed };
}

async function over<T>({ sim }: { readonly sim: Simulation }, work: Promise<T>): Promise<T> {
  let isOver = false;
  const end = () => (isOver = true);
  void work.then(end, end);
  await sim.clock.until("the answer", () => isOver);
  return work;
}

const downs = ({ followed }: Bench) =>
  followed.updates.flatMap((update) => (update.kind === "down" ? [update.endpoint.service] : []));
const shown = ({ running }: Bench) => servicesOf(running.registry.query().endpoints);

describe("a lease", () => {
  it("is told once when it is given, not when it is renewed", async () => {
    const bench = await openBench();
    const client = bench.program.begin();
    await over(bench, client.register("web", web));
    await over(bench, client.register("say", { port: 8_001 }));
    await bench.sim.clock.advance(10 * ttlMs);
    assert.equal(bench.program.leases.length, 1);
    assert.match(bench.program.leases[0] ?? "", /^[0-9a-f]{32}$/);
  });

  it("goes on in the next life after a death: nobody sees its records go", async () => {
    const bench = await openBench();
    const { sim, program } = bench;
    await over(bench, program.begin().register("web", web));
    program.kill();
    await sim.clock.advance(ttlMs / 2);

    const next = program.begin();
    await over(bench, next.register("web", web));
    await sim.clock.advance(10 * ttlMs);

    assert.equal(program.leases.length, 1);
    assert.deepEqual(downs(bench), []);
    assert.deepEqual(shown(bench), ["web"]);
  });

  it("goes on after a life that closed and left it: its records stay for a lease time", async () => {
    const bench = await openBench();
    const { sim, program } = bench;
    const first = program.begin();
    await over(bench, first.register("web", web));
    await sim.clock.advance(ttlMs / 4);
    await over(bench, first.close({ keepLease: true }));
    // It was renewed once more: as long a time as there can be for the next life to come.
    await sim.clock.advance(ttlMs - 1_000);
    assert.deepEqual(shown(bench), ["web"]);

    await over(bench, program.begin().register("web", web));
    await sim.clock.advance(3 * ttlMs);
    assert.deepEqual(downs(bench), []);
    assert.equal(program.leases.length, 1);
  });

  it("that was left ends by itself when no next life comes", async () => {
    const bench = await openBench();
    const first = bench.program.begin();
    await over(bench, first.register("web", web));
    await over(bench, first.close({ keepLease: true }));
    await bench.sim.clock.advance(ttlMs + 2_000);
    assert.deepEqual(shown(bench), []);
    await assert.rejects(first.register("say", { port: 1 }), hasCode("LINK_LOST"));
  });

  it("that has ended meanwhile is replaced, and the new one is told", async () => {
    const bench = await openBench();
    const { sim, program } = bench;
    await over(bench, program.begin().register("web", web));
    program.kill();
    await sim.clock.advance(2 * ttlMs);
    assert.deepEqual(shown(bench), []);

    await over(bench, program.begin().register("web", web));

    assert.deepEqual(shown(bench), ["web"]);
    assert.equal(program.leases.length, 2);
    assert.notEqual(program.leases[0], program.leases[1]);
  });

  it("is known to a registry that was restarted with its data, and replaced by one without", async () => {
    for (const [store, leases] of [
      [openMemoryStore(), 1],
      [undefined, 2],
    ] as const) {
      const sim = simulate(1);
      const first = startRegistry(sim, store && { store });
      const program = new Program(sim);
      await over({ sim }, program.begin().register("web", web));
      program.kill();
      first.kill();
      const second = startRegistry(sim, store && { store });
      await over({ sim }, program.begin().register("web", web));
      await sim.clock.advance(2 * ttlMs);
      assert.deepEqual(servicesOf(second.registry.query().endpoints), ["web"]);
      assert.equal(program.leases.length, leases);
    }
  });

  it("that is nobody's is no way to another one's records", async () => {
    const bench = await openBench();
    const { program } = bench;
    await over(bench, program.begin().register("web", web));
    const stranger = startClient(bench.sim, "stranger", { ttlMs, lease: "0".repeat(32) });
    await over(bench, stranger.client.register("say", { port: 1 }));
    await over(bench, stranger.client.disown(web.id));
    assert.deepEqual(shown(bench), ["say", "web"]);
  });
});

describe("a record of an earlier life", () => {
  it("goes when it is disowned, and the others of the lease stay", async () => {
    const bench = await openBench();
    const { sim, program } = bench;
    const first = program.begin();
    await over(bench, first.register("web", web));
    await over(bench, first.register("say", { id: "leftover", port: 8_001 }));
    program.kill();

    const next = program.begin();
    await over(bench, next.register("web", web));
    await over(bench, next.disown("leftover"));

    assert.deepEqual(shown(bench), ["web"]);
    await sim.clock.advance(3 * ttlMs);
    assert.deepEqual(downs(bench), ["say"]);
  });

  it("goes as soon as the registry is there when it was disowned before", async () => {
    const bench = await openBench();
    const { sim, program } = bench;
    const first = program.begin();
    await over(bench, first.register("web", web));
    await over(bench, first.register("say", { id: "leftover", port: 8_001 }));
    program.kill();
    const next = program.begin();
    const registered = next.register("web", web);

    await next.disown("leftover");

    await over(bench, registered);
    await sim.clock.until("its end", () => shown(bench).length === 1);
    assert.deepEqual(shown(bench), ["web"]);
  });

  it("is not disowned when this life has registered it", async () => {
    const bench = await openBench();
    const { sim, program } = bench;
    const client = program.begin();
    await over(bench, client.register("web", web));
    await over(bench, client.disown(web.id));
    await sim.clock.advance(ttlMs);
    assert.deepEqual(shown(bench), ["web"]);
    assert.deepEqual(downs(bench), []);
  });

  it("goes with its lease when nothing else is registered", async () => {
    const bench = await openBench();
    const { sim, program } = bench;
    await over(bench, program.begin().register("web", web));
    program.kill();
    program.begin();
    await sim.clock.advance(2 * ttlMs);
    assert.deepEqual(shown(bench), []);
  });
});
