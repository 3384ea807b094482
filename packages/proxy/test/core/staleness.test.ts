import assert from "node:assert/strict";
import { it } from "node:test";
import { isTooStale } from "../../src/core/staleness.js";

it("may serve for ever unless a bound is set", () => {
  const silence = { staleMaxMs: undefined, now: 1e9 };
  assert.equal(isTooStale({ ...silence, lastWordAt: 0 }), false);
  assert.equal(isTooStale({ ...silence, lastWordAt: undefined }), false);
});

it("may serve as long as it was set after the last word, to the millisecond", () => {
  const silence = { staleMaxMs: 30_000, lastWordAt: 1_000 };
  assert.equal(isTooStale({ ...silence, now: 31_000 }), false);
  assert.equal(isTooStale({ ...silence, now: 31_001 }), true);
});

it("may not serve before it has heard a word in this life, since nobody knows how old its rules are", () => {
  assert.equal(isTooStale({ staleMaxMs: 30_000, lastWordAt: undefined, now: 0 }), true);
});
