import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { canBeOrdered, isAllowed, wantedHosts } from "../../src/core/certificate-hosts.js";

const acme = { hosts: [] as string[], allow: [] as string[] };

describe("the hosts an authority is asked for", () => {
  it("are those said by hand and those of routes that are allowed, each once", () => {
    const sources = {
      acme: { hosts: ["shop.test", "by.hand"], allow: ["*.test"] },
      routed: ["Shop.test", "blog.test", "a.blog.test", "example.com", "*.test", "webapp"],
      certificates: [],
    };
    assert.deepEqual(wantedHosts(sources, 0), ["a.blog.test", "blog.test", "by.hand", "shop.test"]);
  });

  it("are none of routes while nothing is allowed", () => {
    assert.deepEqual(wantedHosts({ acme, routed: ["shop.test"], certificates: [] }, 0), []);
  });

  it("are not those that have a good certificate from elsewhere", () => {
    const file = { source: "file" as const, notAfter: 100 };
    const certificates = [
      { ...file, names: ["*.shop.test"] },
      { ...file, names: ["blog.test"], source: "acme" as const },
    ];
    const hosts = ["shop.test", "a.shop.test", "a.b.shop.test", "blog.test"];
    const sources = { acme: { hosts, allow: [] }, routed: [], certificates };
    assert.deepEqual(wantedHosts(sources, 99), ["a.b.shop.test", "blog.test", "shop.test"]);
    assert.equal(wantedHosts(sources, 100).length, 4);
  });

  it("are whole names of hosts", () => {
    for (const host of ["shop.test", "a-b.c", "xn--bcher-kva.example", "1.a.test"]) {
      assert.ok(canBeOrdered(host), host);
    }
    const wrong = ["", "test", "*.test", "-a.test", "a-.test", "a..test", "a.test.", "10.0.0.1"];
    for (const host of [...wrong, "a_b.test", `${"a".repeat(64)}.test`, "ü.test", "A.test"]) {
      assert.ok(!canBeOrdered(host), host);
    }
    assert.ok(!canBeOrdered(`${"a.".repeat(126)}ab`));
  });

  it("are never allowed by what merely ends alike", () => {
    assert.ok(isAllowed(["*.shop.test"], "a.b.shop.test"));
    assert.ok(!isAllowed(["*.shop.test"], "shop.test"));
    assert.ok(!isAllowed(["*.shop.test"], "workshop.test"));
    assert.ok(!isAllowed(["shop.test"], "a.shop.test"));
    fc.assert(
      fc.property(fc.domain(), fc.domain(), (host, domain) => {
        const allowed = isAllowed([`*.${domain}`], host);
        assert.equal(allowed, host.endsWith(`.${domain}`));
        assert.ok(isAllowed(["*"], host));
      }),
    );
  });
});
