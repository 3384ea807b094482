import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isIP } from "node:net";
import * as fc from "fast-check";
import { findHostProblem, findRuleProblem, isNetwork, untouchableHeader } from "../src/index.js";

describe("a network", () => {
  it("is an address with as many bits as it has, or without", () => {
    const right = [
      "10.0.0.0/8",
      "192.0.2.7",
      "0.0.0.0/0",
      "::/0",
      "::1",
      "2001:db8::/32",
      "::ffff:1.2.3.4/128",
    ];
    const wrong = [
      "",
      "10.0.0.0/33",
      "10.0.0",
      "01.2.3.4",
      "256.1.1.1",
      "::1/129",
      ":::1",
      "1::2::3",
      "a",
      "::1/",
      "1.2.3.4/8/9",
      "::1.2.3",
    ];
    for (const text of right) assert.ok(isNetwork(text), text);
    for (const text of wrong) assert.ok(!isNetwork(text), text);
  });

  it("property: without bits is just what Node takes for an address", () => {
    const group = fc.oneof(
      fc.stringMatching(/^[0-9a-fA-F]{0,5}$/),
      fc.constantFrom("", "0", "1.2.3.4"),
    );
    const text = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.array(group, { maxLength: 10 }).map((groups) => groups.join(":")),
      fc.array(fc.nat(300), { maxLength: 5 }).map((parts) => parts.join(".")),
    );
    fc.assert(
      fc.property(text, (one) => {
        assert.equal(isNetwork(one), isIP(one) !== 0, one);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("rules", () => {
  it("of headers leave alone what says how long a message is and who sent it", () => {
    for (const name of [
      "Content-Length",
      "transfer-encoding",
      "X-Forwarded-For",
      "Via",
      "Connection",
    ]) {
      assert.equal(untouchableHeader("requestHeaders", { set: { [name]: "1" } }), name);
      assert.equal(untouchableHeader("answerHeaders", { remove: [name] }), name);
    }
    assert.equal(untouchableHeader("requestHeaders", { set: { Host: "a.b:80" } }), undefined);
    assert.equal(untouchableHeader("requestHeaders", { set: { Host: "a b" } }), "Host");
    assert.equal(untouchableHeader("requestHeaders", { remove: ["host"] }), "host");
    assert.equal(
      untouchableHeader("answerHeaders", { set: { "X-A": "1" }, remove: ["Server"] }),
      undefined,
    );
  });

  it("that no proxy could keep are told apart", () => {
    const rate = { perSecond: 1, burst: 1 };
    assert.equal(findRuleProblem({ rate: { ...rate, by: "header", header: "X-A" } }), undefined);
    assert.equal(findRuleProblem({ rate: { ...rate, by: "header" } })?.rule, "rate");
    assert.equal(
      findRuleProblem({ rate: { ...rate, by: "visitor", header: "X-A" } })?.rule,
      "rate",
    );
    assert.equal(findRuleProblem({ visitor: {} })?.rule, "visitor");
    assert.equal(findRuleProblem({ deny: ["x"] })?.rule, "deny");
    const user = { name: "ann", hash: "" };
    assert.equal(findRuleProblem({ users: [user, user] })?.why, "has ann twice");
  });
});

describe("a host name", () => {
  it("is exact or everything below one, and leads somewhere or is sent elsewhere", () => {
    const to = { to: "https://a.example/*", status: 308 } as const;
    for (const route of [
      { host: "a.example" },
      { host: "*.a.example", path: "/x", rewrite: "/", service: "web" },
      { host: "localhost", redirect: to },
    ]) {
      assert.equal(findHostProblem(route), undefined);
    }
    for (const route of [
      { host: "*" },
      { host: "a..b" },
      { host: "-a" },
      { host: "a", path: "x" },
      { host: "a", path: "/x?y" },
      { host: "a", rewrite: "//evil\n" },
      { host: "a", redirect: { to: "//b", status: 307 } as const },
      { host: "a", redirect: { to: "http://a b", status: 307 } as const },
      { host: "a", redirect: to, service: "web" },
    ]) {
      assert.notEqual(findHostProblem(route), undefined, JSON.stringify(route));
    }
  });
});

it("takes a path in its plainest form only, so that one place has one spelling", () => {
  const paths = ["/x//y", "/x/./y", "/x/../y", "/..", "/x;y", "/x\\y", "/%2e%2e/x", "/x%2Fy"];
  for (const path of paths) {
    assert.match(findHostProblem({ host: "a.example", path }) ?? "", /in another way/, path);
  }
  const escaped = { "/%78": "/x", "/caf%c3%a9": "/caf%C3%A9", "/a%40b": "/a@b", "/5%": "/5%25" };
  for (const [path, plain] of Object.entries(escaped)) {
    const why = `${JSON.stringify(path)} could be written in another way: write it as "${plain}"`;
    assert.equal(findHostProblem({ host: "a.example", path }), why);
  }
  for (const path of ["/", "/x/", "/.well-known/x", "/x.y", "/a..b", "/caf%C3%A9", "/5%25"]) {
    assert.equal(findHostProblem({ host: "a.example", path }), undefined, path);
  }
});
