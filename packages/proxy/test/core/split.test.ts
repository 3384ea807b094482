import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { seedOf, uniformOf, uniformWith } from "../../src/core/hash.js";
import { drawShare } from "../../src/core/split.js";
import { commitA, commitB, commitC } from "../support/samples.js";

type Shares = readonly (readonly [commit: string, weight: number])[];

const visitors = Array.from({ length: 10_000 }, (_, index) => uniformOf("visitor", `${index}`));

function pickAll(shares: Shares, route = "webapp"): readonly (string | undefined)[] {
  const drawn = shares.map(([commit, weight]) => ({ commit, weight, drawSeed: seedOf(commit) }));
  return visitors.map((visitor) => drawShare(drawn, seedOf(String(visitor), route))?.commit);
}

function shareOf(picked: readonly (string | undefined)[], commit: string): number {
  return picked.filter((one) => one === commit).length / picked.length;
}

test("spreads hashes evenly: 64 classes of similar texts, chi-square below its 99.9 % bound", () => {
  const samples = 100_000;
  const commit = seedOf(commitA);
  const hashes = [
    (text: string) => uniformOf(text, "webapp", commitA),
    (text: string) => uniformWith(seedOf(text, "webapp"), commit),
  ];
  const texts = [(n: number) => `${n}`, (n: number) => n.toString(16).padStart(32, "0")];
  for (const [hash, textOf] of hashes.flatMap((one) => texts.map((text) => [one, text] as const))) {
    const classes = Array.from({ length: 64 }, () => 0);
    for (let n = 0; n < samples; n++) {
      const index = Math.floor(hash(textOf(n)) * 64);
      classes[index] = (classes[index] ?? 0) + 1;
    }
    const expected = samples / 64;
    const chiSquare = classes.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    // 63 degrees of freedom: 103.4 is exceeded once in a thousand; the samples are always the same.
    assert.ok(chiSquare < 103.4, `chi-square is ${chiSquare}`);
  }
});

test("stays strictly between 0 and 1 and tells texts apart, also where they are joined", () => {
  fc.assert(
    fc.property(fc.array(fc.string()), (texts) => {
      const value = uniformOf(...texts);
      assert.ok(value > 0 && value < 1);
    }),
  );
  assert.notEqual(uniformOf("ab", "c"), uniformOf("a", "bc"));
  assert.notEqual(uniformOf("a", ""), uniformOf("a"));
});

test("holds any shares within 2 % over 10,000 visitors", () => {
  const weights = fc.array(fc.double({ min: 0.01, max: 100, noNaN: true }), {
    minLength: 2,
    maxLength: 8,
  });
  fc.assert(
    fc.property(weights, (drawn) => {
      const shares = drawn.map((weight, index) => [String(index).repeat(40), weight] as const);
      const sum = drawn.reduce((total, weight) => total + weight, 0);
      const picked = pickAll(shares);
      for (const [commit, weight] of shares) {
        assert.ok(Math.abs(shareOf(picked, commit) - weight / sum) < 0.02, drawn.join());
      }
    }),
    { numRuns: 20, seed: 1 },
  );
});

test("moves nobody but the new 5 % when 5 % becomes 10 %", () => {
  const before = pickAll([
    [commitA, 95],
    [commitB, 5],
  ]);
  const after = pickAll([
    [commitA, 90],
    [commitB, 10],
  ]);
  const moved = before.filter((commit, index) => commit !== after[index]).length;
  assert.ok(Math.abs(moved / visitors.length - 0.05) < 0.01, `${moved} visitors moved`);
  assert.ok(before.every((commit, index) => commit === commitA || after[index] === commitB));
});

test("moves visitors only to a share that was raised, among any others", () => {
  const weight = fc.integer({ min: 1, max: 100 });
  fc.assert(
    fc.property(weight, weight, weight, weight, (a, b, c, more) => {
      const before = pickAll([
        [commitA, a],
        [commitB, b],
        [commitC, c],
      ]);
      const after = pickAll([
        [commitC, c],
        [commitA, a],
        [commitB, b + more],
      ]);
      assert.ok(after.every((commit, index) => commit === before[index] || commit === commitB));
    }),
    { numRuns: 10, seed: 2 },
  );
});

test("gives a missing share's visitors to the others in proportion, and moves nobody else", () => {
  const all = pickAll([
    [commitA, 60],
    [commitB, 30],
    [commitC, 10],
  ]);
  const without = pickAll([
    [commitA, 60],
    [commitB, 30],
  ]);
  assert.ok(all.every((commit, index) => commit === commitC || commit === without[index]));
  assert.ok(Math.abs(shareOf(without, commitA) - 2 / 3) < 0.02);
});

test("draws anew for each route, so that one visitor is not in every small share", () => {
  const shares: Shares = [
    [commitA, 50],
    [commitB, 50],
  ];
  const one = pickAll(shares, "webapp");
  const other = pickAll(shares, "shop");
  const same = one.filter((commit, index) => commit === other[index]).length;
  assert.ok(Math.abs(same / visitors.length - 0.5) < 0.02);
});

test("picks nothing out of nothing", () => {
  assert.equal(drawShare([], seedOf("visitor", "webapp")), undefined);
});
