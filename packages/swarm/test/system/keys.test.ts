import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { nodeDigests } from "../../src/system/digests.js";
import { findHubKey } from "../../src/system/hub-key.js";
import { temporaryFolder } from "../support/folders.js";

describe("the hub's key", () => {
  it("is made once, kept for its owner alone, and signs what others can check", async (test) => {
    const folder = await temporaryFolder(test);
    const key = await findHubKey(folder);
    const signature = key.sign("a text: grüße");
    assert.equal(nodeDigests.isSignedBy(key.publicKey, "a text: grüße", signature), true);
    assert.equal((await stat(join(folder, "swarm-key"))).mode & 0o777, 0o600);
    const again = await findHubKey(folder);
    assert.equal(again.publicKey, key.publicKey);
    assert.equal(again.sign("a text: grüße"), signature);
    assert.ok(key.publicKey.length <= 200);
  });

  it("is not believed when something else lies there, and what lies there is not told", async (test) => {
    const folder = await temporaryFolder(test);
    const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
    const pem = rsa.export({ format: "pem", type: "pkcs8" }).toString();
    for (const text of ["", "nonsense-of-mine", pem]) {
      await writeFile(join(folder, "swarm-key"), text);
      await assert.rejects(findHubKey(folder), (error: Error & { code?: string }) => {
        assert.equal(error.code, "DATA_UNUSABLE");
        assert.match(error.message, /swarm-key holds no Ed25519 key/);
        assert.ok(!`${error.stack} ${String(error.cause)}`.includes("nonsense-of-mine"));
        return true;
      });
      assert.equal(await readFile(join(folder, "swarm-key"), "utf8"), text, "it is left as it is");
    }
  });
});

describe("digests", () => {
  it("are those of SHA-256", () => {
    const bytes = randomBytes(100_000);
    const expected = createHash("sha256").update(bytes).digest("hex");
    assert.equal(nodeDigests.sha256(bytes), expected);
    assert.equal(nodeDigests.sha256(new Uint8Array(bytes)), expected);
  });

  it("take a signature for what it is, and nothing else", async (test) => {
    const key = await findHubKey(await temporaryFolder(test));
    const stranger = await findHubKey(await temporaryFolder(test));
    const signature = key.sign("text");
    assert.equal(nodeDigests.isSignedBy(key.publicKey, "text", signature), true);
    assert.equal(nodeDigests.isSignedBy(key.publicKey, "text!", signature), false);
    assert.equal(nodeDigests.isSignedBy(stranger.publicKey, "text", signature), false);
    for (const wrong of ["", "x", "====", signature.slice(4), "\0"]) {
      assert.equal(nodeDigests.isSignedBy(key.publicKey, "text", wrong), false);
      assert.equal(nodeDigests.isSignedBy(wrong, "text", signature), false);
    }
  });

  it("take a key of another kind for none", () => {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const spki = publicKey.export({ format: "der", type: "spki" }).toString("base64");
    const signature = sign("sha256", Buffer.from("text"), privateKey).toString("base64");
    assert.equal(nodeDigests.isSignedBy(spki, "text", signature), false);
  });
});
