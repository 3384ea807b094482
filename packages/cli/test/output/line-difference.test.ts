import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { lineDifference } from "../../src/output/line-difference.js";

test("says only the lines that were taken and added, in order", () => {
  const before = ["a", "b", "c", "d"];
  assert.deepEqual(lineDifference(before, ["a", "x", "c", "d", "e"]), [
    { kind: "removed", text: "b" },
    { kind: "added", text: "x" },
    { kind: "added", text: "e" },
  ]);
  assert.deepEqual(lineDifference(before, before), []);
  assert.deepEqual(lineDifference([], ["a"]), [{ kind: "added", text: "a" }]);
});

test("property: what was taken and added is the difference of both texts, and as little as can be", () => {
  const lines = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 8 });
  fc.assert(
    fc.property(lines, lines, (before, after) => {
      const changed = lineDifference(before, after);
      const texts = (kind: string) =>
        changed.filter((line) => line.kind === kind).map(({ text }) => text);
      const common = longestCommon(before, after);
      assert.equal(texts("removed").length, before.length - common);
      assert.equal(texts("added").length, after.length - common);
      assert.deepEqual(
        [...before, ...texts("added")].sort(),
        [...after, ...texts("removed")].sort(),
      );
    }),
  );
});

function longestCommon(left: readonly string[], right: readonly string[]): number {
  const [first, ...restLeft] = left;
  const [second, ...restRight] = right;
  if (first === undefined || second === undefined) return 0;
  if (first === second) return 1 + longestCommon(restLeft, restRight);
  return Math.max(longestCommon(restLeft, right), longestCommon(left, restRight));
}
