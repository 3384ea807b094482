import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseNamedService, parsePattern, parseVersion } from "../../src/core/service.js";
import { hasCode } from "../support/samples.js";

describe("a named service", () => {
  it("has version 0.0.0 when none is written", () => {
    assert.deepEqual(parseNamedService("say"), { service: "say", version: "0.0.0" });
  });

  it("keeps pre-release and build of its version", () => {
    const { version } = parseNamedService("say@1.2.3-rc.1+sha.5114f85");
    assert.equal(version, "1.2.3-rc.1+sha.5114f85");
  });

  it("is 1.2.3 also when it is written v1.2.3", () => {
    assert.equal(parseVersion("v1.2.3"), "1.2.3");
  });

  for (const version of ["", "1", "1.2", "^1.2.3", "latest", "1.2.3.4"]) {
    it(`refuses ${JSON.stringify(version)} as a version`, () => {
      assert.throws(() => parseNamedService(`http@${version}`), hasCode("BAD_RECORD"));
    });
  }

  for (const name of ["", "a b", "../x", "__proto__", "-x", "é", "x".repeat(64)]) {
    it(`refuses ${JSON.stringify(name)} as a name`, () => {
      assert.throws(() => parseNamedService(`${name}@1.0.0`), hasCode("BAD_NAME"));
    });
  }
});

describe("a pattern", () => {
  it("without a range has none", () => {
    assert.deepEqual(parsePattern("http"), { service: "http" });
  });

  it("with a range knows what fits it", () => {
    const { range } = parsePattern("http@1.2.x || ^3");
    assert.equal(range?.test("1.2.9"), true);
    assert.equal(range?.test("1.3.0"), false);
    assert.equal(range?.test("3.9.9"), true);
  });

  for (const text of ["http@", "http@  ", "http@nope", "http@^^1", "@1.x", "", "a b@1"]) {
    it(`refuses ${JSON.stringify(text)} instead of fitting nothing`, () => {
      assert.throws(() => parsePattern(text), hasCode("BAD_PATTERN"));
    });
  }
});
