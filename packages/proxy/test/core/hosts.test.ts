/** Host names and paths: wildcards, prefixes, what is rewritten and where a redirect leads. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { HostRoute, Route } from "@propagit/protocol";
import { comparedPath, isBelow, prefixOf } from "../../src/core/path.js";
import { rewriteTarget } from "../../src/core/rewrite.js";
import { ask, forwarded, outcome, tableOf } from "../support/decisions.js";
import { commitA, commitB, commitC, endpointOf } from "../support/samples.js";

const endpoints = [
  endpointOf(1),
  endpointOf(2, { commit: commitB }),
  endpointOf(3, { commit: commitC }),
];
const route = (repo: string, commit: string, ...hosts: HostRoute[]): Route => ({
  repo,
  shares: [{ commit, weight: 1 }],
  hosts,
});

describe("a wildcard", () => {
  const table = tableOf({
    endpoints,
    routes: [
      route("tenants", commitA, { host: "*.example.com" }),
      route("site", commitB, { host: "www.example.com", path: "/shop" }),
      route("deep", commitC, { host: "*.eu.Example.com" }),
    ],
  });

  for (const [host, expected] of [
    ["a.example.com", 1],
    ["A.EXAMPLE.com:8000", 1],
    ["a.b.example.com", 1],
    ["a.eu.example.com", 3],
    ["eu.example.com", 1],
    ["40548da--x.example.com", 1],
  ] as const) {
    it(`takes ${host}`, () => assert.equal(outcome(table, host), expected));
  }

  it("does not take the name below which it is, nor one that only ends like it", () => {
    assert.match(String(outcome(table, "example.com")), /^NO_ROUTE/);
    assert.match(String(outcome(table, "badexample.com")), /^NO_ROUTE/);
  });

  it("comes behind an exact name, where that has a path that fits", () => {
    assert.equal(outcome(table, "www.example.com", "/shop/1"), 2);
    assert.equal(outcome(table, "www.example.com", "/"), 1);
  });

  it("comes before a repository's own name", () => {
    assert.equal(outcome(table, "site.example.com"), 1);
    assert.equal(outcome(table, "site.localhost"), 2);
  });
});

describe("a path", () => {
  const table = tableOf({
    endpoints,
    routes: [
      route("site", commitA, { host: "example.com" }),
      route("admin", commitB, { host: "example.com", path: "/admin", rules: { users: [] } }),
    ],
  });

  for (const target of [
    "/admin",
    "/admin/",
    "/admin?x",
    "/%61dmin",
    "/%41/../admin",
    "//admin",
    "/./admin",
    "/x/../admin/y",
    "/x/%2e%2e/admin",
    "/x%2f..%2fadmin",
    "/\\admin",
    "/admin;x=1",
    "/admin;x/y",
    "/x/..;/admin",
    "/x/..;y=/admin",
    "/;/admin",
    "/.;/admin",
    "/x/%2e%2e%3bz/admin",
  ]) {
    it(`is recognised in ${target}, so that its rules cannot be passed by`, () => {
      assert.match(String(outcome(table, "example.com", target)), /^UNAUTHORIZED/);
    });
  }

  for (const target of [
    "/",
    "/administrator",
    "/admin/../x",
    "/x?/admin",
    "/%2561dmin",
    "/Admin",
    "/x;/admin",
    "/admin/..;/x",
    "/x;/../y/admin",
  ]) {
    it(`is not in ${target}`, () => assert.equal(outcome(table, "example.com", target), 1));
  }

  it("reaches the app as it was sent", () => {
    assert.equal(
      forwarded(ask(table, "example.com", { target: "/a//b" })).requestTarget,
      undefined,
    );
  });

  it("compared twice is compared the same, and is never below nothing", () => {
    const path = fc
      .stringMatching(/^(?:\/|\.|%2e|%2f|;|%3b|a|b|\\|%61){0,12}$/)
      .map((one) => `/${one}`);
    fc.assert(
      fc.property(path, (one) => {
        const compared = comparedPath(one);
        assert.ok(compared.startsWith("/") && !compared.includes("//"), compared);
        assert.ok(!compared.split("/").includes("..") && !compared.split("/").includes("."));
        assert.ok(isBelow(compared, prefixOf(compared)));
      }),
      { seed: 3, numRuns: 2_000 },
    );
  });
});

describe("a rewrite", () => {
  for (const [target, prefix, rewrite, expected] of [
    ["/api/users?x=1", "/api", "/v1", "/v1/users?x=1"],
    ["/api", "/api", "/v1", "/v1"],
    ["/api?x", "/api", "/v1", "/v1?x"],
    ["/api/", "/api", "/v1/", "/v1/"],
    ["/api/users", "/api", "/", "/users"],
    ["/api", "/api", "/", "/"],
    ["/api?x", "/api", "/", "/?x"],
    ["/api//evil.example", "/api", "/", "/evil.example"],
    ["/api/%2fx", "/api", "/", "/x"],
    ["/users", "", "/v1", "/v1/users"],
    ["/", "", "/v1", "/v1/"],
    ["/%61pi/a%20b", "/api", "/v1", "/v1/a%20b"],
    ["/api/a%20b%3Fc", "/api", "/v1", "/v1/a%20b%3Fc"],
    ["/api/../api/x", "/api", "/v1", "/v1/x"],
    ["/x/../api/%C3%A9", "/api", "/v1", "/v1/%C3%A9"],
    ["/api/a;v=1/b", "/api", "/v1", "/v1/a;v=1/b"],
    ["/api/a%3Bb", "/api", "/v1", "/v1/a%3Bb"],
    ["/api//a%3Bb", "/api", "/v1", "/v1/a;b"],
    ["/api;k=1/a;b", "/api", "/v1", "/v1/a;b"],
    ["/api/..;/api/x", "/api", "/v1", "/v1/x"],
    ["/a;b/c/x;y/..", "/a/c", "/v1", "/v1/"],
    ["*", "", "/v1", "*"],
  ] as const) {
    it(`makes ${expected} of ${target}`, () => {
      assert.equal(rewriteTarget(target, prefix, rewrite), expected);
    });
  }

  it("never leads out of its prefix, nor to another host", () => {
    const rest = fc.stringMatching(/^(?:\/|\.|%2e|%2f|%5c|;|%3b|\\|a|\?){0,12}$/);
    fc.assert(
      fc.property(rest, fc.constantFrom("/", "/v1"), (one, rewrite) => {
        const target = `/api/${one}`;
        if (!isBelow(comparedPath(target), "/api")) return;
        const made = rewriteTarget(target, "/api", rewrite);
        assert.ok(!made.startsWith("//"), made);
        assert.ok(isBelow(comparedPath(made), prefixOf(rewrite)), made);
      }),
      { seed: 4, numRuns: 5_000 },
    );
  });

  it("is what the app gets", () => {
    const host = { host: "example.com", path: "/api", rewrite: "/" };
    const table = tableOf({ endpoints, routes: [route("api", commitA, host)] });
    const { requestTarget } = forwarded(ask(table, "example.com", { target: "/api/a?b" }));
    assert.equal(requestTarget, "/a?b");
  });
});

describe("a redirect", () => {
  const leads = (to: string, target: string, path?: string) =>
    outcome(
      {
        routes: [
          route("old", commitA, {
            host: "old.example",
            redirect: { to, status: 301 },
            ...(path !== undefined && { path }),
          }),
        ],
      },
      "old.example",
      target,
    );

  for (const [to, target, path, expected] of [
    ["https://new.example/*", "/a/b?c=d", undefined, "https://new.example/a/b?c=d"],
    ["https://new.example/*", "/", undefined, "https://new.example/"],
    ["https://new.example/shop/*", "/old/x", "/old", "https://new.example/shop/x"],
    ["https://new.example/*", "/old", "/old", "https://new.example/"],
    ["https://new.example/home", "/a?b", undefined, "https://new.example/home?b"],
    ["https://new.example/?from=old", "/a?b=c", undefined, "https://new.example/?from=old&b=c"],
    ["https://new.example/#top", "/a?b=c", undefined, "https://new.example/?b=c#top"],
    ["/*", "/old//evil.example", "/old", "/evil.example"],
  ] as const) {
    it(`from ${target} leads to ${expected}`, () => {
      assert.equal(leads(to, target, path), `301 ${expected}`);
    });
  }
});
