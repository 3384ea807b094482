import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isCommitPrefix, parseHostName } from "../../src/core/host-name.js";

test("reads the repository in front of any domain, the longest name first", () => {
  assert.deepEqual(parseHostName("My.App.localhost:8000"), {
    kind: "name",
    host: "my.app.localhost",
    candidates: ["my.app.localhost", "my.app", "my"],
  });
  assert.deepEqual(parseHostName("webapp."), {
    kind: "name",
    host: "webapp",
    candidates: ["webapp"],
  });
});

test("reads a commit or an environment in front of `--`, whatever the case", () => {
  assert.deepEqual(parseHostName("40548DA--webapp.localhost"), {
    kind: "name",
    host: "40548da--webapp.localhost",
    candidates: ["webapp.localhost", "webapp"],
    prefix: "40548da",
  });
  assert.deepEqual(parseHostName("Staging--my.app.example.com", "example.com"), {
    kind: "name",
    host: "staging--my.app.example.com",
    candidates: ["my.app"],
    prefix: "staging",
  });
  assert.deepEqual(["7433bc--", "40548da", "staging", "40548dag"].map(isCommitPrefix), [
    false,
    true,
    false,
    false,
  ]);
});

test("leaves `--` in a domain alone", () => {
  assert.deepEqual(parseHostName("webapp.xn--mnchen-3ya.de", "xn--mnchen-3ya.de"), {
    kind: "name",
    host: "webapp.xn--mnchen-3ya.de",
    candidates: ["webapp"],
  });
  const read = parseHostName("webapp.xn--mnchen-3ya.de");
  assert.ok(read.kind === "name" && read.prefix === undefined);
  assert.ok(read.candidates.includes("webapp"));
});

test("takes only what stands in front of a given domain, as a whole", () => {
  const domain = ".Example.com";
  assert.deepEqual(parseHostName("my.app.example.com", domain), {
    kind: "name",
    host: "my.app.example.com",
    candidates: ["my.app"],
  });
  for (const host of ["example.com", "webapp.example.org", "webappexample.com"]) {
    assert.equal(parseHostName(host, domain).kind, "foreign", host);
  }
});

test("finds no repository in addresses and nothing", () => {
  const hosts = ["127.0.0.1:80", "[::1]:80", "[fe80::1]", "", undefined];
  for (const host of hosts) assert.equal(parseHostName(host).kind, "foreign", host);
});

test("calls malformed what is no host name", () => {
  const hosts = [
    "a b",
    "a,b",
    "a/b",
    "user@a",
    "-a",
    ".a",
    "a:b",
    "a:999999",
    "ä",
    "a".repeat(300),
  ];
  for (const host of hosts) assert.equal(parseHostName(host).kind, "malformed", host);
});

test("has an answer for any text, and any name it gives is safe", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.option(fc.domain()), (host, domain) => {
      const read = parseHostName(host, domain ?? undefined);
      if (read.kind !== "name") return;
      for (const name of read.candidates) assert.match(name, /^[a-z0-9._-]*$/);
    }),
  );
});
