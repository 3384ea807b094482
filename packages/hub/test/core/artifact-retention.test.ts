import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { doomedArtifacts, type ShelvedArtifact } from "../../src/core/artifact-retention.js";

const day = 86_400_000;
const now = 100 * day;
const one = (artifact: string, changes: Partial<ShelvedArtifact> = {}): ShelvedArtifact => ({
  artifact,
  bytes: 10,
  usedAt: now,
  isNeeded: true,
  isBusy: false,
  ...changes,
});

describe("the artifacts that go", () => {
  it("are those whose commit nothing needs, or that nobody used for a week", () => {
    const shelved = [
      one("kept"),
      one("removed", { isNeeded: false }),
      one("old", { usedAt: now - 8 * day }),
    ];
    assert.deepEqual(doomedArtifacts(shelved, { now, bytesMax: 1_000 }), ["removed", "old"]);
  });

  it("are those used longest ago, when there is too much", () => {
    const shelved = [one("b", { usedAt: now - 2 }), one("c"), one("a", { usedAt: now - 3 })];
    assert.deepEqual(doomedArtifacts(shelved, { now, bytesMax: 20 }), ["a"]);
    assert.deepEqual(doomedArtifacts(shelved, { now, bytesMax: 10 }), ["a", "b"]);
  });

  it("are never those that somebody gets just now", () => {
    const busy = { isBusy: true, isNeeded: false, usedAt: 0 };
    assert.deepEqual(doomedArtifacts([one("busy", busy)], { now, bytesMax: 0 }), []);
  });

  it("are so many that the rest is within bounds, or in use", () => {
    const shelf = fc.array(
      fc.record({
        bytes: fc.nat({ max: 100 }),
        usedAt: fc.integer({ min: now - 9 * day, max: now }),
        isNeeded: fc.boolean(),
        isBusy: fc.boolean(),
      }),
      { maxLength: 400 },
    );
    fc.assert(
      fc.property(shelf, fc.nat({ max: 5_000 }), (list, bytesMax) => {
        const shelved = list.map((each, at) => ({ artifact: `a${at}`, ...each }));
        const doomed = new Set(doomedArtifacts(shelved, { now, bytesMax }));
        const left = shelved.filter(({ artifact }) => !doomed.has(artifact));
        const bytes = left.reduce((sum, each) => sum + each.bytes, 0);
        const idle = left.filter(({ isBusy }) => !isBusy);
        assert.ok(shelved.every(({ isBusy, artifact }) => !isBusy || !doomed.has(artifact)));
        assert.ok(idle.length === 0 || (bytes <= bytesMax && left.length <= 256));
      }),
    );
  });
});
