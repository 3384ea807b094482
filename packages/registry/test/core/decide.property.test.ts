/** Whatever owners do, in whatever order: what must hold after every single step. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PropagitError } from "@propagit/protocol";
import fc from "fast-check";
import { decide, type Command } from "../../src/core/decide.js";
import { History } from "../../src/core/history.js";
import { emptyMirror, mirror } from "../../src/core/mirror.js";
import { readStored, storedPrefix, writeOf } from "../../src/core/stored.js";
import { Table, type TableChange } from "../../src/core/table.js";
import { openMemoryStore } from "@propagit/store";
import { endpoint } from "../support/samples.js";

const leases = ["A", "B", "C"];
const ids = ["e1", "e2", "e3", "e4"];
const lease = fc.constantFrom(...leases);
const id = fc.constantFrom(...ids);
const meta = fc.constantFrom({}, { process: "p1" }, { process: "p2" });
const record = fc.record({ id, port: fc.constantFrom(1, 2), meta });

const action: fc.Arbitrary<Command | "restart"> = fc.oneof(
  fc.record({ kind: fc.constant("grant" as const), lease, ttlMs: fc.constantFrom(1_000, 5_000) }),
  fc.record({ kind: fc.constant("renew" as const), lease }),
  fc.record({ kind: fc.constant("revoke" as const), lease }),
  fc.record({
    kind: fc.constant("register" as const),
    lease,
    endpoint: record.map((changes) => endpoint(changes)),
  }),
  fc.record({ kind: fc.constant("set" as const), lease, id, meta }),
  fc.record({ kind: fc.constant("free" as const), lease, id }),
  fc.record({ kind: fc.constant("tick" as const), lateMs: fc.constantFrom(0, 0, 0, 5_000) }),
  fc.constant("restart" as const),
);
const step = fc.tuple(action, fc.integer({ min: 0, max: 2_000 }));

describe("the table of leases and records", () => {
  it("keeps its promises under any sequence of commands", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const model = new Model();
        await model.run("restart");
        for (const [next, passedMs] of steps) {
          model.now += passedMs;
          await model.run(next);
          model.check();
        }
      }),
      { numRuns: 400 },
    );
  });
});

/** A registry without a network: the table, a watcher's copy, and the store that outlives both. */
class Model {
  now = 0;
  readonly #store = openMemoryStore();
  #table = new Table();
  #history = new History("0");
  #lives = 0;
  #watcher = emptyMirror;
  #seenRevision = 0;

  async run(next: Command | "restart"): Promise<void> {
    if (next === "restart") return this.#restart();
    // A lease's id is random, so that one is never granted twice.
    if (next.kind === "grant" && this.#table.lease(next.lease)) return;
    const changes = this.#decide(next);
    const writes = changes.flatMap((change) => {
      const isNew = change.kind === "lease-kept" && !this.#table.lease(change.lease.id);
      const write = writeOf(change, isNew);
      this.#apply(change);
      return write ? [write] : [];
    });
    // One after the other: a key may be written twice by one command.
    for (const write of writes) await this.#store.transact({ writes: [write] });
  }

  check(): void {
    const visible = this.#table.visible();
    this.#checkPlaces();
    assert.deepEqual(
      byId(this.#watcher.endpoints.values()),
      byId(visible),
      "a watcher sees what is there",
    );
    assert.equal(this.#watcher.isSettled, this.#table.isSettled);
    for (const { id } of visible) {
      const held = this.#table.record(id);
      assert.ok(held && this.#table.lease(held.lease)?.isConfirmed, "what shows has a live owner");
    }
  }

  #checkPlaces(): void {
    const holders = new Map<number, string | undefined>();
    for (const { port, meta } of this.#table.visible()) {
      if (holders.has(port)) {
        assert.ok(meta["process"], "two records of one place are of a known process");
        assert.equal(meta["process"], holders.get(port), "and of the same one");
      }
      holders.set(port, meta["process"]);
    }
  }

  async #restart(): Promise<void> {
    const { entries } = await this.#store.list(storedPrefix);
    this.#table = new Table();
    this.#history = new History(String(++this.#lives));
    this.#seenRevision = 0;
    this.#watcher = emptyMirror;
    const restored = readStored(entries);
    assert.equal(restored.strange, 0);
    for (const change of this.#decide({ kind: "restore", restored })) this.#apply(change);
    assert.deepEqual(this.#table.visible(), [], "nothing shows before its owner was heard");
  }

  #decide(command: Command): readonly TableChange[] {
    try {
      return decide(this.#table, command, this.now);
    } catch (thrown) {
      assert.ok(thrown instanceof PropagitError, String(thrown));
      return [];
    }
  }

  #apply(change: TableChange): void {
    for (const visible of this.#table.apply(change)) {
      const update = this.#history.add(visible);
      assert.equal(update.at.revision, this.#seenRevision + 1, "revisions rise by one");
      this.#seenRevision = update.at.revision;
      this.#watcher = mirror(this.#watcher, update);
    }
  }
}

function byId(endpoints: Iterable<{ readonly id: string }>) {
  return [...endpoints].sort((left, right) => (left.id < right.id ? -1 : 1));
}
