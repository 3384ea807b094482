import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { check, endpointSchema, labelsSchema, metaSchema, parseJson } from "../src/index.js";
import { decodeBody, decodeHandshake } from "../src/index.js";

const endpoint = {
  id: "a1",
  service: "http",
  version: "1.0.0",
  host: "127.0.0.1",
  port: 15194,
  meta: {},
};

describe("a check", () => {
  it("gives the value when it fits", () => {
    assert.deepEqual(check(endpointSchema, endpoint), { ok: true, value: endpoint });
  });

  it("says which field is wrong", () => {
    assert.deepEqual(check(endpointSchema, { ...endpoint, port: 0 }), {
      ok: false,
      reason: "port must be >= 1",
    });
  });

  it("says which field is missing", () => {
    const { host: _, ...rest } = endpoint;
    assert.deepEqual(check(endpointSchema, rest), {
      ok: false,
      reason: "must have required properties host",
    });
  });

  it("refuses a field that is not known", () => {
    assert.deepEqual(check(endpointSchema, { ...endpoint, weight: 1 }), {
      ok: false,
      reason: "weight is not known here",
    });
  });

  it("keeps the reason short when the names in it are long", () => {
    const checked = check(metaSchema, { ["k".repeat(1_000_000)]: "v" });
    assert.ok(!checked.ok && checked.reason.length < 300);
  });
});

describe("names in metadata and labels", () => {
  for (const schema of [metaSchema, labelsSchema]) {
    for (const name of ["", "a b", "__proto__", "-a", "x".repeat(64), "ä"]) {
      it(`are not ${JSON.stringify(name)}`, () => {
        const value = JSON.parse(`{${JSON.stringify(name)}:"v"}`) as unknown;
        assert.equal(check(schema, value).ok, false);
      });
    }
  }

  it("are limited in number", () => {
    const many = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, "v"]));
    assert.deepEqual(
      [check(metaSchema, many(32)).ok, check(metaSchema, many(33)).ok],
      [true, false],
    );
    assert.deepEqual(
      [check(labelsSchema, many(64)).ok, check(labelsSchema, many(65)).ok],
      [true, false],
    );
  });
});

describe("foreign text", () => {
  it("never throws, whatever JSON it is", () => {
    const frames = fc.record(
      {
        v: fc.oneof(fc.constant(1), fc.jsonValue()),
        kind: fc.oneof(
          fc.constantFrom("hello", "welcome", "challenge", "call", "bye"),
          fc.jsonValue(),
        ),
        id: fc.jsonValue(),
        error: fc.jsonValue(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          frames.map((value) => JSON.stringify(value)),
        ),
        (text) => {
          for (const checked of [decodeHandshake(text), decodeBody(text)]) {
            if (!checked.ok) assert.ok(checked.reason.length < 500);
          }
        },
      ),
    );
  });

  it("that is no JSON is undefined, and cannot touch a prototype", () => {
    assert.equal(parseJson("{"), undefined);
    parseJson('{"__proto__":{"polluted":true}}');
    assert.equal(({} as { polluted?: unknown }).polluted, undefined);
  });
});
