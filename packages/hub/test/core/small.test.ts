import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { parseBasicAuth } from "../../src/core/basic-auth.js";
import { chooseName } from "../../src/core/drone-name.js";
import { readableSecret } from "../../src/core/readable-secret.js";
import { describePush } from "../../src/core/ref-change.js";
import { parseReference } from "../../src/core/reference.js";

test("a password is taken from the header, with any user name and with colons in it", () => {
  const header = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;
  assert.deepEqual(parseBasicAuth(header("git:beep:boop")), { user: "git", password: "beep:boop" });
  assert.deepEqual(parseBasicAuth(header(":pässword")), { user: "", password: "pässword" });
  for (const bad of [undefined, "", "Basic", "Basic !", "Bearer abc", header("nothing")]) {
    assert.equal(parseBasicAuth(bad), undefined);
  }
});

test("a made secret holds all 128 bits, so no two are alike", () => {
  assert.equal(readableSecret("0".repeat(32)), "00000-00000-00000-00000-00000-0");
  assert.equal(readableSecret("f".repeat(32)), "7zzzz-zzzzz-zzzzz-zzzzz-zzzzz-z");
  const hex = fc.string({
    minLength: 32,
    maxLength: 32,
    unit: fc.constantFrom(..."0123456789abcdef".split("")),
  });
  fc.assert(
    fc.property(hex, hex, (left, right) => {
      assert.equal(readableSecret(left) === readableSecret(right), left === right);
    }),
  );
});

test("a name that is taken gets the next free number, and stays within 63 characters", () => {
  const taken = new Set(["web", "web-1", "x".repeat(63)]);
  const isTaken = (name: string) => taken.has(name);
  assert.equal(chooseName("api", isTaken), "api");
  assert.equal(chooseName("web", isTaken), "web-2");
  assert.equal(chooseName("x".repeat(63), isTaken), `${"x".repeat(61)}-1`);
});

test("a reference is a hash, or names in order with a prefix behind them", () => {
  const hash = "74336BC1db98478e02e69f59e7100895be207389";
  assert.deepEqual(parseReference(hash), { kind: "hash", hash: hash.toLowerCase() });
  assert.deepEqual(parseReference("1234567890123456789012345678901234567890").kind, "hash");
  assert.deepEqual(parseReference("20261121"), {
    kind: "named",
    refs: ["refs/heads/20261121", "refs/tags/20261121"],
    prefix: "20261121",
  });
  assert.deepEqual(parseReference("abc"), {
    kind: "named",
    refs: ["refs/heads/abc", "refs/tags/abc"],
    prefix: undefined,
  });
  assert.deepEqual(parseReference("HEAD"), { kind: "named", refs: ["HEAD"], prefix: undefined });
});

test("what git would read as more than a name is no reference", () => {
  const bad = [
    "-x",
    "--all",
    "a~1",
    "a^",
    "a:b",
    "a..b",
    "@{1}",
    "@",
    "",
    "a b",
    "a\nb",
    "/a",
    "a/",
    ".a",
  ];
  for (const text of [...bad, "a.lock", "a//b", "a/.b", "x".repeat(251), "a\u0000"]) {
    assert.throws(() => parseReference(text), { code: "NO_COMMIT" }, JSON.stringify(text));
  }
});

test("a push is told in one sentence, with at most ten refs", () => {
  const newId = "1".repeat(40);
  const changes = Array.from({ length: 12 }, (_, at) => ({
    ref: `refs/heads/b${at}`,
    oldId: undefined,
    newId,
  }));
  const { text, commit } = describePush({ repo: "webapp", changes, by: "ann" });
  assert.match(text, /^ann pushed to webapp: b0 is new at 1111111, .* and 2 more$/);
  assert.equal(commit, newId);
});
