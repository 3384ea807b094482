import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { nodeCrypto } from "../../src/index.js";

const encrypt = (key: string, text: string) => nodeCrypto.encrypt(key, text);
const decrypt = (key: string, sealed: string) => nodeCrypto.decrypt(key, sealed);
const equal = (left: string, right: string) => nodeCrypto.equal(left, right);
const key = "5ec7".repeat(16);

describe("a hidden text", () => {
  it("is there again with its key, whatever it is", () => {
    fc.assert(
      fc.property(fc.string(), fc.string({ unit: "grapheme" }), (someKey, text) => {
        assert.equal(decrypt(someKey, encrypt(someKey, text)), text);
      }),
    );
  });

  it("may be bytes that are no text, and takes no more room for it", () => {
    fc.assert(
      fc.property(fc.string(), fc.uint8Array(), (someKey, bytes) => {
        const sealed = nodeCrypto.encryptBytes(someKey, bytes);
        assert.deepEqual(nodeCrypto.decryptBytes(someKey, sealed), Buffer.from(bytes));
        assert.equal(Buffer.from(sealed, "base64").length, bytes.length + 28);
      }),
    );
  });

  it("looks different each time, and shows nothing of the text", () => {
    const [first, second] = [encrypt(key, "beepboop"), encrypt(key, "beepboop")];
    assert.notEqual(first, second);
    assert.ok(!Buffer.from(first, "base64").toString("latin1").includes("beepboop"));
  });

  it("is nothing without its key", () => {
    assert.equal(decrypt("0bad".repeat(16), encrypt(key, "beepboop")), undefined);
  });

  it("is nothing when any bit of it was changed", () => {
    const sealed = Buffer.from(encrypt(key, "beepboop"), "base64");
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = Buffer.from(sealed);
      changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      assert.equal(decrypt(key, changed.toString("base64")), undefined, `bit ${bit}`);
    }
  });

  it("is nothing when it was cut, or is no hidden text at all", () => {
    const sealed = Buffer.from(encrypt(key, "beepboop"), "base64");
    for (let length = 0; length < sealed.length; length++) {
      assert.equal(decrypt(key, sealed.subarray(0, length).toString("base64")), undefined);
    }
    fc.assert(fc.property(fc.string(), (text) => assert.equal(decrypt(key, text), undefined)));
  });
});

describe("a comparison", () => {
  it("takes texts of any length", () => {
    assert.deepEqual([equal("a", "a"), equal("a", "ab"), equal("", "")], [true, false, true]);
  });
});
