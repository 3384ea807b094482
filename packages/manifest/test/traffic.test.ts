import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PropagitError, type Rules, type Specification } from "@propagit/protocol";
import {
  readManifest,
  readRuleChanges,
  readRuleName,
  specificationOf,
  wordOfRule,
} from "../src/index.js";

function specification(yaml: string, environment = "production"): Specification {
  return specificationOf(readManifest(new Map([["propagit.yaml", yaml]])), environment);
}

/** Each rule as it may be written, and what proxies get. */
const written: readonly (readonly [string, Rules])[] = [
  ["maintenance: back soon", { maintenance: { text: "back soon" } }],
  [
    'maintenance: { text: "<p>soon</p>", retryAfter: 90s }',
    { maintenance: { text: "<p>soon</p>", retryAfterSeconds: 90 } },
  ],
  ["allow: 10.0.0.0/8", { allow: ["10.0.0.0/8"] }],
  ["deny: [192.0.2.7, 2001:db8::/32]", { deny: ["192.0.2.7", "2001:db8::/32"] }],
  ["pins: true", { pins: true }],
  ["maxBody: 10MB", { bodyBytesMax: 10 * 1024 ** 2 }],
  ["rate: 100/s", { rate: { perSecond: 100, burst: 100, by: "address" } }],
  ["rate: 30/m", { rate: { perSecond: 0.5, burst: 1, by: "address" } }],
  [
    "rate: { limit: 3600/h, burst: 20, by: visitor }",
    { rate: { perSecond: 1, burst: 20, by: "visitor" } },
  ],
  [
    "rate: { limit: 5/s, header: X-Api-Key }",
    { rate: { perSecond: 5, burst: 5, by: "header", header: "X-Api-Key" } },
  ],
  [
    "timeouts: { connect: 500ms, head: 30s, idle: 5m }",
    { timeouts: { connectMs: 500, headMs: 30_000, idleMs: 300_000 } },
  ],
  ["retries: 2", { retries: { attempts: 2, budgetPercent: 20 } }],
  ["retries: { attempts: 1, budget: 5% }", { retries: { attempts: 1, budgetPercent: 5 } }],
  ["visitor: { header: X-User, cookie: uid }", { visitor: { header: "X-User", cookie: "uid" } }],
  ["stickyInstance: true", { stickyInstance: true }],
  ["slowStart: 30s", { slowStartMs: 30_000 }],
  ["httpsOnly: true", { httpsOnly: true }],
  ["hsts: 365d", { hsts: { maxAgeSeconds: 31_536_000 } }],
  [
    "hsts: { maxAge: 1h, includeSubdomains: true, preload: false }",
    { hsts: { maxAgeSeconds: 3_600, includeSubdomains: true, preload: false } },
  ],
  [
    "requestHeaders: { set: { X-Version: 1.10 }, remove: [Accept-Language] }",
    { requestHeaders: { set: { "X-Version": "1.10" }, remove: ["Accept-Language"] } },
  ],
  ["requestHeaders: { set: { Host: a.b:80 } }", { requestHeaders: { set: { Host: "a.b:80" } } }],
  ["answerHeaders: { remove: Server }", { answerHeaders: { remove: ["Server"] } }],
];

describe("rules of traffic", () => {
  for (const [line, rules] of written) {
    it(`takes ${line}, for an environment and beside a host`, () => {
      const yaml = `services: {}\ntraffic:\n  ${line}\nroutes:\n  - host: a.example\n    ${line}\n`;
      const made = specification(yaml);
      assert.deepEqual(made.rules, rules);
      assert.deepEqual(made.routes, [{ host: "a.example", rules }]);
    });
  }

  it("are of every environment, and laid over key by key in one", () => {
    const yaml = `services: {}
traffic: { rate: { limit: 10/s, burst: 5 }, pins: true, maxBody: 1M }
environments:
  staging:
    traffic: { rate: { limit: 1/s }, pins: null, allow: 10.0.0.0/8 }
`;
    assert.deepEqual(specification(yaml).rules, specification(yaml, "other").rules);
    assert.deepEqual(specification(yaml, "staging").rules, {
      rate: { perSecond: 1, burst: 5, by: "address" },
      bodyBytesMax: 1024 ** 2,
      allow: ["10.0.0.0/8"],
    });
  });

  it("are absent when nothing is said, so that what ran before is as before", () => {
    assert.ok(!("rules" in specification("services: {}\ntraffic: {}")));
  });
});

describe("host names", () => {
  it("may be wildcards, take off or replace their path, or send elsewhere", () => {
    const { routes } = specification(`services: { web: x }
routes:
  - "*.example.com"
  - { host: a.example, path: /api, strip: true }
  - { host: a.example, path: /old, rewrite: /new, service: web }
  - { host: b.example, redirect: https://a.example/* }
  - { host: b.example, path: /x, redirect: { to: https://a.example, status: 301 } }
`);
    assert.deepEqual(routes, [
      { host: "*.example.com" },
      { host: "a.example", path: "/api", rewrite: "/" },
      { host: "a.example", path: "/old", service: "web", rewrite: "/new" },
      { host: "b.example", redirect: { to: "https://a.example/*", status: 307 } },
      { host: "b.example", path: "/x", redirect: { to: "https://a.example", status: 301 } },
    ]);
  });
});

const refusals: readonly (readonly [string, RegExp])[] = [
  ["traffic: { pause: 30s }", /^1:12: "pause" is not known in `traffic`/],
  ["traffic: { users: {} }", /"users" is not known/],
  ["traffic: { maxbody: 1M }", /did you mean `maxBody`/],
  ["traffic: { allow: 10.0.0.0/33 }", /"10.0.0.0\/33" is not an address or a network/],
  ["traffic: { deny: [localhost] }", /`traffic.deny\[0\]` "localhost" is not an address/],
  ["traffic: { rate: 100 }", /"100" is not a rate such as 100\/s/],
  ["traffic: { rate: 0/s }", /not a rate/],
  ["traffic: { rate: { limit: 1/s, by: visitor, header: X-A } }", /both `by` and `header`/],
  ["traffic: { rate: { burst: 1 } }", /`traffic.rate` has no `limit`/],
  ["traffic: { timeouts: { head: 30 } }", /"30" has no unit; write 30s/],
  ["traffic: { retries: 11 }", /not a whole number from 0 to 10/],
  ["traffic: { retries: { attempts: 1, budget: 101% } }", /not a percentage/],
  ["traffic: { visitor: {} }", /neither a `header` nor a `cookie`/],
  ["traffic: { visitor: { header: 'a b' } }", /is not a header's name/],
  [
    "traffic: { requestHeaders: { set: { Content-Length: 1 } } }",
    /^1:\d+: .*cannot change Content-Length/,
  ],
  ["traffic: { requestHeaders: { set: { X-Forwarded-For: 1 } } }", /cannot change X-Forwarded-For/],
  ["traffic: { answerHeaders: { remove: Transfer-Encoding } }", /cannot change Transfer-Encoding/],
  ['traffic: { answerHeaders: { set: { X-A: "a\\nb" } } }', /characters that no header can have/],
  ["traffic: { requestHeaders: { set: { Host: a/b } } }", /cannot change Host/],
  ["traffic: { answerHeaders: { set: { Host: a } } }", /cannot change Host/],
  ["traffic: { hsts: 4000d }", /longer than 3650d/],
  ["traffic: { pins: yes please }", /neither true nor false/],
  ['routes: ["*"]', /is not a host name/],
  ['routes: ["a.*.example"]', /is not a host name/],
  ["routes: [{ host: a.b, strip: true }]", /no `path` that could be taken off/],
  ["routes: [{ host: a.b, path: /x, strip: true, rewrite: /y }]", /both `strip` and `rewrite`/],
  ["routes: [{ host: a.b, redirect: www.example.com }]", /is not an URL such as/],
  ["routes: [{ host: a.b, redirect: 'javascript:alert(1)' }]", /is not an URL/],
  ["routes: [{ host: a.b, redirect: { to: http://a.b, status: 303 } }]", /none of 301, 302/],
  [
    "routes: [{ host: a.b, rewrite: /x, redirect: http://c.d }]",
    /a redirect needs no service and no rewrite/,
  ],
  ["routes: [{ host: a.b, path: '/x?y=1' }]", /is not a path/],
];

describe("what cannot be said of traffic", () => {
  for (const [yaml, says] of refusals) {
    it(`refuses ${yaml}`, () => {
      assert.throws(
        () => specification(yaml),
        (thrown) => {
          assert.ok(thrown instanceof PropagitError);
          assert.equal(thrown.code, "BAD_MANIFEST");
          assert.match(thrown.message.replaceAll("propagit.yaml:", ""), says);
          return true;
        },
      );
    });
  }
});

describe("rules on a command line", () => {
  it("are those of the manifest, in parts or whole, and taken away with off", () => {
    const words = [
      "rate=100/s",
      "timeouts.head=30s",
      "timeouts.idle=1m",
      "allow=10.0.0.0/8, 192.0.2.7",
      "sticky-instance=true",
      "request-headers.set.X-A.b=1=2",
      "max-body=1M",
      "maintenance.text=404: gone",
      "maintenance.retry-after=1m",
      "hsts={ maxAge: 1d, preload: true }",
      "pins=off",
    ];
    assert.deepEqual(readRuleChanges(words), {
      set: {
        rate: { perSecond: 100, burst: 100, by: "address" },
        timeouts: { headMs: 30_000, idleMs: 60_000 },
        allow: ["10.0.0.0/8", "192.0.2.7"],
        stickyInstance: true,
        requestHeaders: { set: { "X-A.b": "1=2" } },
        bodyBytesMax: 1024 ** 2,
        maintenance: { text: "404: gone", retryAfterSeconds: 60 },
        hsts: { maxAgeSeconds: 86_400, preload: true },
      },
      off: ["pins"],
    });
    assert.deepEqual(readRuleChanges(["allow=[]"]).set, { allow: [] });
    assert.equal(readRuleName("slow-start"), "slowStartMs");
    assert.deepEqual([wordOfRule("slowStartMs"), wordOfRule("pins")], ["slowStart", "pins"]);
  });

  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [["rate"], /"rate" is not of the form KEY=VALUE/],
    [["=1"], /not of the form/],
    [["allow="], /allow is given nothing/],
    [["maintenance="], /maintenance is given nothing/],
    [["max-body=8192T"], /maxBody "8192T" is above 8191T/],
    [["rat=1/s"], /there is no rule "rat"; did you mean rate\?/],
    [["__proto__.x=1"], /there is no rule "__proto__"/],
    [["constructor=1"], /there is no rule/],
    [["rate=fast"], /rate.limit "fast" is not a rate such as 100\/s/],
    [["rate=1/s", "rate=2/s"], /rate is given twice/],
    [["rate=1/s", "rate.burst=2"], /as a whole and in parts/],
    [["rate=1/s", "rate=off"], /rate is given a value and `off`/],
    [["hsts={ a"], /the value of hsts is not YAML/],
    [["timeouts.heat=1s"], /"heat" is not known in timeouts; did you mean head\?/],
    [["allow=here"], /is not an address or a network/],
  ];
  for (const [words, says] of wrong) {
    it(`refuses ${words.join(" ")}`, () => {
      assert.throws(
        () => readRuleChanges(words),
        (thrown) => {
          assert.ok(thrown instanceof PropagitError, String(thrown));
          assert.equal(thrown.code, "BAD_RULE");
          assert.match(thrown.message, says);
          return true;
        },
      );
    });
  }
});
