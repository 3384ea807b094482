import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  check,
  errorCatalogue,
  exitCodes,
  bodySchemas,
  isErrorCode,
  PropagitError,
  toPropagitError,
} from "../src/index.js";

describe("the catalogue", () => {
  const exits = new Set<number>(Object.values(exitCodes));
  for (const [code, kind] of Object.entries(errorCatalogue)) {
    it(`says all about ${code} in words that fit into a table`, () => {
      assert.match(code, /^[A-Z]+(_[A-Z]+)*$/);
      assert.ok(exits.has(kind.exit) && kind.exit !== 0);
      assert.ok(kind.status >= 400 && kind.status < 600);
      for (const text of [kind.when, kind.hint]) assert.match(text, /^[^|\n]{5,200}$/);
    });
  }
});

describe("an error", () => {
  it("has the hint of the catalogue unless it was given one", () => {
    const { hint } = errorCatalogue.NO_REPO;
    assert.equal(new PropagitError("NO_REPO", "there is none").hint, hint);
    assert.equal(new PropagitError("NO_REPO", "there is none", { hint: "look" }).hint, "look");
  });

  it("is the same after it travelled", () => {
    const error = new PropagitError("NO_REPO", "the hub has no repository `webap`", { hint: "no" });
    const data = JSON.parse(JSON.stringify(error.toData())) as ReturnType<typeof error.toData>;
    assert.deepEqual(PropagitError.fromData(data).toData(), error.toData());
  });

  it("is cut to what a frame takes", () => {
    const long = new PropagitError("INTERNAL", "x".repeat(100_000), { hint: "y".repeat(9_999) });
    const body = { kind: "fail", id: 1, error: long.toData() };
    assert.equal(check(bodySchemas.fail, body).ok, true);
    assert.match(long.toData().message, /x…$/);
  });

  it("becomes INTERNAL when it is not of the catalogue, and keeps its cause", () => {
    const thrown = new TypeError("x is undefined");
    const error = toPropagitError(thrown);
    assert.deepEqual(
      [error.code, error.message, error.cause],
      ["INTERNAL", thrown.message, thrown],
    );
    assert.equal(toPropagitError("a text").message, "a text");
    const known = new PropagitError("DENIED", "no");
    assert.equal(toPropagitError(known), known);
  });

  it("has a code of the catalogue itself, not of its prototype", () => {
    assert.deepEqual(["DENIED", "toString", "", 7].map(isErrorCode), [true, false, false, false]);
  });
});
