import assert from "node:assert/strict";
import { it } from "node:test";
import { RequestRate } from "../../src/core/request-rate.js";
import { countOf, reportOf } from "../support/counts.js";

it("is what was added in the last seconds, whatever was before", () => {
  const rate = new RequestRate();
  assert.equal(rate.perSecond(0), undefined);
  rate.take(reportOf("1", countOf(5_000)), 1_000);
  assert.equal(rate.perSecond(1_500), undefined, "of less than a second nobody can say");
  for (let second = 1; second <= 20; second++) {
    rate.take(reportOf("1", countOf(5_000 + second * 30)), 1_000 + second * 1_000);
  }
  assert.equal(rate.perSecond(21_000), 30);
  assert.equal(rate.perSecond(26_000), 15, "nothing for five seconds");
  assert.equal(rate.perSecond(60_000), 0);
});

it("counts a request once, and begins anew with each life", () => {
  const rate = new RequestRate();
  rate.take(reportOf("1", countOf(0), countOf(0, { variant: "colour=blue" })), 1_000);
  rate.take(reportOf("1", countOf(10), countOf(10, { variant: "colour=blue" })), 2_000);
  assert.equal(rate.perSecond(2_000), 10);
  rate.take(reportOf("2", countOf(3)), 3_000);
  assert.equal(rate.perSecond(3_500), undefined);
  rate.take(reportOf("2", countOf(5)), 4_000);
  assert.equal(rate.perSecond(4_000), 2);
});
