import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { EndpointQuery } from "@propagit/protocol";
import { compileQuery } from "../../src/core/query.js";
import { commitA, commitB, endpoint, hasCode } from "../support/samples.js";

const fits = (query: EndpointQuery, changes: Parameters<typeof endpoint>[0] = {}) =>
  compileQuery(query)(endpoint(changes));

describe("a query", () => {
  it("without parts fits everything", () => {
    assert.equal(fits({}), true);
  });

  it("fits a service by its whole name only", () => {
    assert.equal(fits({ service: "http" }), true);
    assert.equal(fits({ service: "htt" }), false);
    assert.equal(fits({ service: "https" }), false);
  });

  it("fits versions as semver does", () => {
    assert.equal(fits({ service: "http@^1.2" }), true);
    assert.equal(fits({ service: "http@^1.3" }), false);
    assert.equal(fits({ service: "http@^1.2" }, { version: "1.9.0-rc.1" }), false);
    assert.equal(fits({ service: "http" }, { version: "1.9.0-rc.1" }), true);
  });

  it("fits a commit by its beginning", () => {
    assert.equal(fits({ commit: commitA.slice(0, 7) }, { commit: commitA }), true);
    assert.equal(fits({ commit: commitA }, { commit: commitA }), true);
    assert.equal(fits({ commit: commitA.slice(0, 7) }, { commit: commitB }), false);
    assert.equal(fits({ commit: commitA.slice(0, 7) }), false);
  });

  it("fits metadata when every asked value is equal", () => {
    const meta = { zone: "eu", color: "blue" };
    assert.equal(fits({ meta: { zone: "eu" } }, { meta }), true);
    assert.equal(fits({ meta: { zone: "eu", color: "red" } }, { meta }), false);
    assert.equal(fits({ meta: { toString: "x" } }, { meta }), false);
  });

  it("needs all of its parts to fit", () => {
    const query = { service: "http@1.x", commit: commitA, meta: { zone: "eu" } };
    const whole = { commit: commitA, meta: { zone: "eu" } };
    assert.equal(fits(query, whole), true);
    assert.equal(fits(query, { ...whole, version: "2.0.0" }), false);
    assert.equal(fits(query, { ...whole, commit: commitB }), false);
    assert.equal(fits(query, { ...whole, meta: {} }), false);
  });

  it("is refused when a part of it makes no sense", () => {
    assert.throws(() => compileQuery({ service: "http@nope" }), hasCode("BAD_PATTERN"));
    assert.throws(() => compileQuery({ commit: "74" }), hasCode("BAD_PATTERN"));
    assert.throws(() => compileQuery({ commit: "HEAD" }), hasCode("BAD_PATTERN"));
  });
});
