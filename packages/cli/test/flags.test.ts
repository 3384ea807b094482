import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PropagitError } from "@propagit/protocol";
import {
  asFlag,
  parsePort,
  parsePortRange,
  parseScale,
  parseSeconds,
  parseSetting,
  parseShare,
  parseSince,
  parseVariable,
} from "../src/flags.js";

describe("flags", () => {
  it("takes ports from 1 to 65535 only", () => {
    assert.equal(parsePort("6001"), 6001);
    for (const text of ["0", "65536", "-1", "1.5", "0x10", "", "http", "1e3"]) {
      assert.throws(() => parsePort(text), /is not a whole number from 1 to 65535/, text);
    }
  });

  it("takes port ranges with both ends", () => {
    assert.deepEqual(parsePortRange("10000-20000"), { low: 10_000, high: 20_000 });
    for (const text of ["20000-10000", "1-99999", "10000", "0-5"]) {
      assert.throws(() => parsePortRange(text), /is not a port range/, text);
    }
  });

  it("takes seconds with a fraction", () => {
    assert.equal(parseSeconds("1.5"), 1_500);
    for (const text of ["0", "-1", "soon", ""]) assert.throws(() => parseSeconds(text), text);
  });

  it("takes variables with any value, also with = in it", () => {
    assert.deepEqual(parseVariable("URL=http://x?a=b"), ["URL", "http://x?a=b"]);
    assert.deepEqual(parseVariable("EMPTY="), ["EMPTY", ""]);
    for (const text of ["NAME", "=x", "1A=x", "A-B=x"]) {
      assert.throws(() => parseVariable(text), /NAME=VALUE/, text);
    }
  });

  it("takes shares by the last =, as branch names may hold one", () => {
    assert.deepEqual(parseShare("74336bc=90"), { ref: "74336bc", weight: 90 });
    assert.deepEqual(parseShare("a=b=12.5%"), { ref: "a=b", weight: 12.5 });
    for (const text of ["74336bc", "=1", "x=many", "x=-1", "x=", "x=1e5"]) {
      assert.throws(
        () => parseShare(text),
        (error) => error instanceof PropagitError && error.code === "BAD_WEIGHT",
        text,
      );
    }
  });

  it("takes moments as so long ago or as a date", () => {
    const now = Date.UTC(2026, 0, 2);
    assert.equal(parseSince("10m", now), now - 600_000);
    assert.equal(parseSince("1d", now), Date.UTC(2026, 0, 1));
    assert.equal(parseSince("2026-01-01T12:00:00Z", now), Date.UTC(2026, 0, 1, 12));
    for (const text of ["10", "soon", "", "-1m", "2026-13-01", "1w"]) {
      assert.throws(() => parseSince(text), /is no moment/, text);
    }
  });

  it("takes numbers of instances, and - for what the manifest says", () => {
    assert.deepEqual(parseScale("web=3"), { service: "web", instances: 3 });
    assert.deepEqual(parseScale("web=-"), { service: "web" });
    for (const text of ["web", "web=", "=3", "web=1001", "web=x", "web=-1", "we b=1"]) {
      assert.throws(() => parseScale(text), PropagitError, text);
    }
  });

  it("takes settings by the first =, with names that a variable can have", () => {
    assert.deepEqual(parseSetting("URL=http://x?a=b"), ["URL", "http://x?a=b"]);
    assert.throws(() => parseSetting("TOKEN"), /NAME=VALUE/);
    assert.throws(() => parseSetting("A-B=1"), /cannot be the name of a variable/);
  });

  it("passes the hint on to whoever typed the flag", () => {
    const flag = asFlag(() => {
      throw new PropagitError("BAD_USAGE", "it is wrong", { hint: "write it right" });
    });
    assert.throws(() => flag("x"), { message: "it is wrong\n  write it right" });
  });
});
