import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { credentialFromToken, fetchPassword, mintToken, verifyToken } from "../src/index.js";
import { keyOfCredential } from "../src/token.js";
import { clusterKey, crypto } from "./support/sessions.js";

const scope = {
  repo: "webapp",
  commit: "74336bc1db98478e02e69f59e7100895be207389",
  drone: "web-1",
  process: "a1b2",
};

describe("a token", () => {
  it("gives back the scope it was minted with", () => {
    const word = fc.string({ maxLength: 60 });
    fc.assert(
      fc.property(word, word, word, (repo, drone, process) => {
        const wanted = { ...scope, repo, drone, process };
        assert.deepEqual(
          verifyToken(crypto, clusterKey, mintToken(crypto, clusterKey, wanted)),
          wanted,
        );
      }),
    );
  });

  it("may name the deployment of its process, and says no more when it does not", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (deployment) => {
        const wanted = { ...scope, deployment };
        const token = mintToken(crypto, clusterKey, wanted);
        assert.deepEqual(verifyToken(crypto, clusterKey, token), wanted);
      }),
    );
    const known = verifyToken(crypto, clusterKey, mintToken(crypto, clusterKey, scope));
    assert.ok(known && !("deployment" in known));
  });

  it("is worth nothing when its deployment is put in, taken out or changed", () => {
    const deployment = "0123456789abcdef";
    const texts = [scope, { ...scope, deployment }, { ...scope, deployment: "f".repeat(16) }].map(
      (wanted) => mintToken(crypto, clusterKey, wanted).split(".") as [string, string],
    );
    for (const [text] of texts) {
      for (const [own, key] of texts) {
        const found = verifyToken(crypto, clusterKey, `${text}.${key}`);
        assert.equal(found !== undefined, text === own);
      }
    }
  });

  it("is worth nothing under another cluster key", () => {
    assert.equal(verifyToken(crypto, "other", mintToken(crypto, clusterKey, scope)), undefined);
  });

  it("is worth nothing when its scope or its key is changed", () => {
    const [text, key] = mintToken(crypto, clusterKey, scope).split(".") as [string, string];
    const other = mintToken(crypto, clusterKey, { ...scope, process: "ffff" }).split(".")[0];
    assert.equal(verifyToken(crypto, clusterKey, `${other}.${key}`), undefined);
    assert.equal(verifyToken(crypto, clusterKey, `${text}.${"0".repeat(64)}`), undefined);
  });

  it("does not hold the cluster key", () => {
    assert.ok(!mintToken(crypto, clusterKey, scope).includes(clusterKey));
  });

  it("becomes a credential whose key the server can compute", () => {
    const credential = credentialFromToken(mintToken(crypto, clusterKey, scope));
    assert.ok(credential);
    const known = keyOfCredential(crypto, clusterKey, credential.id);
    assert.deepEqual(known, { key: credential.key, scope });
  });

  it("fits into the credential field of a hello with the longest names there can be", () => {
    const longest = { repo: "r".repeat(50), commit: "a".repeat(64), drone: "d".repeat(63) };
    const token = mintToken(crypto, clusterKey, {
      ...longest,
      process: "p".repeat(40),
      deployment: "d".repeat(16),
    });
    assert.ok((credentialFromToken(token)?.id.length ?? Infinity) <= 1_100);
  });

  const none: readonly (readonly [string, string])[] = [
    ["an empty text", ""],
    ["a scope alone", encode(["a", "b", "c", "d"])],
    [
      "a scope with too few parts",
      `${encode(["webapp", scope.commit, "web-1"])}.${"0".repeat(64)}`,
    ],
    [
      "a scope with too many parts",
      `${encode(["webapp", scope.commit, "web-1", "a1b2", "0123456789abcdef", "more"])}.${"0".repeat(64)}`,
    ],
    [
      "a scope whose deployment is no text",
      `${encode(["webapp", scope.commit, "web-1", "a1b2", null])}.${"0".repeat(64)}`,
    ],
    ["a scope of numbers", `${encode([1, scope.commit, 2, 3])}.${"0".repeat(64)}`],
    ["a scope with a short commit", `${encode(["webapp", "74336bc", "d", "p"])}.${"0".repeat(64)}`],
    ["a key that is too short", `${encode(["webapp", scope.commit, "d", "p"])}.00`],
    ["a huge scope", `${encode(["w".repeat(5_000), scope.commit, "d", "p"])}.${"0".repeat(64)}`],
  ];
  for (const [what, text] of none) {
    it(`is not ${what}`, () => {
      assert.equal(credentialFromToken(text), undefined);
      assert.equal(verifyToken(crypto, clusterKey, text), undefined);
    });
  }

  it("is never found in any text by accident", () => {
    fc.assert(fc.property(fc.string(), (text) => credentialFromToken(text) === undefined));
  });
});

describe("a fetch password", () => {
  it("is another one in each session, and not the session key", () => {
    const one = fetchPassword(crypto, "session one");
    assert.match(one, /^[0-9a-f]{64}$/);
    assert.notEqual(one, fetchPassword(crypto, "session two"));
  });
});

function encode(parts: readonly unknown[]): string {
  return Buffer.from(JSON.stringify(parts)).toString("base64url");
}
