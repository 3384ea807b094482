import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { blockBytesMin, nextBlockBytes } from "../../src/core/block-size.js";
import { blockBytesMax } from "../../src/core/frames.js";

describe("the length of a block", () => {
  it("is long where a line takes a long one in some ten milliseconds", () => {
    assert.equal(nextBlockBytes(blockBytesMin, 2), blockBytesMax);
    assert.equal(nextBlockBytes(blockBytesMin, 20), blockBytesMax);
    assert.equal(nextBlockBytes(blockBytesMin, 21), blockBytesMin);
  });

  it("becomes short again when the line takes its time", () => {
    assert.equal(nextBlockBytes(blockBytesMax, 40), blockBytesMax);
    assert.equal(nextBlockBytes(blockBytesMax, 500), blockBytesMin);
  });

  it("is not taken in by a time that the clock does not see", () => {
    assert.equal(nextBlockBytes(1_000, 0), blockBytesMin);
    assert.equal(nextBlockBytes(blockBytesMin, 0), blockBytesMax);
  });
});
