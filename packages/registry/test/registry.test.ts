/** The daemon on virtual time: ticks, restarts, a failing disk, and what sessions may do. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  credentialFromToken,
  mintToken,
  openCredential,
  PropagitError,
  type Credential,
} from "@propagit/protocol";
import {
  credentialFromSecret,
  dial,
  nodeCrypto,
  sessionPaths,
  simulate,
  stretchSecret,
  type Conversation,
  type Simulation,
} from "@propagit/runtime";
import { openMemoryStore, type Store } from "@propagit/store";
import { Registry } from "../src/index.js";
import { commitA, commitB, hasCode } from "./support/samples.js";
import { registryAddress, servicesOf, startRegistry } from "./support/simulated.js";

/** Lets virtual time pass until a promise is settled. */
async function passing<T>(sim: Simulation, work: Promise<T>): Promise<T> {
  let isOver = false;
  void work.then(
    () => (isOver = true),
    () => (isOver = true),
  );
  await sim.clock.until("the answer", () => isOver);
  return work;
}

function meet(sim: Simulation, credential: Credential = openCredential): Promise<Conversation> {
  const options = { path: sessionPaths.registry, role: "client", acceptsOpen: true } as const;
  return passing(
    sim,
    dial(sim.worldOf("owner"), { address: registryAddress, credential, ...options }),
  );
}

const hour = 3_600_000;

describe("a registry", () => {
  it("frees what is registered when the lease ends, not when the connection does", async () => {
    const sim = simulate(1);
    const { registry } = startRegistry(sim);
    const owner = await meet(sim);
    const { lease } = await passing(sim, owner.call("registry.grant", { ttlMs: 15_000 }));
    const record = { service: "say", port: 13_308 };
    await passing(sim, owner.call("registry.register", { lease, record }));
    sim.network.dropHost("owner");
    await sim.clock.advance(14_000);
    assert.deepEqual(servicesOf(registry.query().endpoints), ["say"]);
    await sim.clock.advance(2_000);
    assert.deepEqual(registry.query().endpoints, []);
  });

  it("publishes the address it sees the owner at, unless the owner knows better", async () => {
    const sim = simulate(1);
    startRegistry(sim);
    const owner = await meet(sim);
    const { lease } = await passing(sim, owner.call("registry.grant", { ttlMs: 15_000 }));
    const register = async (record: { service: string; port: number; host?: string }) => {
      const answer = await passing(sim, owner.call("registry.register", { lease, record }));
      return answer.endpoint.host;
    };
    assert.equal(await register({ service: "say", port: 1 }), "owner");
    assert.equal(await register({ service: "say", port: 2, host: "10.9.8.7" }), "10.9.8.7");
  });

  it("never says whose lease holds a record", async () => {
    const sim = simulate(1);
    const { registry } = startRegistry(sim);
    const { lease } = await registry.grant();
    await registry.register(lease, { service: "say", port: 1 }, "10.0.0.1");
    const stranger = await meet(sim);
    const parts: unknown[] = [];
    const watching = stranger.call("registry.watch", {}, { onPart: (part) => parts.push(part) });
    watching.catch(() => undefined);
    const answer = await passing(sim, stranger.call("registry.query", {}));
    await registry.set(lease, answer.endpoints[0]?.id ?? "", { color: "blue" });
    await registry.revoke(lease);
    await sim.clock.advance(1_000);
    assert.equal(parts.length, 3);
    assert.equal(JSON.stringify([answer, parts]).includes(lease), false);
  });

  it("with a secret listens to those who know it and to tokens, within their scope", async () => {
    const sim = simulate(1);
    const clusterKey = stretchSecret("beepboop");
    startRegistry(sim, { clusterKey });
    const scope = { repo: "webapp", commit: commitA, drone: "d", process: "p1" };
    const token = credentialFromToken(mintToken(nodeCrypto, clusterKey, scope));
    assert.ok(token);
    const instance = await meet(sim, token);
    const { lease } = await passing(sim, instance.call("registry.grant", { ttlMs: 15_000 }));
    const record = { service: "say", port: 13_308 };
    const { endpoint } = await passing(sim, instance.call("registry.register", { lease, record }));
    assert.equal(endpoint.commit, commitA);
    assert.deepEqual(endpoint.meta, { process: "p1" });
    const other = { lease, record: { ...record, port: 1, commit: commitB } };
    await assert.rejects(
      passing(sim, instance.call("registry.register", other)),
      hasCode("DENIED"),
    );
    const set = { lease, id: endpoint.id, meta: { process: "p2" } };
    await assert.rejects(passing(sim, instance.call("registry.set", set)), hasCode("DENIED"));
    await assert.rejects(meet(sim), hasCode("DENIED"));
    await assert.rejects(meet(sim, credentialFromSecret("wrong")), hasCode("DENIED"));
  });

  it("answers a wrong call and goes on", async () => {
    const sim = simulate(1);
    startRegistry(sim);
    const peer = await meet(sim);
    const wrong = { lease: "short" } as never;
    await assert.rejects(passing(sim, peer.call("registry.renew", wrong)), hasCode("BAD_FRAME"));
    await assert.rejects(passing(sim, peer.call("hub.ps", {})), hasCode("BAD_FRAME"));
    const nonsense = { service: "http@nope" };
    await assert.rejects(
      passing(sim, peer.call("registry.query", nonsense)),
      hasCode("BAD_PATTERN"),
    );
    const answer = await passing(sim, peer.call("registry.query", {}));
    assert.deepEqual(answer.endpoints, []);
  });

  it("gives tables and watches that do not fit into one frame", async () => {
    const sim = simulate(1);
    const { registry } = startRegistry(sim);
    const { lease } = await registry.grant(hour);
    const meta = Object.fromEntries(
      Array.from({ length: 30 }, (_, index) => [`k${index}`, "x".repeat(1_000)]),
    );
    // Some 9 MB; a frame takes 4 MiB.
    for (let port = 1; port <= 300; port++) {
      await registry.register(lease, { service: "say", port, meta }, "10.0.0.1");
    }
    const peer = await meet(sim);
    const pieces: number[] = [];
    const last = await passing(
      sim,
      peer.call("registry.query", {}, { onPart: (piece) => pieces.push(piece.length) }),
    );
    const sum = pieces.reduce((total, length) => total + length, last.endpoints.length);
    assert.equal(sum, 300);
    assert.ok(pieces.length >= 2);
  });
});

describe("a registry that starts again", () => {
  /** A first life with one record, ended as given; then a second one on the same store. */
  async function secondLife(end: "kill" | "stop", store: Store | undefined = openMemoryStore()) {
    const sim = simulate(1);
    const first = startRegistry(sim, { store });
    const { lease } = await first.registry.grant(10_000);
    const { id } = await first.registry.register(lease, { service: "say", port: 1 }, "10.0.0.1");
    if (end === "kill") first.kill();
    else await first.stop();
    const { registry } = startRegistry(sim, { store });
    await registry.ready();
    return { sim, registry, lease, id };
  }

  for (const end of ["kill", "stop"] as const) {
    it(`after a ${end} shows a service only once its owner renewed`, async () => {
      const { sim, registry, lease } = await secondLife(end);
      assert.deepEqual(registry.query().endpoints, []);
      await sim.clock.advance(9_000);
      assert.deepEqual(registry.query().endpoints, []);
      await registry.renew(lease);
      assert.deepEqual(servicesOf(registry.query().endpoints), ["say"]);
    });

    it(`after a ${end} drops a service that died meanwhile and never shows it`, async () => {
      const { sim, registry, lease } = await secondLife(end);
      const seen: string[] = [];
      registry.watch(undefined, (update) => seen.push(update.kind));
      await sim.clock.advance(hour);
      assert.deepEqual(seen, ["snapshot", "settled"]);
      await assert.rejects(registry.renew(lease), hasCode("NO_LEASE"));
    });
  }

  it("is settled when the last known owner is back, or his time is up", async () => {
    const { sim, registry, lease } = await secondLife("kill");
    assert.equal(registry.isSettled, false);
    await registry.renew(lease);
    await sim.clock.advance(1);
    assert.equal(registry.isSettled, true);
    const waiting = await secondLife("kill");
    await waiting.sim.clock.advance(9_999);
    assert.equal(waiting.registry.isSettled, false);
    await waiting.sim.clock.advance(1);
    assert.equal(waiting.registry.isSettled, true);
  });

  it("has forgotten what was freed", async () => {
    const store = openMemoryStore();
    const sim = simulate(1);
    const first = startRegistry(sim, { store });
    const { lease } = await first.registry.grant();
    const { id } = await first.registry.register(lease, { service: "say", port: 1 }, "10.0.0.1");
    await first.registry.free(lease, id);
    first.kill();
    const { registry } = startRegistry(sim, { store });
    await registry.renew(lease);
    assert.deepEqual(registry.query().endpoints, []);
  });

  it("without data says for one lease time that it cannot know who is out there", async () => {
    const sim = simulate(1);
    const { registry } = startRegistry(sim);
    await registry.ready();
    await sim.clock.advance(14_999);
    assert.equal(registry.query().settled, false);
    await sim.clock.advance(1);
    assert.equal(registry.query().settled, true);
  });

  it("is another life: its positions are not those of the former one", async () => {
    const sim = simulate(1);
    const store = openMemoryStore();
    const first = startRegistry(sim, { store });
    await first.registry.ready();
    const { at } = first.registry.query();
    first.kill();
    const { registry } = startRegistry(sim, { store });
    await registry.ready();
    const kinds: string[] = [];
    registry.watch(at, ({ kind }) => kinds.push(kind));
    assert.deepEqual(kinds, ["snapshot"]);
  });
});

describe("a registry whose disk fails", () => {
  it("goes on from memory, says so once, and writes everything when it can again", async () => {
    const sim = simulate(1);
    const store = openMemoryStore();
    const warnings: string[] = [];
    let isFull = false;
    const failing: Store = {
      ...store,
      list: (prefix) => store.list(prefix),
      async transact(transaction) {
        if (isFull) throw new PropagitError("DATA_UNUSABLE", "registry.sqlite: disk full");
        return store.transact(transaction);
      },
    };
    const world = {
      ...sim.worldOf("registry"),
      log: {
        info: (text: string) => warnings.push(text),
        warn: (text: string) => warnings.push(text),
      },
    };
    const registry = new Registry(world, { store: failing });
    await registry.ready();
    isFull = true;
    const { lease } = await registry.grant();
    await registry.register(lease, { service: "say", port: 1 }, "10.0.0.1");
    await sim.clock.advance(3_000);
    assert.deepEqual(servicesOf(registry.query().endpoints), ["say"]);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? "", /disk full; going on from memory/);
    isFull = false;
    await sim.clock.advance(2_000);
    assert.match(warnings[1] ?? "", /can be written again/);
    const { entries } = await store.list("registry/");
    assert.equal(entries.length, 3);
  });
});
