import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ComingPieces } from "../../src/core/coming.js";

describe("pieces on their way to a zone", () => {
  it("are news once, and known until they are here", () => {
    const coming = new ComingPieces();
    assert.deepEqual(coming.heard([1, 2], 0), [1, 2]);
    assert.deepEqual(coming.heard([2, 3], 10), [3]);
    assert.deepEqual(coming.elsewhere(20), [1, 2, 3]);
    coming.kept(2);
    assert.deepEqual(coming.elsewhere(20), [1, 3]);
  });

  it("do not keep the one who asked for them from asking again", () => {
    const coming = new ComingPieces();
    coming.own([7], 0);
    assert.deepEqual(coming.elsewhere(1), []);
    assert.deepEqual(coming.heard([7], 1), [], "its own word comes round to it");
  });

  it("are not waited for for ever", () => {
    const coming = new ComingPieces();
    coming.heard([1], 0);
    assert.deepEqual(coming.elsewhere(29_999), [1]);
    assert.deepEqual(coming.elsewhere(30_000), []);
    assert.deepEqual(coming.heard([1], 30_000), [1]);
  });
});
