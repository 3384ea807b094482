import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { deflateRawSync } from "node:zlib";
import fc from "fast-check";
import { frameBytesMax } from "@propagit/protocol";
import { packText, unpackText } from "../../src/system/packed-text.js";

describe("packed texts", () => {
  it("are what they were when they are unpacked, whatever is in them", () => {
    const texts = fc.string({ unit: "grapheme", minLength: 512, maxLength: 5_000 });
    fc.assert(
      fc.property(texts, (text) => {
        const packed = packText(text);
        return packed === undefined || unpackText(packed) === text;
      }),
    );
  });

  it("take about the bytes that were written in base64", () => {
    const bytes = randomBytes(4_400);
    const packed = packText(`{"pack":"${bytes.toString("base64")}"}`);
    assert.ok(packed && packed.length < 1.05 * bytes.length);
  });

  it("are left as they are when they are short, or too long to be worked on at once", () => {
    assert.equal(packText("a".repeat(511)), undefined);
    assert.equal(packText("a".repeat(64 * 1024 + 1)), undefined);
  });

  it("are refused when they are none, cut short, or more than a frame", () => {
    assert.equal(unpackText(Buffer.from([0xff, 0, 1])), undefined);
    assert.equal(unpackText(deflateRawSync("a".repeat(1_000)).subarray(0, 4)), undefined);
    assert.equal(unpackText(deflateRawSync("a".repeat(frameBytesMax + 1))), undefined);
    assert.equal(unpackText(deflateRawSync("a".repeat(frameBytesMax)))?.length, frameBytesMax);
  });
});
