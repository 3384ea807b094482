import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as der from "../../src/core/der.js";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

describe("DER", () => {
  it("writes numbers without needless bytes, and never as negative ones", () => {
    assert.equal(hex(der.unsigned(0)), "020100");
    assert.equal(hex(der.unsigned(0, 0, 127)), "02017f");
    assert.equal(hex(der.unsigned(128)), "02020080");
    assert.equal(hex(der.unsigned(1, 0)), "02020100");
  });

  it("writes lengths in one byte, or says how many they have", () => {
    assert.equal(hex(der.octetString(new Uint8Array(127))).slice(0, 4), "047f");
    assert.equal(hex(der.octetString(new Uint8Array(128))).slice(0, 6), "048180");
    assert.equal(hex(der.octetString(new Uint8Array(65_536))).slice(0, 10), "0483010000");
  });

  it("writes identifiers in base 128", () => {
    assert.equal(hex(der.objectId("2.5.29.17")), "0603551d11");
    assert.equal(hex(der.objectId("1.2.840.10045.4.3.2")), "06082a8648ce3d040302");
  });

  it("writes years of two digits until 2049", () => {
    const text = (at: number) => Buffer.from(der.time(at).subarray(2)).toString();
    assert.equal(text(Date.UTC(2049, 11, 31, 23, 59, 59, 999)), "491231235959Z");
    assert.equal(text(Date.UTC(2050, 0, 1)), "20500101000000Z");
  });

  it("nests", () => {
    const nested = der.sequence(der.set(der.bool(true)), der.context(3, der.sequence()));
    assert.equal(hex(nested), "300931030101ffa3023000");
    assert.equal(hex(der.context(2, new TextEncoder().encode("a"), true)), "820161");
    assert.equal(hex(der.bitString(Uint8Array.of(1))), "03020001");
    assert.equal(hex(der.utf8("ü")), "0c02c3bc");
  });
});
