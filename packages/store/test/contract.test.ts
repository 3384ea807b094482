/** One contract, every engine. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { updateEntry, updateTriesMax, type Change, type Json, type Store } from "../src/index.js";
import { changesKept, historyBytesKept, storeLimits } from "../src/store.js";
import { engines, Stores } from "./support/engines.js";
import { failsWith, follow, keyOf, put, remove, revisionOf, settled } from "./support/values.js";

for (const [engine, open] of Object.entries(engines)) {
  describe(`a store ${engine}`, () => {
    let stores: Stores;
    let store: Store;

    beforeEach(async () => {
      stores = new Stores(open);
      store = await stores.fresh();
    });

    afterEach(() => stores.remove());

    describe("get and list", () => {
      it("give back what was put, with the revision that wrote it", async () => {
        const value = { n: [1, null, "ü", 0.1], deep: { "": true, __proto: "x" } };
        assert.equal(await store.get("a"), undefined);
        assert.deepEqual(await store.transact({ writes: [put("a", value)] }), {
          ok: true,
          revision: 1,
        });
        await store.transact({ writes: [put("b")] });
        assert.deepEqual(await store.get("a"), { key: "a", value, revision: 1 });
        assert.deepEqual(await store.get("b"), { key: "b", value: "b", revision: 2 });
      });

      it("give by prefix, in order, all of one moment", async () => {
        const keys = ["b/2", "a", "b/1", "b", "b%", "b_", "B/1", "b/ü", "b/*", "b0"];
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

      it("take any text for a key: wild cards, quotes, spaces, the ends of Unicode", async () => {
        const odd = [" ", "%", "*", "?", "'", '"', "\\", "\n", "\u{1}", "\u{7f}", "__proto__"];
        const wide = ["é", "e\u{301}", "\u{d7ff}", "\u{e000}", "\u{ffff}", "😀", "\u{10ffff}"];
        const keys = [...odd, ...wide].flatMap((text) => [text, `p${text}`, `p${text}s`]);
        await store.transact({ writes: keys.map((key) => put(key)) });
        const listed = (await store.list("")).entries.map(({ key }) => key);
        assert.deepEqual(listed, [...keys].sort());
        for (const key of keys) {
          assert.equal((await store.get(key))?.value, key);
          const found = (await store.list(key)).entries.map((entry) => entry.key);
          assert.deepEqual(found, keys.filter((other) => other.startsWith(key)).sort());
        }
      });

      it("see what was asked for before them", async () => {
        const asked = store.transact({ writes: [put("a")] });
        const [entry, listing] = await Promise.all([store.get("a"), store.list("")]);
        assert.equal(entry?.value, "a");
        assert.deepEqual(listing, { entries: [entry], revision: 1 });
        assert.equal((await asked).ok, true);
      });
    });

    describe("transact", () => {
      it("does all of a transaction or nothing", async () => {
        await store.transact({ writes: [put("a")] });
        const refused = await store.transact({
          checks: [
            { key: "a", revision: 1 },
            { key: "b", revision: 7 },
            { key: "a", revision: 9 },
          ],
          writes: [put("a", "changed"), put("c")],
        });
        assert.deepEqual(refused, { ok: false, conflict: { key: "b", revision: 7, found: 0 } });
        assert.deepEqual((await store.list("")).entries, [{ key: "a", value: "a", revision: 1 }]);
      });

      it("checks for absence with revision 0, also after a delete", async () => {
        const claim = { checks: [{ key: "lock", revision: 0 }], writes: [put("lock")] };
        assert.deepEqual(await store.transact(claim), { ok: true, revision: 1 });
        assert.deepEqual(await store.transact(claim), {
          ok: false,
          conflict: { key: "lock", revision: 0, found: 1 },
        });
        await store.transact({ writes: [remove("lock")] });
        assert.deepEqual(await store.transact(claim), { ok: true, revision: 3 });
      });

      it("lets only the first of two who saw the same go on", async () => {
        const claim = (who: string) =>
          store.transact({
            checks: [{ key: "lock", revision: 0 }],
            writes: [put("lock", who)],
          });
        const [first, second] = await Promise.all([claim("x"), claim("y")]);
        assert.deepEqual(first, { ok: true, revision: 1 });
        assert.deepEqual(second, {
          ok: false,
          conflict: { key: "lock", revision: 0, found: 1 },
        });
        assert.equal((await store.get("lock"))?.value, "x");
      });

      it("gives every transaction that changes something the next revision, and no other", async () => {
        const asked = Array.from({ length: 1_200 }, (_, index) =>
          store.transact({ writes: [put(`${index}`)] }),
        );
        const revisions = (await Promise.all(asked)).map(
          (outcome) => outcome.ok && outcome.revision,
        );
        assert.deepEqual(
          revisions,
          asked.map((_, index) => index + 1),
        );
        const nothing = [{ writes: [] }, { writes: [remove("none")] }];
        for (const transaction of nothing) {
          assert.deepEqual(await store.transact(transaction), { ok: true, revision: 1_200 });
        }
        const only = await store.transact({ checks: [{ key: "0", revision: 1 }], writes: [] });
        assert.deepEqual(only, { ok: true, revision: 1_200 });
      });

      it("refuses what is over its limits, and writes nothing of it", async () => {
        const { keyChars, valueBytes, writes, transactionBytes } = storeLimits;
        const tooMuch: readonly (readonly [RegExp, readonly ReturnType<typeof put>[]])[] = [
          [/the key "k+…?" is over/, [put("a"), put("k".repeat(keyChars + 1))]],
          [/the value of "b" \(1048577 bytes\)/, [put("a"), put("b", "v".repeat(valueBytes - 1))]],
          [/1048577 bytes/, [put("b", "ü".repeat(valueBytes / 2 - 1) + "v")]],
          [/513 writes/, Array.from({ length: writes + 1 }, (_, index) => put(`${index}`))],
          [
            /a transaction of \d+ bytes is over the store's limit of 16777216 bytes/,
            Array.from({ length: transactionBytes / 2 ** 20 + 1 }, (_, index) =>
              put(`${index}`, "v".repeat(valueBytes - 2)),
            ),
          ],
        ];
        for (const [text, wanted] of tooMuch) {
          await assert.rejects(store.transact({ writes: wanted }), failsWith("TOO_LARGE", text));
        }
        assert.deepEqual(await store.list(""), { entries: [], revision: 0 });
      });

      it("takes what is right at its limits", async () => {
        const long = "k".repeat(storeLimits.keyChars);
        const big = "v".repeat(storeLimits.valueBytes - 2);
        await store.transact({ writes: [put(long, big)] });
        assert.equal((await store.get(long))?.value, big);
        const many = Array.from({ length: storeLimits.writes }, (_, index) => put(`${index}`));
        assert.equal((await store.transact({ writes: many })).ok, true);
        assert.equal((await store.list("")).entries.length, storeLimits.writes + 1);
      });

      it("refuses keys and values that no engine could keep, and writes nothing of them", async () => {
        const cycle: unknown[] = [];
        cycle.push(cycle);
        for (const value of [undefined, () => 1, 1n, cycle]) {
          const writes = [put("a"), { ...put("b"), value: value as Json }];
          await assert.rejects(
            store.transact({ writes }),
            failsWith("BAD_USAGE", /"b" is not JSON/),
          );
        }
        for (const key of ["", "half \ud83d", "a\0b"]) {
          const writes = [put("a"), put(key)];
          await assert.rejects(store.transact({ writes }), failsWith("BAD_USAGE"));
          assert.equal(await store.get(key), undefined);
        }
        await assert.rejects(store.list("\ud83d"), failsWith("BAD_USAGE"));
        const twice = [put("a"), remove("a")];
        await assert.rejects(store.transact({ writes: twice }), failsWith("BAD_USAGE", /twice/));
        assert.deepEqual(await store.list(""), { entries: [], revision: 0 });
      });

      it("goes on after a refusal in the same turn", async () => {
        const outcomes = await Promise.allSettled([
          store.transact({ writes: [put("a")] }),
          store.transact({ writes: [put("")] }),
          store.transact({ writes: [put("b")], checks: [{ key: "a", revision: 7 }] }),
          store.transact({ writes: [put("c")], checks: [{ key: "a", revision: 1 }] }),
        ]);
        assert.deepEqual(
          outcomes.map((outcome) =>
            outcome.status === "fulfilled" ? outcome.value.ok : "refused",
          ),
          [true, "refused", false, true],
        );
      });

      it("is not changed through a value that somebody still holds", async () => {
        const value = { list: [1] };
        const asked = store.transact({ writes: [put("a", value)] });
        value.list.push(2);
        await asked;
        assert.deepEqual((await store.get("a"))?.value, { list: [1] });
      });

      it("keeps a value that is nested deeply", async () => {
        let value: Json = 1;
        for (let depth = 0; depth < 1_000; depth++) value = [value];
        await store.transact({ writes: [put("a", value)] });
        assert.deepEqual((await store.get("a"))?.value, value);
      });
    });

    describe("watch", () => {
      it("tells changes of a prefix once each and in order, also those before it", async () => {
        await store.transact({ writes: [put("x/1")] });
        await store.transact({ writes: [put("x/2"), put("y")] });
        const { seen, watch } = follow(store, 1, "x/");
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

      it("has no gap and no repetition wherever it begins while others write", async () => {
        const watches: { since: number; seen: readonly Change[] }[] = [];
        const writing: Promise<unknown>[] = [];
        for (let round = 0; round < 40; round++) {
          writing.push(store.transact({ writes: [put(`${round}`), put("same", round)] }));
          const { revision } = await store.list("");
          writing.push(store.transact({ writes: [put("between", round)] }));
          for (const since of [0, revision >> 1, revision]) {
            watches.push({ since, seen: follow(store, since).seen });
          }
        }
        await Promise.all(writing);
        await settled();
        const [all] = watches;
        assert.equal(all?.seen.length, 40 * 3);
        for (const { since, seen } of watches) {
          const expected: readonly Change[] = all.seen.filter(
            (change) => revisionOf(change) > since,
          );
          assert.deepEqual(seen, expected);
        }
      });

      it("may be followed by writes of its own callback, in order", async () => {
        const seen: string[] = [];
        store.watch({
          prefix: "",
          since: 0,
          onChange: (change) => {
            seen.push(keyOf(change));
            if (seen.length < 5) void store.transact({ writes: [put(`${seen.length}`)] });
          },
        });
        await store.transact({ writes: [put("0")] });
        for (let turn = 0; turn < 10; turn++) await settled();
        assert.deepEqual(seen, ["0", "1", "2", "3", "4"]);
      });

      it("tells nothing more once stopped, also from inside its callback", async () => {
        await store.transact({ writes: [put("a"), put("b"), put("c")] });
        const seen: string[] = [];
        const watch = store.watch({
          prefix: "",
          since: 0,
          onChange: (change) => {
            seen.push(keyOf(change));
            watch.stop();
          },
        });
        const { seen: other, watch: second } = follow(store, 0);
        second.stop();
        second.stop();
        await store.transact({ writes: [put("d")] });
        await settled();
        assert.deepEqual({ seen, other }, { seen: ["a"], other: [] });
      });

      it("gives everybody a value that nobody can change for the others", async () => {
        const { seen } = follow(store, 0);
        await store.transact({ writes: [put("a", { list: [1] })] });
        await settled();
        const [change] = seen;
        assert.equal(change?.kind, "put");
        const value = change.entry.value as { list: number[] };
        assert.throws(() => value.list.push(2), TypeError);
      });

      it("refuses to begin at a revision that is forgotten or never was", async () => {
        // 300 does not divide the number of kept changes: no transaction may be kept by half.
        const size = 300;
        const rounds = Math.ceil(changesKept / size) + 3;
        for (let round = 0; round < rounds; round++) {
          const writes = Array.from({ length: size }, (_, index) => put(`${index}`, round));
          await store.transact({ writes });
        }
        const kept = Array.from({ length: rounds + 1 }, (_, since) => since).filter((since) => {
          try {
            follow(store, since).watch.stop();
            return true;
          } catch (thrown) {
            assert.ok(failsWith("CHANGED_MEANWHILE", /are not kept/)(thrown));
            return false;
          }
        });
        const oldest = kept[0] ?? 0;
        assert.ok(oldest > 0, "the past is bounded");
        assert.deepEqual(kept.length, rounds + 1 - oldest, "what is kept has no hole");
        const { seen } = follow(store, oldest);
        await settled();
        assert.equal(seen.length, (rounds - oldest) * size, "only whole transactions are kept");
        assert.ok(seen.length >= changesKept && seen.length < changesKept + size);
        for (const since of [rounds + 1, -1, Number.NaN]) {
          assert.throws(() => follow(store, since), failsWith("CHANGED_MEANWHILE"));
        }
      });

      it("forgets large changes before there are many, so that the past stays small", async () => {
        const value = "v".repeat(storeLimits.valueBytes - 100);
        const rounds = historyBytesKept / storeLimits.valueBytes + 5;
        for (let round = 0; round < rounds; round++) {
          await store.transact({ writes: [put("big", value)] });
        }
        assert.throws(() => follow(store, 0), failsWith("CHANGED_MEANWHILE"));
        follow(store, rounds - 10).watch.stop();
      });
    });

    describe("updateEntry", () => {
      const add = (value: Json | undefined) => (typeof value === "number" ? value : 0) + 1;

      it("changes a value by what it is, however many do so at once", async () => {
        const many = Array.from({ length: updateTriesMax }, () => updateEntry(store, "sum", add));
        await Promise.all(many);
        assert.equal((await store.get("sum"))?.value, many.length);
        assert.equal(await updateEntry(store, "sum", () => undefined), undefined);
        assert.equal(await store.get("sum"), undefined);
      });

      it("writes nothing when nothing changes", async () => {
        await store.transact({ writes: [put("a", { n: 1 })] });
        assert.deepEqual(await updateEntry(store, "a", (value) => value), { n: 1 });
        assert.equal(await updateEntry(store, "none", () => undefined), undefined);
        assert.equal((await store.list("")).revision, 1);
      });

      it("gives up when others are faster every time", async () => {
        let others = 0;
        const racing = updateEntry(store, "a", (value) => {
          others++;
          void store.transact({ writes: [put("a", others)] });
          return add(value);
        });
        await assert.rejects(racing, failsWith("CHANGED_MEANWHILE", /"a" was changed by others/));
        assert.equal(others, updateTriesMax);
      });
    });

    describe("close", () => {
      it("acknowledges what was asked for before it, ends watches and refuses what comes after", async () => {
        const { seen } = follow(store, 0);
        const asked = store.transact({ writes: [put("a")] });
        const closing = store.close();
        await assert.rejects(store.transact({ writes: [put("b")] }), failsWith("DATA_UNUSABLE"));
        await closing;
        assert.deepEqual(await asked, { ok: true, revision: 1 });
        await settled();
        assert.ok(seen.length <= 1);
        for (const call of [() => store.get("a"), () => store.list("")]) {
          await assert.rejects(call, failsWith("DATA_UNUSABLE", /closed/));
        }
        assert.throws(() => follow(store, 0), failsWith("DATA_UNUSABLE", /closed/));
        await store.close();
      });
    });
  });
}
