import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decide, nextTickMs, tableLimits, type Command } from "../../src/core/decide.js";
import { Table, type VisibleChange } from "../../src/core/table.js";
import { endpoint, hasCode } from "../support/samples.js";

const ttlMs = 15_000;

/** A settled table at time 0 with the leases A and B; `run` tells what watchers see. */
function tableWith(...commands: readonly Command[]) {
  const table = new Table();
  const run = (command: Command, now = 0): VisibleChange[] =>
    decide(table, command, now).flatMap((change) => [...table.apply(change)]);
  run({ kind: "restore", restored: { hadMemory: true, leases: [], records: [] } });
  run({ kind: "grant", lease: "A", ttlMs });
  run({ kind: "grant", lease: "B", ttlMs });
  for (const command of commands) run(command);
  return { table, run };
}

/** A table that was restored at time 0 with a record under lease A. */
function restoredTable() {
  const table = new Table();
  const run = (command: Command, now = 0): VisibleChange[] =>
    decide(table, command, now).flatMap((change) => [...table.apply(change)]);
  const records = [{ lease: "A", endpoint: endpoint() }];
  const leases = [{ id: "A", ttlMs }];
  run({ kind: "restore", restored: { hadMemory: true, leases, records } });
  return { table, run };
}

const register = (lease: string, changes: Parameters<typeof endpoint>[0] = {}): Command => ({
  kind: "register",
  lease,
  endpoint: endpoint(changes),
});
const tick = { kind: "tick", lateMs: 0 } as const;

describe("a lease", () => {
  it("takes its records with it when it ends", () => {
    const { table, run } = tableWith(register("A"));
    assert.deepEqual(run(tick, ttlMs - 1), []);
    assert.deepEqual(run(tick, ttlMs), [{ kind: "down", endpoint: endpoint(), reason: "expired" }]);
    assert.deepEqual(table.visible(), []);
    assert.equal(table.leaseCount, 0);
  });

  it("lasts its whole time again after every renewal", () => {
    const { table, run } = tableWith(register("A"));
    run({ kind: "renew", lease: "A" }, ttlMs - 1);
    run(tick, 2 * ttlMs - 2);
    assert.deepEqual(table.visible(), [endpoint()]);
    run(tick, 2 * ttlMs - 1);
    assert.deepEqual(table.visible(), []);
  });

  it("is renewed by registering", () => {
    const { table, run } = tableWith();
    run(register("A"), ttlMs - 1);
    run(tick, ttlMs);
    assert.deepEqual(table.visible(), [endpoint()]);
  });

  it("frees everything at once when its owner revokes it", () => {
    const { run } = tableWith(register("A"), register("A", { id: "e2", port: 8001 }));
    const seen = run({ kind: "revoke", lease: "A" });
    assert.deepEqual(
      seen.map((change) => change.kind === "down" && [change.endpoint.id, change.reason]),
      [
        ["e1", "freed"],
        ["e2", "freed"],
      ],
    );
  });

  it("that has ended cannot be renewed, registered under or revoked", () => {
    const { run } = tableWith();
    run(tick, ttlMs);
    assert.throws(() => run({ kind: "renew", lease: "A" }, ttlMs), hasCode("NO_LEASE"));
    assert.throws(() => run({ kind: "revoke", lease: "A" }, ttlMs), hasCode("NO_LEASE"));
    assert.throws(() => run(register("A"), ttlMs), hasCode("NO_LEASE"));
  });

  it("is not ended for silence while the registry itself slept", () => {
    const { table, run } = tableWith(register("A"));
    run({ kind: "tick", lateMs: 60_000 }, ttlMs + 60_000);
    assert.deepEqual(table.visible(), [endpoint()]);
    run(tick, 2 * ttlMs + 60_000);
    assert.deepEqual(table.visible(), []);
  });

  it("says when the next tick is due", () => {
    const { table, run } = tableWith();
    assert.equal(nextTickMs(table), ttlMs);
    run({ kind: "grant", lease: "C", ttlMs: 2_000 }, 1_000);
    assert.equal(nextTickMs(table), 3_000);
  });
});

describe("a record", () => {
  it("is there once, however often it is registered", () => {
    const { table, run } = tableWith();
    assert.deepEqual(run(register("A")), [{ kind: "up", endpoint: endpoint() }]);
    assert.deepEqual(run(register("A")), []);
    assert.deepEqual(table.visible(), [endpoint()]);
  });

  it("is replaced by one of the same id under the same lease", () => {
    const { table, run } = tableWith(register("A"));
    const moved = endpoint({ port: 8001 });
    assert.deepEqual(run(register("A", { port: 8001 })), [{ kind: "up", endpoint: moved }]);
    assert.deepEqual(table.visible(), [moved]);
    assert.deepEqual(table.recordsAt("10.0.0.1", 8000), []);
  });

  it("is nobody's but its lease's to replace, free or change", () => {
    const { table, run } = tableWith(register("A"));
    const free = { kind: "free", lease: "B", id: "e1" } as const;
    const set = { kind: "set", lease: "B", id: "e1", meta: {} } as const;
    assert.throws(() => run(register("B")), hasCode("NOT_OWNER"));
    assert.throws(() => run(free), hasCode("NOT_OWNER"));
    assert.throws(() => run(set), hasCode("NOT_OWNER"));
    assert.throws(() => run({ ...free, lease: "unknown" }), hasCode("NO_LEASE"));
    assert.throws(() => run({ ...free, lease: "A", id: "none" }), hasCode("NO_RECORD"));
    assert.deepEqual(table.visible(), [endpoint()]);
  });

  it("is freed by its owner", () => {
    const { run } = tableWith(register("A"));
    assert.deepEqual(run({ kind: "free", lease: "A", id: "e1" }), [
      { kind: "down", endpoint: endpoint(), reason: "freed" },
    ]);
  });

  it("gets new metadata from its owner", () => {
    const { run } = tableWith(register("A"));
    const changed = endpoint({ meta: { color: "blue" } });
    assert.deepEqual(run({ kind: "set", lease: "A", id: "e1", meta: { color: "blue" } }), [
      { kind: "up", endpoint: changed },
    ]);
  });

  it("has its host and port to itself", () => {
    const { run } = tableWith(register("A"));
    assert.throws(() => run(register("B", { id: "e2" })), hasCode("PORT_TAKEN"));
    assert.throws(() => run(register("A", { id: "e2" })), hasCode("PORT_TAKEN"));
    assert.equal(run(register("B", { id: "e2", host: "10.0.0.2" })).length, 1);
    assert.equal(run(register("B", { id: "e3", port: 8001 })).length, 1);
  });

  it("shares its port with records of the same process only", () => {
    const { run } = tableWith(register("A", { meta: { process: "p1" } }));
    const second = { id: "e2", service: "say" };
    assert.throws(
      () => run(register("B", { ...second, meta: { process: "p2" } })),
      hasCode("PORT_TAKEN"),
    );
    assert.equal(run(register("B", { ...second, meta: { process: "p1" } })).length, 1);
    assert.throws(
      () => run({ kind: "set", lease: "B", id: "e2", meta: { process: "p2" } }),
      hasCode("PORT_TAKEN"),
    );
  });

  it("is refused when its lease holds too many", () => {
    const { run } = tableWith();
    for (let index = 0; index < tableLimits.recordsOfLease; index++) {
      run(register("A", { id: `r${index}`, port: 1 + index }));
    }
    assert.throws(() => run(register("A", { id: "more", port: 60_000 })), hasCode("OVERLOADED"));
    assert.deepEqual(run(register("A", { id: "r0", port: 1 })), []);
  });
});

describe("after a restart", () => {
  it("a record is hidden until its owner renews", () => {
    const { table, run } = restoredTable();
    assert.deepEqual(table.visible(), []);
    assert.deepEqual(run({ kind: "renew", lease: "A" }), [{ kind: "up", endpoint: endpoint() }]);
    assert.deepEqual(table.visible(), [endpoint()]);
  });

  it("a record whose owner does not come is dropped without ever being seen", () => {
    const { table, run } = restoredTable();
    assert.deepEqual(run(tick, ttlMs), [{ kind: "settled" }]);
    assert.equal(table.recordCount, 0);
  });

  it("a record that is freed before it is confirmed is never seen", () => {
    const { run } = restoredTable();
    assert.deepEqual(run({ kind: "free", lease: "A", id: "e1" }), []);
    assert.deepEqual(run({ kind: "renew", lease: "A" }), []);
  });

  it("a hidden record gives way to somebody who is really at its port", () => {
    const { table, run } = restoredTable();
    run({ kind: "grant", lease: "B", ttlMs });
    const newcomer = endpoint({ id: "e2" });
    assert.deepEqual(run(register("B", { id: "e2" })), [{ kind: "up", endpoint: newcomer }]);
    run({ kind: "renew", lease: "A" });
    assert.deepEqual(table.visible(), [newcomer]);
  });

  it("nothing is settled before every known owner has come or his time is up", () => {
    const { table, run } = restoredTable();
    assert.deepEqual(run(tick, ttlMs - 1), []);
    assert.equal(table.isSettled, false);
    run({ kind: "renew", lease: "A" }, ttlMs - 1);
    assert.deepEqual(run(tick, ttlMs - 1), [{ kind: "settled" }]);
  });

  it("everything is settled at once when it is known that nobody was there", () => {
    assert.equal(tableWith().table.isSettled, true);
  });

  it("without memory nothing is settled for one default lease", () => {
    const table = new Table();
    const restored = { hadMemory: false, leases: [], records: [] };
    const run = (command: Command, now: number) =>
      decide(table, command, now).flatMap((change) => [...table.apply(change)]);
    assert.deepEqual(run({ kind: "restore", restored }, 0), []);
    assert.equal(nextTickMs(table), 15_000);
    assert.deepEqual(run(tick, 14_999), []);
    assert.deepEqual(run(tick, 15_000), [{ kind: "settled" }]);
    assert.deepEqual(run(tick, 15_001), []);
  });
});
