import assert from "node:assert/strict";
import { test } from "node:test";
import { afterAnswer, afterFailure, allFine, isOut } from "../../src/core/health.js";

test("leaves an endpoint out for 1 s, then twice as long each time, at most 10 s", () => {
  let health = allFine;
  let now = 0;
  const outMs: number[] = [];
  for (let count = 1; count <= 6; count++) {
    health = afterFailure(health, "a", now);
    const start = now;
    while (isOut(health, "a", now)) now += 500;
    outMs.push(now - start);
  }
  assert.deepEqual(outMs, [1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
});

test("takes failures at the same time for one", () => {
  const once = afterFailure(allFine, "a", 0);
  assert.equal(afterFailure(once, "a", 500), once);
});

test("forgets an outage with the first answer, and after a quiet minute", () => {
  const failed = afterFailure(allFine, "a", 0);
  assert.equal(isOut(afterAnswer(failed, "a"), "a", 1), false);
  assert.equal(afterAnswer(failed, "b"), failed);
  assert.deepEqual([...afterFailure(failed, "b", 100_000).keys()], ["b"]);
});
