import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { patienceMs } from "../../src/core/patience.js";

const outlook = { lines: 4, helpers: 2, pieceBytes: 32 * 1024, isHubBanned: false };

describe("how long nothing may come", () => {
  it("is the shorter the more hopeless it looks", () => {
    assert.equal(patienceMs(outlook), 60_000);
    assert.equal(patienceMs({ ...outlook, helpers: 0 }), 31_000);
    assert.equal(patienceMs({ ...outlook, helpers: 0, lines: 0 }), 16_000);
    assert.equal(patienceMs({ ...outlook, helpers: 0, isHubBanned: true }), 3_000);
  });

  it("is longer where a first piece may take long, and never more than a minute", () => {
    assert.equal(patienceMs({ ...outlook, helpers: 0, pieceBytes: 512 * 1024 }), 46_000);
    assert.equal(patienceMs({ ...outlook, helpers: 0, pieceBytes: 4 * 1024 * 1024 }), 60_000);
  });

  it("is not cut short by a hub that is not believed while others have pieces", () => {
    assert.equal(patienceMs({ ...outlook, isHubBanned: true }), 60_000);
  });
});
