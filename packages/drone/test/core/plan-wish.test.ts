import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DelegationWish } from "@propagit/protocol";
import { wishedOf } from "../../src/core/plan-wish.js";

const wish: DelegationWish = { paused: false, skips: 0, retries: 0, by: "ann" };
const stop = { undo: false, now: false };

describe("what is wanted of a part of a plan", () => {
  it("is asked once, however often it is heard", () => {
    const all = { ...wish, paused: true, skips: 1, retries: 1, stop };
    assert.deepEqual(
      wishedOf(undefined, all).map(({ kind }) => kind),
      ["retry", "pause", "skip-wait", "stop"],
    );
    assert.deepEqual(wishedOf(all, all), []);
    assert.deepEqual(wishedOf(undefined, wish), []);
  });

  it("is one ask when several were not heard", () => {
    assert.deepEqual(wishedOf({ ...wish, skips: 1 }, { ...wish, skips: 4 }), [
      { kind: "skip-wait" },
    ]);
    assert.deepEqual(wishedOf({ ...wish, paused: true }, wish), [{ kind: "resume" }]);
  });

  it("stops what was tried again since it was stopped, and stops it harder when that is asked", () => {
    const stopped = { ...wish, stop };
    assert.deepEqual(wishedOf(stopped, { ...stopped, retries: 1 }), [
      { kind: "retry" },
      { kind: "stop", ...stop },
    ]);
    const hard = { undo: false, now: true };
    assert.deepEqual(wishedOf(stopped, { ...wish, stop: hard }), [{ kind: "stop", ...hard }]);
    assert.deepEqual(wishedOf({ ...wish, stop: hard }, stopped), []);
  });
});
