import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isNear, suggestion } from "../src/index.js";

describe("the nearest name", () => {
  it("has at most a third of its letters wrong, left out, added or swapped", () => {
    const names = ["concurrency", "tasks", "name"];
    assert.equal(suggestion("concurency", names), "; did you mean `concurrency`?");
    assert.equal(suggestion("tsaks", names), "; did you mean `tasks`?");
    assert.equal(suggestion("color", names), "");
    assert.equal(suggestion("c".repeat(50), names), "");
    assert.ok(isNear("deplyo", "deploy") && !isNear("stop", "deploy"));
  });
});
