import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { lateMsOf, pace, Rate, roomOf, stallMsOf } from "../../src/core/pace.js";

describe("a rate", () => {
  it("is what came in the time in which something was asked for", () => {
    const rate = new Rate();
    assert.equal(rate.perSecond(0), 0);
    rate.start(1000);
    rate.add(1500, 500);
    assert.equal(rate.perSecond(1500), 1000);
    rate.stop(1500);
    assert.equal(rate.perSecond(60_000), 1000);
  });

  it("forgets what was long ago", () => {
    const rate = new Rate();
    rate.start(0);
    for (let at = 100; at <= 1000; at += 100) rate.add(at, 1_000_000);
    for (let at = 1100; at <= 4000; at += 100) rate.add(at, 100);
    assert.ok(rate.perSecond(4000) <= 1100);
  });

  it("sinks while nothing comes", () => {
    const rate = new Rate();
    rate.start(0);
    rate.add(500, 1000);
    assert.equal(rate.perSecond(500), 2000);
    assert.equal(rate.perSecond(1000), 1000);
  });
});

describe("a window", () => {
  it("covers twice the time to an answer, within its bound", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 31 }),
        fc.integer({ min: 0, max: 1000 }),
        fc.integer({ min: 10, max: 22 }),
        (bytesPerSecond, tripMs, power) => {
          const pieceBytes = 2 ** power;
          const pieces = roomOf({ bytesPerSecond, tripMs, pieceBytes, leftBytes: 0 });
          assert.ok(pieces >= 1 && pieces <= pace.windowMax);
          const covered = (pieces * pieceBytes * 1000) / Math.max(1, bytesPerSecond);
          assert.ok(pieces === pace.windowMax || covered >= 2 * tripMs);
          const leftBytes = pieces * pieceBytes;
          assert.equal(roomOf({ bytesPerSecond, tripMs, pieceBytes, leftBytes }), 0);
        },
      ),
    );
  });

  it("opens on a slow line only when most of a piece is here", () => {
    const line = { bytesPerSecond: 32_000, tripMs: 100, pieceBytes: 32_000 };
    const rooms = [0, 15_000, 19_000, 32_000].map((leftBytes) => roomOf({ ...line, leftBytes }));
    assert.deepEqual(rooms, [1, 1, 0, 0]);
  });
});

describe("patience", () => {
  it("is longer where pieces take longer, and has an end", () => {
    assert.deepEqual(
      [0, 1000, 100_000].map((pieceMs) => stallMsOf(pieceMs)),
      [3000, 8000, 60_000],
    );
    assert.equal(stallMsOf(0, true), 20_000);
    assert.deepEqual([0, 1000, 100_000].map(lateMsOf), [3000, 6000, 60_000]);
  });
});
