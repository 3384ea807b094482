import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readPlan, Run, toolBox, type RunEvent } from "@propagit/plan";
import { mergedLog, type RunLog } from "../../src/core/merged-log.js";

const value = {
  name: "site",
  stages: [{ name: "all", tasks: [{ command: "execute", drone: "a", run: "true" }] }],
};
const plan = readPlan({ maker: "test", value }, toolBox);

function logOf(id: string, times: readonly number[], relay?: string): RunLog {
  const [t0 = 0, t1 = 0, t2 = 0, t3 = 0] = times;
  const events: readonly RunEvent[] = [
    { at: t0, kind: "run-begun", by: "ann" },
    { at: t1, kind: "stage-begun", stage: 1 },
    { at: t2, kind: "task-begun", task: "1.1.1", attempt: 1 },
    { at: t3, kind: "asked", ask: { kind: "pause" }, by: "ann" },
  ];
  return { id, events, run: new Run(plan, events), ...(relay !== undefined && { relay }) };
}

const nothing = new Map<string, number>();

describe("the log of a plan and its parts", () => {
  it("is by time, with the names that each event means", () => {
    const logs = [logOf("own", [1, 2, 3, 8]), logOf("part", [4, 5, 6, 7], "head")];
    const { events, leftOut } = mergedLog(logs, { seen: nothing, eventsMax: 100 });
    assert.equal(leftOut, 0);
    assert.deepEqual(
      events.map(({ run, index }) => `${run} ${index}`),
      ["own 0", "own 1", "own 2", "part 0", "part 1", "part 2", "part 3", "own 3"],
    );
    assert.deepEqual(events[5], {
      run: "part",
      relay: "head",
      index: 2,
      event: { at: 6, kind: "task-begun", task: "1.1.1", attempt: 1 },
      plan: "site",
      command: "execute",
      host: "a",
    });
    assert.equal(events[1]?.stage, "all");
  });

  it("keeps the order of each run when a clock was set back", () => {
    const logs = [logOf("own", [10, 2, 3, 4]), logOf("part", [1, 5, 11, 12], "head")];
    const { events } = mergedLog(logs, { seen: nothing, eventsMax: 100 });
    const own = events.filter(({ run }) => run === "own").map(({ index }) => index);
    assert.deepEqual(own, [0, 1, 2, 3]);
  });

  it("tells the newest of what is not known, and counts the others", () => {
    const logs = [logOf("own", [1, 2, 3, 4])];
    const few = mergedLog(logs, { seen: nothing, eventsMax: 3 });
    assert.deepEqual([few.events.map(({ index }) => index), few.leftOut], [[1, 2, 3], 1]);
    const news = mergedLog(logs, { seen: new Map([["own", 3]]), eventsMax: 3 });
    assert.deepEqual([news.events.map(({ index }) => index), news.leftOut], [[3], 0]);
  });
});
