import assert from "node:assert/strict";
import { scryptSync } from "node:crypto";
import { describe, it } from "node:test";
import { PropagitError } from "@propagit/protocol";
import { hashPassword } from "../src/password-hash.js";
import {
  parseCondition,
  parseDurationMs,
  parseHostPlace,
  parsePercent,
  parseStepMs,
  parseVariant,
  parseWhen,
} from "../src/traffic-flags.js";

describe("arguments of commands about traffic", () => {
  it("are durations, percentages and host names", () => {
    assert.deepEqual(
      [parseDurationMs("1.5m"), parsePercent("5%"), parsePercent("0.5")],
      [90_000, 5, 0.5],
    );
    assert.deepEqual(parseHostPlace("example.com/"), { host: "example.com" });
    assert.deepEqual(parseHostPlace("*.example.com/a/b"), { host: "*.example.com", path: "/a/b" });
  });

  it("are variants, with what serves them or without", () => {
    assert.deepEqual(parseVariant("a=50"), { name: "a", weight: 50 });
    assert.deepEqual(parseVariant("b=12.5%:feature/x"), {
      name: "b",
      weight: 12.5,
      ref: "feature/x",
    });
    assert.deepEqual(parseVariant("c=0"), { name: "c", weight: 0 });
  });

  it("are conditions of several parts", () => {
    assert.deepEqual(parseCondition("header x-team=qa,dev and cookie staff and percent 10"), {
      header: { name: "x-team", values: ["qa", "dev"] },
      cookie: { name: "staff" },
      percent: 10,
    });
    assert.deepEqual(parseWhen("header x-url=http://a:b"), {
      when: { header: { name: "x-url", values: ["http://a"] } },
      variant: "b",
    });
  });

  const wrong: readonly (readonly [() => unknown, RegExp])[] = [
    [() => parseDurationMs("30"), /"30" has no unit; write 30s/],
    [() => parseDurationMs("0s"), /"0s" is not above 0 and at most 7d/],
    [() => parseDurationMs("8d"), /"8d" is not above 0 and at most 7d/],
    [() => parseStepMs("500ms"), /"500ms" is not from 1s to 7d/],
    [() => parseStepMs("5"), /"5" has no unit; write 5s/],
    [() => parseHostPlace(`${"a".repeat(254)}/x`), /not a host name/],
    [() => parsePercent("0"), /not a percentage above 0/],
    [() => parsePercent("101"), /not a percentage/],
    [() => parseHostPlace("https://a.example"), /not a host name/],
    [() => parseHostPlace("/shop"), /not a host name/],
    [() => parseVariant("a"), /not of the form NAME=WEIGHT:COMMIT/],
    [() => parseVariant("a b=1"), /not of the form/],
    [() => parseVariant("a=-1"), /not of the form/],
    [() => parseVariant("a=9999999"), /the weight of a is above 1000000/],
    [() => parseCondition(""), /is not a condition/],
    [() => parseCondition("header"), /"header" is not a condition/],
    [() => parseCondition("country de"), /"country de" is not a condition/],
    [() => parseCondition("cookie a and cookie b"), /asks for a cookie twice/],
    [() => parseWhen("header x-team=qa"), /not of the form CONDITION:VARIANT/],
    [() => parseWhen(":b"), /not of the form CONDITION:VARIANT/],
  ];
  for (const [parse, says] of wrong) {
    it(`are refused: ${says.source}`, () => {
      assert.throws(
        parse,
        (thrown) => thrown instanceof PropagitError && says.test(thrown.message),
      );
    });
  }

  it("are passwords only as hashes that say how they were made, each with its own salt", async () => {
    const [one, two] = [await hashPassword("correct horse"), await hashPassword("correct horse")];
    assert.notEqual(one, two);
    const [kind, n, r, p, salt = "", key] = one.split("$");
    assert.deepEqual([kind, n, r, p], ["scrypt", "16384", "8", "5"]);
    const made = scryptSync("correct horse", Buffer.from(salt, "base64url"), 32, {
      N: 16_384,
      r: 8,
      p: 5,
    });
    assert.equal(key, made.toString("base64url"));
  });
});
