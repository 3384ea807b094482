/** Plans with commands of which only their project knows more: what is read without them is what was read with them. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { object, text, withDefault, yesNo } from "@propagit/shapes";
import { foreignNames, OpenCommands, planHash, readPlan, writePlan } from "../../src/index.js";
import { testCommand, testCommands } from "../support/test-commands.js";

const greet = testCommand({
  name: "greet",
  args: object({ who: text(), loud: withDefault(yesNo, false) }, ["who"]),
  timeoutMs: 5_000,
  continueOnFail: true,
  undo: ({ who }) => [
    { command: "greet", who: `not ${who}` },
    { command: "notify", to: ["x"], text: "y" },
  ],
});
const mine = new Map([...testCommands, ["greet", greet] as const]);
const theirs = new OpenCommands(testCommands);

const value = {
  name: "p",
  code: { repo: "shop", commit: "a".repeat(40) },
  stages: [
    {
      name: "s",
      gate: { command: { command: "greet", who: "gate" } },
      tasks: [
        { command: "greet", drone: "a", who: "world", retries: 1 },
        { command: "execute", run: "x" },
      ],
    },
  ],
};

describe("a plan with commands that are not known", () => {
  it("is the same plan with the same hash, with what takes its tasks back", () => {
    const plan = readPlan({ maker: "test", value }, mine);
    assert.equal(plan.stages[0]?.lines[0]?.[0]?.undo?.length, 2);
    const sent = JSON.stringify(writePlan(plan, testCommands));
    const there = readPlan({ file: "plan.json", text: sent }, theirs);
    assert.deepEqual(there, plan);
    assert.equal(planHash(there), planHash(plan));
    assert.deepEqual(foreignNames(there, testCommands), ["greet"]);
    const again = readPlan({ file: "plan.json", text: sent }, mine);
    assert.deepEqual(again, plan, "where they are known");
  });

  it("is refused for all that can be known: names, places, what every task says, an undo of another kind", () => {
    const refusal = (task: object, commands = theirs as typeof mine) => {
      const plan = { name: "p", stages: [{ name: "s", tasks: [task] }] };
      try {
        readPlan({ maker: "test", value: plan }, commands);
        return "nothing";
      } catch (thrown) {
        return String(thrown);
      }
    };
    assert.match(refusal({ command: "No good" }), /there is no command "No good"/);
    assert.match(refusal({ command: "greet", drone: "a", host: "b" }), /both `drone` and `host`/);
    assert.match(refusal({ command: "greet", timeout: "soon" }), /timeout/);
    assert.match(refusal({ command: "greet", undo: [{ run: "x" }] }), /command/);
    assert.equal(refusal({ command: "greet", anything: { at: ["all"] } }), "nothing");
    const other = { command: "greet", who: "x", undo: [{ command: "execute", run: "x" }] };
    assert.match(refusal(other, mine), /greet says itself what takes it back/);
  });
});
