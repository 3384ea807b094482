import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { announce } from "../../src/core/announce.js";
import { makePlan, probe, wideStage, window } from "../support/plans.js";

const at = Date.UTC(2026, 2, 3, 13);
const hour = 60 * 60_000;

describe("an announcement", () => {
  it("says when what begins, in waves, what is waited for, and a bar for each task", () => {
    const plan = makePlan([
      wideStage(5, 3, { concurrency: 2 }),
      {
        after: { ms: hour, from: "stage" },
        gates: [{ kind: "approval" }, probe, window],
        lines: [[{}]],
      },
    ]);
    const { stages, from, until } = announce(plan, {
      at,
      expect: ({ id }) => ({ ms: 10, outcome: id === "1.5.1" ? "unchanged" : "done" }),
    });
    const [first, second] = stages;
    assert.deepEqual([from, until], [at, at + 11 * hour + 10]);
    assert.deepEqual(first?.waves, [
      { at, lines: [1, 2], hosts: ["d0", "d1"] },
      { at: at + 10, lines: [3, 4], hosts: ["d2", "d0"] },
      { at: at + 20, lines: [5], hosts: ["d1"] },
    ]);
    assert.deepEqual(first.bars.at(-1), {
      task: "1.5.1",
      host: "d1",
      command: "test",
      outcome: "unchanged",
      from: at + 20,
      until: at + 30,
    });
    assert.deepEqual([first.turnAt, first.from, first.until], [at, at, at + 30]);
    assert.deepEqual(second?.waits, [
      { why: "its time, measured from the end of the stage before", until: at + 30 + hour },
      { why: "somebody's approval" },
      { why: "http://127.0.0.1/up to answer 200" },
      { why: "its window", until: at + 11 * hour },
    ]);
    assert.deepEqual([second.turnAt, second.from], [at + 30, at + 11 * hour]);
  });

  it("is quick for 10,000 machines", () => {
    // Time of the processor: this machine may be busy with other things too.
    const began = process.cpuUsage();
    const plan = makePlan([wideStage(10_000, 10_000, { concurrency: 100 })]);
    const { stages } = announce(plan, { at, expect: () => ({ ms: 1_000 }) });
    assert.equal(stages[0]?.waves.length, 100);
    assert.ok(process.cpuUsage(began).user < 5_000_000);
  });
});
