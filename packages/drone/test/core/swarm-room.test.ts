import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { artifactsToDrop, roomOf, type KeptShare } from "../../src/core/swarm-room.js";

const commit = "a".repeat(40);

function share(artifact: string, change: Partial<KeptShare> = {}): KeptShare {
  return {
    artifact,
    bytes: 100,
    usedAt: 1_000,
    isBusy: false,
    grant: { repo: "webapp", commit, isCarried: false },
    ...change,
  };
}

test("gives artifacts 5 % of the disk, and a gigabyte at most", () => {
  assert.equal(roomOf(10_000_000), 500_000);
  assert.equal(roomOf(2 ** 40), 2 ** 30);
});

test("drops what the hub keeps no more, and what nobody can tell of", () => {
  const shares = [
    share("kept"),
    share("gone", { grant: { repo: "webapp", commit: "b".repeat(40), isCarried: false } }),
    share("other repo", { grant: { repo: "other", commit, isCarried: false } }),
    share("carried", { grant: { repo: "webapp", commit: "c".repeat(40), isCarried: true } }),
    share("unknown", { grant: undefined }),
    share("busy", { grant: undefined, isBusy: true }),
  ];
  const kept = [{ repo: "webapp", commit }];
  assert.deepEqual(artifactsToDrop(shares, { kept, roomBytes: 10_000 }), [
    "gone",
    "other repo",
    "unknown",
  ]);
  assert.deepEqual(artifactsToDrop(shares, { kept: undefined, roomBytes: 10_000 }), ["unknown"]);
});

test("drops what was used longest ago until the rest has room, and nothing that is in use", () => {
  const shares = [
    share("newest", { usedAt: 4_000 }),
    share("oldest", { usedAt: 1_000, isBusy: true }),
    share("old", { usedAt: 2_000 }),
    share("newer", { usedAt: 3_000 }),
  ];
  const rules = (roomBytes: number) => ({ kept: undefined, roomBytes });
  assert.deepEqual(artifactsToDrop(shares, rules(400)), []);
  assert.deepEqual(artifactsToDrop(shares, rules(399)), ["old"]);
  assert.deepEqual(artifactsToDrop(shares, rules(200)), ["old", "newer"]);
  assert.deepEqual(artifactsToDrop(shares, rules(0)), ["old", "newer", "newest"]);
});

test("never drops what is busy, and leaves no more than fits beside it", () => {
  const one = fc.record({
    bytes: fc.nat(1_000),
    usedAt: fc.nat(1_000),
    isBusy: fc.boolean(),
    isCarried: fc.boolean(),
    isKept: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(one, { maxLength: 20 }), fc.nat(5_000), (all, roomBytes) => {
      const shares = all.map(({ isCarried, isKept, ...rest }, index) =>
        share(String(index), {
          ...rest,
          grant: { repo: "webapp", commit: isKept ? commit : "b".repeat(40), isCarried },
        }),
      );
      const dropped = new Set(
        artifactsToDrop(shares, { kept: [{ repo: "webapp", commit }], roomBytes }),
      );
      const left = shares.filter(({ artifact }) => !dropped.has(artifact));
      assert.ok(shares.every(({ artifact, isBusy }) => !isBusy || !dropped.has(artifact)));
      const bytes = left.reduce((sum, it) => sum + it.bytes, 0);
      assert.ok(bytes <= roomBytes || left.every(({ isBusy }) => isBusy));
    }),
  );
});
