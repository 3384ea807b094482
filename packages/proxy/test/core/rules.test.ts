/** What a route's rules do before a request is sent anywhere, and to what is sent. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Rules } from "@propagit/protocol";
import { decide } from "../../src/core/decision.js";
import { refusalHeaders, statusOf } from "../../src/core/outcome.js";
import type { RouteTable } from "../../src/core/route-table.js";
import {
  ask,
  forwarded,
  outcome,
  outcomeOf,
  refused,
  requestTo,
  situationOf,
  tableOf,
} from "../support/decisions.js";
import { commitA, routeOf } from "../support/samples.js";

const host = "webapp.localhost";
const hash = "scrypt$16384$8$5$c2FsdA$a2V5";

const withRules = (rules: Rules, ofHost?: Rules): RouteTable =>
  tableOf({
    routes: [
      {
        ...routeOf([commitA, 1]),
        rules,
        hosts: [{ host: "www.example.com", ...(ofHost && { rules: ofHost }) }],
      },
    ],
  });

const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;

describe("plain HTTP, where only HTTPS is served,", () => {
  const table = withRules({ httpsOnly: true });

  it("is answered with the same place over TLS, method and body kept", () => {
    assert.equal(
      outcome(table, "www.example.com:80", "/a?b=c"),
      "308 https://www.example.com/a?b=c",
    );
    assert.equal(outcome(table, "www.example.com", { target: "/a", isSecure: true }), 1);
  });

  it("is told the port of the listener for TLS when it is not the usual one", () => {
    const rules = { httpsOnly: true };
    const given = { routes: [{ ...routeOf([commitA, 1]), rules }], tlsPort: 8443 };
    assert.equal(
      outcome(given, "webapp.localhost:8000", "/"),
      "308 https://webapp.localhost:8443/",
    );
  });
});

describe("Strict-Transport-Security", () => {
  it("is said over TLS only, in place of what the app says", () => {
    const hsts = { maxAgeSeconds: 300, includeSubdomains: true, preload: true };
    const table = withRules({ hsts });
    const { answerEdits } = forwarded(ask(table, host, { isSecure: true }));
    const line = "strict-transport-security: max-age=300; includeSubDomains; preload\r\n";
    assert.ok(answerEdits.lines.includes(line));
    assert.ok(answerEdits.dropped.has("strict-transport-security"));
    assert.doesNotMatch(forwarded(ask(table, host)).answerEdits.lines, /strict/);
  });
});

describe("networks", () => {
  const from = (table: RouteTable, address: string) => ask(table, host, { address }).kind;

  it("that are denied may not come, whatever is allowed", () => {
    const table = withRules({ allow: ["10.0.0.0/8"], deny: ["10.1.0.0/16"] });
    assert.equal(from(table, "10.2.3.4"), "forward");
    assert.equal(from(table, "10.1.3.4"), "refuse");
    assert.equal(from(table, "192.0.2.1"), "refuse");
    assert.equal(from(table, "::ffff:10.2.3.4"), "forward");
    const refusal = refused(ask(table, host, { address: "192.0.2.1" }));
    assert.equal(statusOf(refusal), 403);
    assert.equal(refusal.message, "webapp takes no visitors from 192.0.2.1");
  });

  it("are nobody's when the list is empty", () => {
    assert.equal(from(withRules({ allow: [] }), "10.2.3.4"), "refuse");
  });
});

describe("maintenance", () => {
  it("answers everybody with its text, as HTML when it looks like it", () => {
    const table = withRules({ maintenance: { text: "<p>back soon", retryAfterSeconds: 60 } });
    const answer = ask(table, host);
    assert.ok(answer.kind === "maintenance");
    assert.deepEqual(
      [answer.text, answer.isHtml, answer.retryAfterSeconds],
      ["<p>back soon", true, 60],
    );
    const plain = ask(withRules({ maintenance: { text: "back soon" } }), host);
    assert.equal(plain.kind === "maintenance" && plain.isHtml, false);
  });

  it("is for those who may come only", () => {
    const table = withRules({ maintenance: { text: "secret plans" }, deny: ["192.0.2.0/24"] });
    assert.equal(ask(table, host, { address: "192.0.2.1" }).kind, "refuse");
  });
});

describe("a pause", () => {
  const table = withRules({ pause: { limitMs: 2_000 } });

  it("holds requests up to its limit, then refuses them with Retry-After", () => {
    const first = ask(table, host);
    assert.ok(first.kind === "hold");
    assert.equal(first.leftMs, 2_000);
    const later = ask(table, host, {}, { heldMs: 1_500 });
    assert.equal(later.kind === "hold" && later.leftMs, 500);
    const late = refused(ask(table, host, {}, { heldMs: 2_000 }));
    assert.equal(late.message, "webapp is paused, and was not resumed within 2 s");
    assert.deepEqual(refusalHeaders(late), ["Retry-After", "5"]);
  });

  it("lets those who were held go on once it is over", () => {
    const resumed = withRules({ pause: { limitMs: 2_000 } });
    assert.equal(ask(resumed, host).kind, "hold");
    const route = { ...routeOf([commitA, 1]), rules: {} };
    const nothing = { deployments: [], droppedRoutes: [], droppedDeployments: [] };
    resumed.takeBook({ kind: "change", revision: 2, routes: [route], ...nothing }, 0);
    assert.equal(ask(resumed, host, {}, { heldMs: 1_000 }).kind, "forward");
  });
});

describe("users", () => {
  const table = withRules({ users: [{ name: "ann", hash }] });
  const as = (text: string, proof?: { hash: string; fits: boolean }) =>
    ask(table, host, { headers: { authorization: basic(text) } }, proof && { proof });

  it("are asked for a name and a password", () => {
    const refusal = refused(ask(table, host));
    assert.equal(statusOf(refusal), 401);
    assert.deepEqual(refusalHeaders(refusal), [
      "WWW-Authenticate",
      'Basic realm="webapp", charset="UTF-8"',
    ]);
    for (const authorization of ["Basic", "Basic !", "Bearer x", basic("no colon"), "Basic /w=="]) {
      assert.equal(refused(ask(table, host, { headers: { authorization } })).code, "UNAUTHORIZED");
    }
  });

  it("are proven elsewhere, and the proof counts for that password only", () => {
    const prove = as("ann:pass:wörd");
    assert.ok(prove.kind === "prove");
    assert.deepEqual([prove.name, prove.password, prove.hash], ["ann", "pass:wörd", hash]);
    assert.equal(as("ann:x", { hash, fits: true }).kind, "forward");
    assert.equal(as("ann:x", { hash, fits: false }).kind, "refuse");
    assert.equal(as("ann:x", { hash: "of another time", fits: true }).kind, "prove");
  });

  it("are checked at the same cost whether there is such a name or not, and let in only when there is", () => {
    const prove = as("bob:x");
    assert.ok(prove.kind === "prove");
    assert.notEqual(prove.hash, hash);
    assert.deepEqual(prove.hash.split("$").slice(0, 5), hash.split("$").slice(0, 5));
    assert.equal(prove.hash.length, hash.length);
    for (const fits of [true, false]) {
      assert.equal(as("bob:x", { hash: prove.hash, fits }).kind, "refuse");
      assert.equal(as("bob:x", { hash, fits }).kind, "prove");
    }
    assert.equal(as("ann:x", { hash: prove.hash, fits: true }).kind, "prove");
  });

  it("do not have their password shown to the app", () => {
    const decision = forwarded(as("ann:x", { hash, fits: true }));
    assert.ok(decision.requestEdits.dropped.has("authorization"));
    assert.ok(!forwarded(ask({})).requestEdits.dropped.has("authorization"));
  });

  it("are nobody when the list is empty", () => {
    const empty = withRules({ users: [] });
    assert.equal(ask(empty, host, { headers: { authorization: basic("ann:x") } }).kind, "refuse");
  });
});

describe("a rate", () => {
  const rate = { perSecond: 2, burst: 3, by: "address" } as const;
  const hit = (table: RouteTable, now: number, asked = {}) =>
    decide(situationOf(table, { now }), requestTo(host, asked));

  it("lets a burst pass, then as many as it says, and tells when to come again", () => {
    const table = withRules({ rate });
    const kinds = [0, 0, 0, 0].map((now) => hit(table, now).kind);
    assert.deepEqual(kinds, ["forward", "forward", "forward", "refuse"]);
    const refusal = refused(hit(table, 100));
    assert.equal(statusOf(refusal), 429);
    assert.deepEqual(refusalHeaders(refusal), ["Retry-After", "1"]);
    assert.equal(hit(table, 500).kind, "forward");
    assert.equal(hit(table, 500).kind, "refuse");
    assert.equal(hit(table, 500, { address: "192.0.2.2" }).kind, "forward");
  });

  it("goes on counting over a change of other rules", () => {
    const table = withRules({ rate });
    for (const now of [0, 0, 0]) hit(table, now);
    const route = { ...routeOf([commitA, 1]), rules: { rate, bodyBytesMax: 5 } };
    const nothing = { deployments: [], droppedRoutes: [], droppedDeployments: [] };
    table.takeBook({ kind: "change", revision: 2, routes: [route], ...nothing }, 0);
    assert.equal(hit(table, 0).kind, "refuse");
  });

  it("counts by what is asked for, and by the address of those who do not say it", () => {
    const table = withRules({ rate: { ...rate, by: "header", header: "X-Key" } });
    const by = (key: string) => hit(table, 0, { headers: { "x-key": key } }).kind;
    assert.deepEqual(["a", "a", "a", "a", "b"].map(by), [
      "forward",
      "forward",
      "forward",
      "refuse",
      "forward",
    ]);
    const without = [0, 0, 0, 0].map(() => hit(table, 0).kind);
    assert.deepEqual(without, ["forward", "forward", "forward", "refuse"]);
  });

  it("is not won by taking new addresses out of one's own network", () => {
    const table = withRules({ rate });
    const kinds = [1, 2, 3, 4].map((last) => hit(table, 0, { address: `2001:db8::${last}` }).kind);
    assert.deepEqual(kinds, ["forward", "forward", "forward", "refuse"]);
  });
});

describe("rules of a host name", () => {
  it("win over those of the environment, key by key", () => {
    const table = withRules({ deny: ["192.0.2.1"], httpsOnly: true }, { httpsOnly: false });
    assert.equal(outcome(table, host), "308 https://webapp.localhost/");
    assert.equal(
      outcome(table, "www.example.com"),
      "FORBIDDEN webapp takes no visitors from 192.0.2.1",
    );
    assert.equal(outcome(table, "www.example.com", { address: "192.0.2.9" }), 1);
  });

  it("hold for the names of commits, too, as those of the environment do", () => {
    const route = { ...routeOf([commitA, 1]), rules: { deny: ["192.0.2.1"] } };
    const given = { routes: [route], deployments: [{ repo: "webapp", commit: commitA }] };
    assert.match(String(outcome(given, "aaaaaaa--webapp.localhost")), /^FORBIDDEN/);
  });
});

describe("rules where nothing is promoted", () => {
  const rules = { users: [] };
  const at = (environment: string) => ({ repo: "webapp", environment });
  const deployment = { repo: "webapp", commit: commitA, branches: ["fix-cart"] };

  for (const environment of ["production", "preview"]) {
    const table = tableOf({
      routes: [{ ...at(environment), shares: [], rules }],
      deployments: [{ ...deployment, environment }],
    });
    const names = ["aaaaaaa--webapp", "fix-cart--webapp", `${environment}--webapp`];
    for (const name of [...names, ...(environment === "production" ? ["webapp"] : [])]) {
      it(`hold for ${name} in ${environment}`, () => {
        assert.match(String(outcome(table, `${name}.localhost`)), /^UNAUTHORIZED/);
      });
    }
  }

  it("hold for what runs before they are said, as soon as they are", () => {
    const table = tableOf({ routes: [], deployments: [deployment] });
    const name = "aaaaaaa--webapp.localhost";
    assert.equal(outcome(table, name), 1);
    const nothing = { deployments: [], droppedRoutes: [], droppedDeployments: [] };
    const route = { ...at("production"), shares: [], rules };
    table.takeBook({ kind: "change", revision: 2, routes: [route], ...nothing }, 0);
    assert.match(String(outcome(table, name)), /^UNAUTHORIZED/);
    assert.match(String(outcome(table, "fix-cart--webapp.localhost")), /^UNAUTHORIZED/);
  });
});

describe("header edits", () => {
  const own = ["caller-commit", "commit", "pin", "variant"].map((name) => `x-propagit-${name}`);
  const ours = ["proxy", ...own];

  it("replace and remove, for the app and for the visitor", () => {
    const table = withRules({
      requestHeaders: { set: { "X-App": "1", Host: "app.internal" }, remove: ["X-Debug"] },
      answerHeaders: { set: { "Cache-Control": "no-store" }, remove: ["Server"] },
    });
    const { requestEdits, answerEdits, policy } = forwarded(ask(table, host));
    assert.equal(requestEdits.lines, "X-App: 1\r\n");
    assert.deepEqual([...requestEdits.dropped].sort(), [...ours, "x-app", "x-debug"].sort());
    assert.equal(policy.host, "app.internal");
    assert.ok(answerEdits.lines.startsWith("Cache-Control: no-store\r\n"));
    assert.ok(answerEdits.dropped.has("server") && answerEdits.dropped.has("cache-control"));
  });

  it("leave alone how a message is framed", () => {
    const set = { "Content-Length": "5", Connection: "x-secret", "Transfer-Encoding": "chunked" };
    const table = withRules({ requestHeaders: { set, remove: ["TE"] } });
    const { requestEdits } = forwarded(ask(table, host));
    assert.equal(requestEdits.lines, "");
    assert.deepEqual([...requestEdits.dropped].sort(), ours);
  });
});

describe("what is passed on to the forwarding core", () => {
  it("is the bound of a body, the timeouts, and how often is tried", () => {
    const timeouts = { connectMs: 1, headMs: 2, idleMs: 3 };
    const retries = { attempts: 1, budgetPercent: 5 };
    const { policy } = forwarded(ask(withRules({ bodyBytesMax: 9, timeouts, retries }), host));
    assert.equal(policy.bodyBytesMax, 9);
    assert.deepEqual(policy.timeouts, timeouts);
    assert.equal(policy.retries.attempts, 1);
    assert.equal(outcomeOf(ask(withRules({}), host)), 1);
  });
});
