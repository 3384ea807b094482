import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  checkManifest,
  encodeManifest,
  parseManifest,
  pieceBytesFor,
  pieceCountOf,
  type Manifest,
} from "../src/index.js";
import { digests, hubKey, makeArtifact } from "./support/swarm.js";

const artifact = makeArtifact(1, 100_000);
const MiB = 1024 * 1024;

describe("a manifest", () => {
  it("is the same again from its text", () => {
    assert.deepEqual(parseManifest(artifact.text), artifact.manifest);
    const thin: Manifest = { ...artifact.manifest, base: "a".repeat(40) };
    assert.deepEqual(parseManifest(encodeManifest(thin)), thin);
  });

  it("has pieces of a power of two between 8 KiB and 4 MiB, about 512 of them", () => {
    const sizes = [1, 5 * MiB, 16 * MiB, 16 * MiB + 1, 100 * MiB, 1024 * MiB, 10 * 1024 * MiB];
    assert.deepEqual(
      sizes.map((size) => pieceBytesFor(size) / 1024),
      [8, 16, 32, 64, 256, 2048, 4096],
    );
    fc.assert(
      fc.property(fc.integer({ min: 4 * MiB, max: 2048 * MiB }), (bytes) => {
        const count = pieceCountOf({ bytes, pieceBytes: pieceBytesFor(bytes) });
        assert.ok(count > 256 && count <= 512, `${count}`);
      }),
    );
  });

  const changed: readonly [string, object, RegExp][] = [
    ["of another version", { propagit: 2 }, /is of another version/],
    ["without a repository", { repo: "" }, /names no repository/],
    ["of no commit", { commit: "main" }, /names no commit/],
    ["with a base that is none", { base: "main" }, /has a base that is no commit/],
    ["of nothing", { bytes: 0 }, /is of nothing/],
    ["with odd pieces", { pieceBytes: 40_000 }, /has pieces of 40000 bytes/],
    ["with giant pieces", { pieceBytes: 2 ** 30 }, /has pieces of 1073741824 bytes/],
    ["with countless pieces", { bytes: 2 ** 40, pieceBytes: 1024 }, /has 1073741824 pieces/],
    ["with a hash too few", { pieces: "0".repeat(64) }, /has not one hash for each piece/],
    ["with a hash that is none", { sha256: "0" }, /has no hash of the whole/],
    ["with more in it", { also: 1 }, /is not written as manifests are/],
  ];
  for (const [what, change, reason] of changed)
    it(`${what} is refused, with the reason`, () => {
      const text = JSON.stringify({ ...(JSON.parse(artifact.text) as object), ...change });
      assert.throws(() => parseManifest(text), reason);
    });

  it("in another spelling is refused: it would have two ids", () => {
    assert.throws(() => parseManifest(`${artifact.text} `), /is not written as manifests are/);
  });

  it("never makes anything but a reason of any text", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        assert.throws(() => parseManifest(text), { code: "BAD_FRAME" });
      }),
    );
  });

  it("is believed only for its own artifact, and only with the hub's signature", () => {
    const { id, manifest, signature, text } = artifact;
    const check = (change: object) =>
      checkManifest({ signed: { text, signature }, artifact: id, hubKey, digests, ...change });
    assert.deepEqual(check({}), manifest);
    assert.throws(() => check({ artifact: "0".repeat(64) }), /is of another artifact/);
    assert.throws(() => check({ hubKey: "another" }), /is not signed by the hub/);
    assert.throws(() => check({ signed: { text, signature: "x" } }), /is not signed by the hub/);
  });
});
