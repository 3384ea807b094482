import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RunWindow } from "../../src/core/run-window.js";

const MiB = 1024 * 1024;

test("is full a MiB ahead of a caller who says what he took", () => {
  const window = new RunWindow();
  window.told(10 * MiB);
  assert.equal(window.isFull(0), false, "he never said");
  window.taken(9 * MiB);
  assert.equal(window.isFull(0), true);
  window.taken(9 * MiB + 1);
  assert.equal(window.isFull(0), false);
  assert.equal(window.isFull(4 * MiB), true, "the line itself is full");
});

test("believes nobody who took more than there was, or less than before", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(3 * MiB), { maxLength: 20 }), (said) => {
      const window = new RunWindow();
      window.told(MiB);
      let best = -1;
      for (const total of said) {
        window.taken(total);
        best = Math.max(best, total);
      }
      assert.equal(window.isFull(0), best === 0);
      window.told(MiB - 1);
      assert.equal(window.isFull(0), best >= 0 && best < MiB);
    }),
  );
});

test("takes input up to a bound ahead of the command", () => {
  const window = new RunWindow();
  assert.equal(window.typed(4 * MiB), true);
  assert.equal(window.typed(1), false);
  assert.equal(window.used(MiB), MiB);
  assert.equal(window.used(MiB), 2 * MiB);
  assert.equal(window.typed(1), true);
});
