import assert from "node:assert/strict";
import { test } from "node:test";
import { sparkline } from "../../src/output/sparkline.js";

test("draws the newest values, the highest as a full bar", () => {
  assert.equal(sparkline([9, 1, 2, 4, 8], 4), "▂▃▅█");
});

test("leaves room for what is not known yet, and for nothing", () => {
  assert.equal(sparkline([0, 1], 5), "    █");
  assert.equal(sparkline([], 3), "   ");
});
