/** One contract, every engine. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { PropagitError } from "@propagit/protocol";
import fc from "fast-check";
import {
  changesKept,
  openMemoryStore,
  openSqliteStore,
  storeLimits,
  updateEntry,
  type Change,
  type Json,
  type Store,
  type Transaction,
} from "../src/index.js";

const put = (key: string, value: Json = key) => ({ kind: "put", key, value }) as const;
const remove = (key: string) => ({ kind: "delete", key }) as const;
/** Takes a lock that nobody has. */
const claim = (who: string): Transaction => ({
  checks: [{ key: "lock", revision: 0 }],
  writes: [put("lock", who)],
});
const hasCode = (code: string) => (error: unknown) =>
  error instanceof PropagitError && error.code === code;

const folders: string[] = [];
const engines: Readonly<Record<string, () => Promise<Store>>> = {
  "in memory": async () => openMemoryStore(),
  "in an SQLite file": () => {
    const folder = mkdtempSync(join(tmpdir(), "propagit-store-"));
    folders.push(folder);
    return openSqliteStore(join(folder, "ledger.db"));
  },
};

for (const [engine, open] of Object.entries(engines)) {
  describe(`a store ${engine}`, () => {
    let store: Store;

    beforeEach(async () => {
      store = await open();
    });

    afterEach(async () => {
      await store.close();
      for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
    });

    /** Follows changes; `seen` grows as they come. */
    const follow = (since: number, prefix = "") => {
      const seen: Change[] = [];
      const watch = store.watch({ prefix, since, onChange: (change) => seen.push(change) });
      return { seen, watch };
    };

    it("gives back what was put, with the revision that wrote it", async () => {
      assert.equal(await store.get("a"), undefined);
      assert.deepEqual(await store.transact({ writes: [put("a", { n: [1, null, "ü"] })] }), {
        ok: true,
        revision: 1,
      });
      await store.transact({ writes: [put("b")] });
      const entry = { key: "a", value: { n: [1, null, "ü"] }, revision: 1 };
      assert.deepEqual(await store.get("a"), entry);
    });

    it("lists by prefix, in order, all of one moment", async () => {
      const keys = ["b/2", "a", "b/1", "b", "b%", "b_", "B/1", "b/ü", "b/*"];
      await store.transact({ writes: keys.map((key) => put(key)) });
      const { entries, revision } = await store.list("b/");
      assert.deepEqual(
        entries.map(({ key }) => key),
        ["b/*", "b/1", "b/2", "b/ü"],
      );
      assert.equal(revision, 1);
      assert.equal((await store.list("")).entries.length, keys.length);
      assert.deepEqual((await store.list("c")).entries, []);
    });

    it("does all of a transaction or nothing", async () => {
      await store.transact({ writes: [put("a")] });
      const refused = await store.transact({
        checks: [
          { key: "a", revision: 1 },
          { key: "b", revision: 7 },
        ],
        writes: [put("a", "changed"), put("c")],
      });
      assert.deepEqual(refused, { ok: false, conflict: { key: "b", revision: 7, found: 0 } });
      assert.equal((await store.get("a"))?.value, "a");
      assert.equal(await store.get("c"), undefined);
    });

    it("lets only the first of two who saw the same go on", async () => {
      const [first, second] = await Promise.all([
        store.transact(claim("x")),
        store.transact(claim("y")),
      ]);
      assert.equal(first.ok, true);
      assert.equal(second.ok, false);
      assert.equal((await store.get("lock"))?.value, "x");
    });

    it("refuses what is over its limits or not JSON, and writes nothing of it", async () => {
      const long = "k".repeat(storeLimits.keyChars + 1);
      const big = "v".repeat(storeLimits.valueBytes);
      const many = Array.from({ length: storeLimits.writes + 1 }, (_, index) => put(`${index}`));
      await assert.rejects(store.transact({ writes: [put("a"), put(long)] }), hasCode("TOO_LARGE"));
      await assert.rejects(
        store.transact({ writes: [put("a"), put("b", big)] }),
        hasCode("TOO_LARGE"),
      );
      await assert.rejects(store.transact({ writes: many }), hasCode("TOO_LARGE"));
      await assert.rejects(
        store.transact({ writes: [put("a"), remove("a")] }),
        hasCode("BAD_USAGE"),
      );
      await assert.rejects(store.transact({ writes: [put("")] }), hasCode("BAD_USAGE"));
      const { entries, revision } = await store.list("");
      assert.deepEqual({ entries, revision }, { entries: [], revision: 0 });
    });

    it("is not changed through a value that somebody still holds", async () => {
      const value = { list: [1] };
      await store.transact({ writes: [put("a", value)] });
      value.list.push(2);
      assert.deepEqual((await store.get("a"))?.value, { list: [1] });
    });

    it("follows changes of a prefix once each and in order, also those before the watch", async () => {
      await store.transact({ writes: [put("x/1")] });
      await store.transact({ writes: [put("x/2"), put("y")] });
      const { seen, watch } = follow(1, "x/");
      assert.deepEqual(seen, [], "nothing is told before watch returned");
      await store.transact({ writes: [remove("x/1"), put("x/3")] });
      await store.transact({ writes: [remove("x/nothing")] });
      await settled();
      watch.stop();
      await store.transact({ writes: [put("x/4")] });
      await settled();
      assert.deepEqual(seen, [
        { kind: "put", entry: { key: "x/2", value: "x/2", revision: 2 } },
        { kind: "delete", key: "x/1", revision: 3 },
        { kind: "put", entry: { key: "x/3", value: "x/3", revision: 3 } },
      ]);
    });

    it("refuses to follow from a revision that is forgotten or never was", async () => {
      for (let round = 0; round < changesKept / 500 + 2; round++) {
        await store.transact({
          writes: Array.from({ length: 500 }, (_, index) => put(`${round}/${index}`)),
        });
      }
      assert.throws(() => follow(0), hasCode("CHANGED_MEANWHILE"));
      assert.throws(() => follow(1_000), hasCode("CHANGED_MEANWHILE"));
      const { revision } = await store.list("");
      follow(revision).watch.stop();
    });

    it("changes a value by what it is, however many do so at once", async () => {
      const add = () =>
        updateEntry(store, "sum", (value) => (typeof value === "number" ? value : 0) + 1);
      await Promise.all(Array.from({ length: 10 }, add));
      assert.equal((await store.get("sum"))?.value, 10);
      assert.equal(await updateEntry(store, "sum", () => undefined), undefined);
      assert.equal(await store.get("sum"), undefined);
    });

    it("behaves like a plain map under any transactions, and watches replay to the same", async () => {
      const key = fc.constantFrom("a", "b", "c/1", "c/2");
      const write = fc.oneof(
        fc.record({ kind: fc.constant("put" as const), key, value: fc.nat(9) }),
        fc.record({ kind: fc.constant("delete" as const), key }),
      );
      const transaction = fc.record({
        checks: fc.array(fc.record({ key, revision: fc.nat(4) }), { maxLength: 1 }),
        writes: fc.uniqueArray(write, { maxLength: 4, selector: ({ key }) => key }),
      });
      const history = fc.array(transaction, { maxLength: 12 });
      await fc.assert(
        fc.asyncProperty(history, async (transactions) => {
          const fresh = await open();
          const seen: Change[] = [];
          fresh.watch({ prefix: "", since: 0, onChange: (change) => seen.push(change) });
          const model = new Map<string, { value: Json; revision: number }>();
          for (const wanted of transactions) await compare(fresh, model, wanted);
          await settled();
          const { entries } = await fresh.list("");
          assert.deepEqual(
            entries.map(({ key, ...rest }) => [key, rest]),
            [...model].sort(([left], [right]) => (left < right ? -1 : 1)),
          );
          assert.deepEqual(replay(seen), new Map(model));
          await fresh.close();
        }),
        { numRuns: 60 },
      );
    });
  });
}

/** Does a transaction in the store and in the model; both must agree on whether it happened. */
async function compare(
  store: Store,
  model: Map<string, { value: Json; revision: number }>,
  { checks = [], writes }: Transaction,
): Promise<void> {
  const expected = checks.every(
    ({ key, revision }) => (model.get(key)?.revision ?? 0) === revision,
  );
  const outcome = await store.transact({ checks, writes });
  assert.equal(outcome.ok, expected);
  if (!outcome.ok) return;
  for (const write of writes) {
    if (write.kind === "delete") model.delete(write.key);
    else model.set(write.key, { value: write.value, revision: outcome.revision });
  }
}

function replay(changes: readonly Change[]): Map<string, { value: Json; revision: number }> {
  const entries = new Map<string, { value: Json; revision: number }>();
  for (const change of changes) {
    if (change.kind === "delete") entries.delete(change.key);
    else
      entries.set(change.entry.key, { value: change.entry.value, revision: change.entry.revision });
  }
  return entries;
}

function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
