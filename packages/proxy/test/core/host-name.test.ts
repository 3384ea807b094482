import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseHostName } from "../../src/core/host-name.js";

test("reads the repository in front of any domain, the longest name first", () => {
  assert.deepEqual(parseHostName("My.App.localhost:8000"), {
    kind: "name",
    candidates: ["my.app.localhost", "my.app", "my"],
  });
  assert.deepEqual(parseHostName("webapp."), { kind: "name", candidates: ["webapp"] });
});

test("reads the commit in front of `--`, whatever the case", () => {
  assert.deepEqual(parseHostName("40548DA--webapp.localhost"), {
    kind: "name",
    candidates: ["webapp.localhost", "webapp"],
    commitPrefix: "40548da",
  });
});

test("takes only what stands in front of a given domain, as a whole", () => {
  const domain = ".Example.com";
  assert.deepEqual(parseHostName("my.app.example.com", domain), {
    kind: "name",
    candidates: ["my.app"],
  });
  for (const host of ["example.com", "webapp.example.org", "webappexample.com"]) {
    assert.equal(parseHostName(host, domain).kind, "foreign", host);
  }
});

test("finds no repository in addresses, nothing, and names with something else before `--`", () => {
  const hosts = ["127.0.0.1:80", "[::1]:80", "[fe80::1]", "", undefined, "short--webapp.localhost"];
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
