/** Engines beside a plain map, under random transactions; fast-check prints the seed of what fails. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import fc from "fast-check";
import type { Change, Json, Outcome, Store, Transaction } from "../src/index.js";
import { engines, Stores } from "./support/engines.js";
import { follow, revisionOf, settled } from "./support/values.js";

interface Model {
  readonly entries: Map<string, { readonly value: Json; readonly revision: number }>;
  revision: number;
}

const key = fc.constantFrom("a", "b", "c/1", "c/2", "c/", "😀", "\u{ffff}");
const value = fc.oneof(fc.nat(9), fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<Json>);
const write = fc.oneof(
  fc.record({ kind: fc.constant("put" as const), key, value }),
  fc.record({ kind: fc.constant("delete" as const), key }),
);
const transaction: fc.Arbitrary<Transaction> = fc.record({
  checks: fc.array(fc.record({ key, revision: fc.nat(4) }), { maxLength: 2 }),
  writes: fc.uniqueArray(write, { maxLength: 4, selector: (wanted) => wanted.key }),
});
/** Groups of transactions that are asked for at the same time. */
const groups = fc.array(fc.array(transaction, { minLength: 1, maxLength: 4 }), { maxLength: 8 });

for (const [engine, open] of Object.entries(engines)) {
  describe(`a store ${engine}`, () => {
    const stores = new Stores(open);
    after(() => stores.remove());

    it("behaves like a plain map under any transactions, and its watches replay to the same", async () => {
      await fc.assert(
        fc.asyncProperty(groups, fc.nat(8), async (wanted, resumeAt) => {
          const store = await stores.fresh();
          const model: Model = { entries: new Map(), revision: 0 };
          const { seen } = follow(store, 0);
          for (const group of wanted) await compare(store, model, group);
          const late = follow(store, Math.min(resumeAt, model.revision)).seen;
          await settled();
          const { entries, revision } = await store.list("");
          assert.equal(revision, model.revision);
          assert.deepEqual(
            entries.map((entry) => [entry.key, { value: entry.value, revision: entry.revision }]),
            [...model.entries].sort(([left], [right]) => (left < right ? -1 : 1)),
          );
          assert.deepEqual(replay(seen), model.entries);
          assert.deepEqual(
            late,
            seen.filter((change) => revisionOf(change) > resumeAt),
          );
          await store.close();
        }),
        { numRuns: 60 },
      );
    });
  });
}

/** Does a group in the store and one by one in the model; both must say the same of each. */
async function compare(store: Store, model: Model, group: readonly Transaction[]): Promise<void> {
  const outcomes = await Promise.all(group.map((wanted) => store.transact(wanted)));
  const expected = group.map((wanted) => applyToModel(model, wanted));
  assert.deepEqual(outcomes, expected);
}

function applyToModel(model: Model, { checks = [], writes }: Transaction): Outcome {
  const revisionOfKey = (wanted: string) => model.entries.get(wanted)?.revision ?? 0;
  const failed = checks.find((check) => check.revision !== revisionOfKey(check.key));
  if (failed) return { ok: false, conflict: { ...failed, found: revisionOfKey(failed.key) } };
  const effective = writes.filter(
    (wanted) => wanted.kind === "put" || model.entries.has(wanted.key),
  );
  if (effective.length > 0) model.revision++;
  for (const wanted of effective) {
    if (wanted.kind === "delete") model.entries.delete(wanted.key);
    else model.entries.set(wanted.key, { value: plain(wanted.value), revision: model.revision });
  }
  return { ok: true, revision: model.revision };
}

/** As JSON has it: -0 is 0. */
function plain(wanted: Json): Json {
  return JSON.parse(JSON.stringify(wanted)) as Json;
}

function replay(changes: readonly Change[]): Model["entries"] {
  const entries: Model["entries"] = new Map();
  for (const change of changes) {
    if (change.kind === "delete") assert.ok(entries.delete(change.key));
    else
      entries.set(change.entry.key, { value: change.entry.value, revision: change.entry.revision });
  }
  return entries;
}
