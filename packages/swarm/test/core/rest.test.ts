import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Rests } from "../../src/core/rest.js";

const recordBytes = 16 * 1024;

/** A line that brings a record each so many ms, in the middle of a long block; how long it rests after each. */
function restsOf(everyMs: number, expectedBytes = 1_000_000): number[] {
  const rests = new Rests();
  return Array.from({ length: 20 }, (_, index) =>
    rests.after(recordBytes, expectedBytes, 1_000 + index * everyMs),
  );
}

describe("rests of a line", () => {
  it("are none before its rate is known", () => {
    assert.equal(restsOf(8)[0], 0);
  });

  it("last until two records are there", () => {
    assert.equal(restsOf(8).at(-1), 16);
    assert.equal(restsOf(20).at(-1), 40);
  });

  it("are bounded on lines that bring next to nothing", () => {
    assert.equal(restsOf(5_000).at(-1), 100);
  });

  it("are none on fast lines", () => {
    assert.deepEqual(new Set(restsOf(1)), new Set([0]));
  });

  it("are no longer than what is missing of a block takes", () => {
    assert.equal(restsOf(8, recordBytes).at(-1), 8);
    assert.equal(restsOf(8, 13).at(-1), 0);
  });

  it("are none when nothing is sure to follow, and such times say nothing of the rate", () => {
    const rests = new Rests();
    rests.after(recordBytes, 1_000_000, 0);
    assert.equal(rests.after(recordBytes, 1_000_000, 8), 16);
    assert.equal(rests.after(recordBytes, 0, 16), 0);
    assert.equal(rests.after(5, 0, 60_000), 0);
    rests.after(recordBytes, 1_000_000, 120_000);
    assert.equal(rests.after(recordBytes, 1_000_000, 120_008), 16);
  });
});
