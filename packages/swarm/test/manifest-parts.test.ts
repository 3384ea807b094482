import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ManifestParts, packSigned, unpackSigned } from "../src/manifest-parts.js";
import { makeArtifact } from "./support/swarm.js";

const { signature, text } = makeArtifact(1, 1024 * 1024);

describe("a manifest on a line", () => {
  it("is the very text that was signed, in little more than half of its length", () => {
    const packed = packSigned({ text, signature });
    assert.deepEqual(unpackSigned(packed), { text, signature });
    assert.ok(packed.length < text.length / 2 + 300, `${packed.length} of ${text.length}`);
  });

  it("is whole once its last part is there", () => {
    const packed = packSigned({ text, signature });
    const parts = new ManifestParts();
    const [bytesAll, half] = [packed.length, packed.length >> 1];
    const part = (offset: number, end: number) =>
      parts.add({ bytesAll, offset, bytes: packed.subarray(offset, end) });
    assert.equal(part(0, half), undefined);
    assert.throws(() => part(half + 1, bytesAll), /in parts that do not fit/);
    assert.deepEqual(part(half, bytesAll), { text, signature });
  });

  it("is some text or a reason, whatever comes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          assert.equal(typeof unpackSigned(bytes).text, "string");
        } catch (thrown) {
          assert.equal((thrown as { code?: string }).code, "BAD_FRAME");
        }
      }),
    );
  });

  it("of a length that nobody has is refused at once", () => {
    const part = { bytesAll: 1e9, offset: 0, bytes: new Uint8Array(1) };
    assert.throws(() => new ManifestParts().add(part), /of 1000000000 bytes/);
  });
});
