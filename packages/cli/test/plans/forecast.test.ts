import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { pastDurations, readPlan, toolBox, type RunEvent } from "@propagit/plan";
import { describeTime } from "../../src/output/plan-words.js";
import { durationsFrom, forecast } from "../../src/plans/forecast.js";

const second = 1_000;
const begunAt = 1_000_000_000_000;

/** Each stage a task on one drone, after somebody's approval. */
function planOn(...drones: readonly string[]) {
  const stages = drones.map((drone) => ({
    name: `to ${drone}`,
    gate: { approval: true },
    tasks: [{ command: "execute", drone, run: "./switch" }],
  }));
  return readPlan({ file: "plan.json", text: JSON.stringify({ name: "x", stages }) }, toolBox);
}

/** One task of each stage after the other, with an hour before each in which nobody approves. */
function runOf(...seconds: readonly number[]): readonly RunEvent[] {
  let at = begunAt;
  const events: RunEvent[] = [{ at, kind: "run-begun", by: "ann", locks: [] }];
  for (const [index, took] of seconds.entries()) {
    const task = `${index + 1}.1.1`;
    at += 3_600 * second;
    events.push({ at, kind: "task-begun", task, attempt: 1 });
    at += took * second;
    events.push({ at, kind: "task-ended", task, outcome: "done" });
  }
  return events;
}

describe("how long a plan takes", () => {
  const plan = planOn("web-1", "web-2");
  const past = durationsFrom(pastDurations([{ plan, events: runOf(2, 10) }]));

  it("is told by what its tasks took on their hosts, and not by what stages waited for", () => {
    const told = forecast(plan, past, begunAt);
    assert.ok(told.isTimed);
    assert.deepEqual(
      told.announcement.stages.map(({ from, until }) => until - from),
      [2 * second, 10 * second],
    );
    assert.equal(describeTime(told), "about 12 s, by what past runs took");
  });

  it("of a host that is new is what the command took elsewhere", () => {
    const told = forecast(planOn("web-2", "web-3"), past, begunAt);
    assert.equal(describeTime(told), "about 16 s, by what past runs took");
  });

  it("is not told where of some task nothing is known", () => {
    const value = {
      name: "x",
      stages: [{ name: "a", tasks: [{ command: "message", message: "b" }] }],
    };
    const told = forecast(readPlan({ maker: "x", value }, toolBox), past, begunAt);
    assert.match(describeTime(told), /is not known: of some of its tasks no run is remembered/);
  });
});
