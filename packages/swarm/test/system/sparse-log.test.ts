import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SparseLog } from "../../src/system/sparse-log.js";

describe("a log of what strangers do", () => {
  it("tells the first, then one a minute, with how many it did not tell", () => {
    let now = 5;
    const lines: string[] = [];
    const log = new SparseLog(
      { monotonic: () => now },
      { info: () => undefined, warn: (line) => void lines.push(line) },
    );
    for (const at of [5, 6, 60_004, 60_005, 60_006, 120_005]) {
      now = at;
      log.warn(`at ${at}`);
    }
    assert.deepEqual(lines, [
      "at 5",
      "at 60005 (and 2 more like it before)",
      "at 120005 (and 1 more like it before)",
    ]);
  });

  it("tells nothing of a few, where a few are nothing", () => {
    let now = 0;
    const lines: string[] = [];
    const log = new SparseLog(
      { monotonic: () => now },
      { info: () => undefined, warn: (line) => void lines.push(line) },
      2,
    );
    for (const at of [0, 1, 60_000, 60_001, 60_002]) {
      now = at;
      log.warn(`at ${at}`);
    }
    assert.deepEqual(lines, ["at 60002"]);
  });
});
