/** Every rule of `packages/protocol/src/rules.ts`, asked for through a real proxy with real requests. */
import assert from "node:assert/strict";
import { randomBytes, scryptSync } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { after, before, describe, it, test } from "node:test";
import { rulesSchema, type Route, type Rules } from "@propagit/protocol";
import { ask, openRaw, sendRaw, type AskOptions } from "../support/ask.js";
import {
  app,
  startApp,
  startRawApp,
  startRig,
  until,
  type Rig,
  type Teardown,
} from "../support/rig.js";
import { commitA, commitB, routeOf } from "../support/samples.js";

interface Case {
  readonly name: string;
  readonly rules: Rules;
  readonly asked: AskOptions;
  /** Status, and what must be somewhere in head or body. */
  readonly expected: readonly [status: number, ...texts: (string | RegExp)[]];
}

const from = (address: string) => ({ "X-Forwarded-For": address });
const secure = { "X-Forwarded-Proto": "https" };
const basic = (text: string) => ({
  authorization: `Basic ${Buffer.from(text).toString("base64")}`,
});
const users = [{ name: "ada", hash: hashOf("lovelace") }];

const cases: readonly Case[] = [
  {
    name: "maintenance as text",
    rules: { maintenance: { text: "back soon", retryAfterSeconds: 60 } },
    asked: {},
    expected: [503, "back soon", "text/plain", '"retry-after":"60"'],
  },
  {
    name: "maintenance as a page",
    rules: { maintenance: { text: "<h1>soon</h1>" } },
    asked: {},
    expected: [503, "<h1>soon</h1>", "text/html"],
  },
  {
    name: "pause beyond its limit",
    rules: { pause: { limitMs: 50 } },
    asked: {},
    expected: [503, "PAUSED", "retry-after"],
  },
  {
    name: "allow for an address in it",
    rules: { allow: ["10.1.0.0/16", "2001:db8::/32"] },
    asked: { headers: from("10.1.2.3") },
    expected: [200],
  },
  {
    name: "allow for an address outside",
    rules: { allow: ["10.1.0.0/16"] },
    asked: { headers: from("10.2.0.1") },
    expected: [403, "FORBIDDEN"],
  },
  {
    name: "allow by IPv6",
    rules: { allow: ["2001:db8::/32"] },
    asked: { headers: from("2001:db8::7") },
    expected: [200],
  },
  {
    name: "deny over allow",
    rules: { allow: ["10.0.0.0/8"], deny: ["10.9.9.9"] },
    asked: { headers: from("10.9.9.9") },
    expected: [403],
  },
  {
    name: "users without a password",
    rules: { users },
    asked: {},
    expected: [401, 'Basic realm=\\"webapp\\"'],
  },
  {
    name: "users with a wrong password",
    rules: { users },
    asked: { headers: basic("ada:wrong") },
    expected: [401],
  },
  {
    name: "users with the right password, which the app does not get",
    rules: { users },
    asked: { headers: basic("ada:lovelace") },
    expected: [200, '"authorization":null'],
  },
  {
    name: "nobody may come",
    rules: { users: [] },
    asked: { headers: basic("ada:lovelace") },
    expected: [401],
  },
  {
    name: "a body that is short enough",
    rules: { bodyBytesMax: 10 },
    asked: { method: "POST", body: "0123456789" },
    expected: [200, '"bytes":10'],
  },
  {
    name: "a body that is too long",
    rules: { bodyBytesMax: 10 },
    asked: { method: "POST", body: "0123456789a" },
    expected: [413],
  },
  {
    name: "httpsOnly for plain requests",
    rules: { httpsOnly: true },
    asked: { path: "/a?b" },
    expected: [308, '"location":"https://webapp.localhost/a?b"'],
  },
  {
    name: "httpsOnly for secure ones",
    rules: { httpsOnly: true },
    asked: { headers: secure },
    expected: [200],
  },
  {
    name: "hsts over TLS",
    rules: { hsts: { maxAgeSeconds: 100, includeSubdomains: true, preload: true } },
    asked: { headers: secure },
    expected: [200, '"strict-transport-security":"max-age=100; includeSubDomains; preload"'],
  },
  {
    name: "hsts not over plain HTTP",
    rules: { hsts: { maxAgeSeconds: 100 } },
    asked: {},
    expected: [200, /^(?!.*strict-transport)/s],
  },
  {
    name: "requestHeaders",
    rules: {
      requestHeaders: { set: { "X-Set": "new", Host: "inner.example" }, remove: ["X-Gone"] },
    },
    asked: { headers: { "x-set": "old", "x-gone": "here" } },
    expected: [200, '"x-set":"new"', '"x-gone":null', '"host":"inner.example"'],
  },
  {
    name: "answerHeaders",
    rules: { answerHeaders: { set: { "X-App": "replaced" }, remove: ["X-Internal"] } },
    asked: {},
    expected: [200, '"x-app":"replaced"', /^(?!.*x-internal)/s],
  },
  {
    name: "timeouts.headMs",
    rules: { timeouts: { headMs: 100 } },
    asked: { path: "/silent" },
    expected: [504, "did not answer within 0.1 s"],
  },
];

describe("the rules of a route", () => {
  const teardown: Teardown = { after: (action) => void ends.push(action) };
  const ends: (() => unknown)[] = [];
  let rig: Rig;

  before(async () => {
    const { port } = await startApp(teardown, answerWithWhatCame);
    rig = await startRig(teardown, { endpoints: [app(port)], trusted: ["127.0.0.0/8"] });
  });
  after(async () => {
    for (const end of ends.toReversed()) await end();
  });

  for (const { name, rules, asked, expected } of cases) {
    it(`hold: ${name}`, async () => {
      await setRules(rig, rules);
      const answer = await ask(rig.port, asked);
      const [status, ...texts] = expected;
      const all = `${JSON.stringify(answer.headers)}\n${answer.body}`;
      assert.equal(answer.status, status, all);
      for (const text of texts) {
        if (typeof text === "string") assert.ok(all.includes(text), `${text} is not in ${all}`);
        else assert.match(all, text);
      }
    });
  }

  it("hold when a host name says otherwise, key by key", async () => {
    const hosts = [
      { host: "shop.example", rules: { httpsOnly: false } },
      { host: "shop.example", path: "/in", rules: { maintenance: { text: "closed" } } },
    ];
    await setRoute(rig, {
      ...routeOf([commitA, 1]),
      hosts,
      rules: { httpsOnly: true, bodyBytesMax: 3 },
    });
    const statusOf = async (host: string, more: AskOptions = {}) =>
      (await ask(rig.port, { host, ...more })).status;
    assert.equal(await statusOf("webapp.localhost"), 308);
    assert.equal(await statusOf("shop.example"), 200);
    assert.equal(await statusOf("shop.example", { method: "POST", body: "long" }), 413);
    assert.equal(await statusOf("shop.example", { path: "/inner" }), 200);
    assert.equal(await statusOf("shop.example", { path: "/in/a", headers: secure }), 503);
  });

  it("rewrite and redirect by host name and path", async () => {
    const hosts = [
      { host: "*.shop.example", path: "/api", rewrite: "/" },
      { host: "old.example", redirect: { to: "https://new.example/*", status: 301 as const } },
    ];
    await setRoute(rig, { ...routeOf([commitA, 1]), hosts });
    const rewritten = await ask(rig.port, { host: "a.shop.example", path: "/api/list?x=1" });
    assert.match(rewritten.body, /"url":"\/list\?x=1"/);
    const moved = await ask(rig.port, { host: "old.example", path: "/a?b" });
    assert.deepEqual([moved.status, moved.headers.location], [301, "https://new.example/a?b"]);
  });

  it("limit requests by address and by header", async () => {
    await setRules(rig, { rate: { perSecond: 0.01, burst: 2, by: "address" } });
    const statuses: number[] = [];
    for (const address of ["10.0.0.1", "10.0.0.1", "10.0.0.1", "10.7.0.1"]) {
      const { status, headers } = await ask(rig.port, { headers: from(address) });
      statuses.push(status);
      if (status === 429) assert.ok(Number(headers["retry-after"]) > 0);
    }
    assert.deepEqual(statuses, [200, 200, 429, 200]);
    await setRules(rig, { rate: { perSecond: 0.01, burst: 1, by: "header", header: "X-Key" } });
    const byKey = async (key: string) =>
      (await ask(rig.port, { headers: { "x-key": key } })).status;
    assert.deepEqual([await byKey("a"), await byKey("a"), await byKey("b")], [200, 429, 200]);
  });

  it("hold requests while paused, and let them go on resume", async () => {
    await setRules(rig, { pause: { limitMs: 10_000 } });
    const held = [ask(rig.port), ask(rig.port, { method: "POST", body: "kept" })];
    const { socket, received } = openRaw(rig.port);
    socket.write("GET / HTTP/1.1\r\nHost: webapp.localhost\r\n\r\n");
    const inTime = await Promise.race([
      ...held,
      new Promise((resolve) => setTimeout(resolve, 200)),
    ]);
    assert.deepEqual([inTime, received()], [undefined, ""]);
    socket.destroy();
    rig.hub.setRoutes([routeOf([commitA, 1])]);
    const answers = await Promise.all(held);
    assert.deepEqual(
      answers.map(({ status, body }) => [status, /"bytes":(\d+)/.exec(body)?.[1]]),
      [
        [200, "0"],
        [200, "4"],
      ],
    );
  });
});

test("a rule that says how long silence may last ends an answer that says nothing", async (t) => {
  const port = await startRawApp(t, (socket) => {
    socket.once("data", () => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"));
  });
  const rig = await startRig(t, { endpoints: [app(port)] });
  await setRules(rig, { timeouts: { idleMs: 200 } });
  const answer = await sendRaw(rig.port, "GET / HTTP/1.1\r\nHost: webapp.localhost\r\n\r\n");
  assert.match(answer, /\r\n\r\nhalf$/);
  await until("it is counted", () => rig.proxy.stats().commits[0]?.errors === 1);
});

test("a rule that says how long connecting may take is kept", async (t) => {
  // TEST-NET-1 of RFC 5737: nobody answers there; where the machine has no route, it says so at once.
  const rig = await startRig(t, {
    endpoints: [{ ...app(81), host: "192.0.2.1" }],
    prepare: (hub) =>
      hub.setRoutes([{ ...routeOf([commitA, 1]), rules: { timeouts: { connectMs: 100 } } }]),
  });
  const start = performance.now();
  assert.equal((await ask(rig.port)).status, 502);
  assert.ok(
    performance.now() - start < 2_500,
    "sooner than the 3 s that the proxy waits by itself",
  );
});

test("retries go elsewhere as often as the rule and its budget say", async (t) => {
  let connections = 0;
  const ports: number[] = [];
  for (let count = 1; count <= 4; count++) {
    const port = await startRawApp(t, (socket) => {
      connections += 1;
      socket.once("data", () => socket.destroy());
    });
    ports.push(port);
  }
  const rig = await startRig(t, { endpoints: ports.map((port) => app(port)) });
  const attemptsWith = async (retries: NonNullable<Rules["retries"]>) => {
    await setRules(rig, { retries });
    connections = 0;
    assert.equal((await ask(rig.port)).status, 502);
    return connections;
  };
  assert.equal(await attemptsWith({ attempts: 0, budgetPercent: 100 }), 1);
  assert.equal(await attemptsWith({ attempts: 1, budgetPercent: 100 }), 2);
  assert.equal(await attemptsWith({ attempts: 3, budgetPercent: 100 }), 4);
  assert.equal(await attemptsWith({ attempts: 3, budgetPercent: 0 }), 1);
});

test("an app names its visitors by a header or a cookie of its own", async (t) => {
  const rig = await startTwoCommits(t);
  const bodyOf = async (headers: Record<string, string>) => {
    const answer = await ask(rig.port, { headers });
    assert.equal(answer.headers["set-cookie"], undefined);
    return answer.body;
  };
  await setRoute(rig, {
    ...routeOf([commitA, 50], [commitB, 50]),
    rules: { visitor: { header: "X-User", cookie: "user" } },
  });
  const seen = new Set<string>();
  for (let count = 1; count <= 30; count++) {
    const user = `user-${count}`;
    const byHeader = await bodyOf({ "x-user": user });
    seen.add(byHeader);
    assert.equal(await bodyOf({ cookie: `user=${user}` }), byHeader);
    assert.equal(await bodyOf({ "x-user": user }), byHeader);
  }
  assert.equal(seen.size, 2);
});

test("pins hold a visitor at a commit until he lets go, where the route allows it", async (t) => {
  const rig = await startTwoCommits(t);
  const pinned = { headers: { "x-propagit-commit": "bbbbbbb" } };
  assert.equal((await ask(rig.port, pinned)).body, "commit A");
  await setRoute(rig, { ...routeOf([commitA, 1]), rules: { pins: true } }, true);
  assert.equal((await ask(rig.port, pinned)).body, "commit B");
  const byQuery = await ask(rig.port, { path: "/?propagit=bbbbbbb" });
  assert.equal(byQuery.body, "commit B");
  const cookie = byQuery.headers["set-cookie"]?.[0]?.split(";")[0] ?? "";
  assert.match(cookie, /^propagit-pin=/);
  assert.equal((await ask(rig.port, { headers: { cookie } })).body, "commit B");
  const free = await ask(rig.port, { path: "/?propagit=", headers: { cookie } });
  assert.equal(free.body, "commit A");
  assert.match(String(free.headers["set-cookie"]?.[0]), /^propagit-pin=;/);
  const gone = await ask(rig.port, { headers: { "x-propagit-commit": "ccccccc" } });
  assert.deepEqual([gone.body, gone.headers["x-propagit-pin"]], ["commit A", "gone ccccccc"]);
});

test("a visitor stays with one instance when the rule says so, and moves when it is gone", async (t) => {
  const ports: number[] = [];
  for (const name of ["one", "two", "three"]) {
    const { port } = await startApp(t, (_request, response) => response.end(name));
    ports.push(port);
  }
  const rig = await startRig(t, { endpoints: ports.map((port) => app(port)) });
  await setRules(rig, { stickyInstance: true });
  const first = await ask(rig.port);
  const cookie = (first.headers["set-cookie"] ?? []).map((text) => text.split(";")[0]).join("; ");
  for (let count = 1; count <= 20; count++) {
    assert.equal((await ask(rig.port, { headers: { cookie } })).body, first.body);
  }
  const index = ["one", "two", "three"].indexOf(first.body);
  rig.hub.down(`record-${ports[index]}`);
  await until("he is elsewhere", async () => {
    const { status, body } = await ask(rig.port, { headers: { cookie } });
    return status === 200 && body !== first.body;
  });
});

test("a new instance gets its load slowly when the rule says so", async (t) => {
  const old = await startApp(t, (_request, response) => response.end("old"));
  const fresh = await startApp(t, (_request, response) => response.end("fresh"));
  const rig = await startRig(t, { endpoints: [app(old.port)] });
  await setRules(rig, { slowStartMs: 600_000 });
  await new Promise((resolve) => setTimeout(resolve, 50));
  rig.hub.up(app(fresh.port));
  const bodies: string[] = [];
  for (let count = 1; count <= 60; count++) bodies.push((await ask(rig.port)).body);
  const share = bodies.filter((body) => body === "fresh").length / bodies.length;
  assert.ok(share < 0.3, `the new one got ${share * 100} %`);
});

test("experiments tell the app the variant, by rules in front and by draw, and count it", async (t) => {
  const { port } = await startApp(t, (request, response) => {
    response.end(String(request.headers["x-propagit-variant"]));
  });
  const rig = await startRig(t, { endpoints: [app(port)] });
  const experiments = [
    {
      name: "color",
      variants: [
        { name: "red", weight: 0 },
        { name: "blue", weight: 1 },
      ],
      rules: [{ when: { header: { name: "X-Staff", values: ["yes"] } }, variant: "red" }],
    },
  ];
  await setRoute(rig, { ...routeOf([commitA, 1]), experiments });
  assert.equal((await ask(rig.port)).body, "color=blue");
  assert.equal((await ask(rig.port, { headers: { "x-staff": "yes" } })).body, "color=red");
  await until("the hub knows", () => {
    const counts = rig.hub.reports.flatMap((report) => report.counts);
    return ["color=red", "color=blue"].every((variant) =>
      counts.some((count) => count.variant === variant && count.requests === 1),
    );
  });
});

test("a visitor cannot say to the app what only the proxy says, nor does a copy have his password", async (t) => {
  const seen: Record<string, unknown>[] = [];
  const { port } = await startApp(t, (request, response) => {
    seen.push({ ...request.headers, url: request.url });
    response.end();
  });
  const copy = await startApp(t, (request, response) => {
    seen.push({ ...request.headers, url: request.url });
    response.end();
  });
  const rules = { users, pins: true };
  const shadow = { commit: commitB, percent: 100 };
  const rig = await startRig(t, {
    endpoints: [app(port), app(copy.port, commitB)],
    prepare: (hub) => hub.setRoutes([{ ...routeOf([commitA, 1]), rules, shadow }]),
  });
  const lies = {
    "X-Propagit-Variant": "price=free",
    X_Propagit_Variant: "price=free",
    "X-Propagit-Pin": "gone",
    "X-Propagit-Caller-Commit": commitA,
    "X-Propagit-Commit": "",
  };
  const authorization = `Basic ${Buffer.from("ada:lovelace").toString("base64")}`;
  const answer = await ask(rig.port, { path: "/a?propagit=", headers: { ...lies, authorization } });
  assert.equal(answer.status, 200);
  await until("the copy is there", () => seen.length === 2);
  for (const { url, ...headers } of seen) {
    assert.equal(url, "/a");
    const names = Object.keys(headers).filter((name) => /propagit|^authorization$/.test(name));
    assert.deepEqual(names, []);
  }
});

test("a shadow gets a copy, and the visitor only the answer of the original", async (t) => {
  const copied: string[] = [];
  const one = await startApp(t, (_request, response) => response.end("commit A"));
  const two = await startApp(t, (request, response) => {
    let body = "";
    request.on("data", (piece: Buffer) => (body += piece.toString()));
    request.on("end", () => {
      copied.push(body);
      response.writeHead(500).end("commit B");
    });
  });
  const rig = await startRig(t, {
    endpoints: [app(one.port), app(two.port, commitB)],
    prepare: (hub) =>
      hub.setRoutes([{ ...routeOf([commitA, 1]), shadow: { commit: commitB, percent: 100 } }]),
  });
  const answer = await ask(rig.port, { method: "POST", body: "both" });
  assert.deepEqual([answer.status, answer.body], [200, "commit A"]);
  await until("the copy is there", () => copied.length === 1);
  assert.deepEqual(copied, ["both"]);
});

test("a branch has a host name of its own", async (t) => {
  const rig = await startTwoCommits(t);
  const branches = ["feature-x"];
  rig.hub.setRoutes([routeOf([commitA, 1])], [{ repo: "webapp", commit: commitB, branches }]);
  await until("it is known", async () => {
    return (await ask(rig.port, { host: "feature-x--webapp.localhost" })).body === "commit B";
  });
});

test("no rule is left out of these tests", () => {
  const tested = new Set(cases.flatMap(({ rules }) => Object.keys(rules)));
  const apart = ["pins", "rate", "retries", "visitor", "stickyInstance", "slowStartMs"];
  assert.deepEqual(
    Object.keys(rulesSchema.properties).filter((key) => !tested.has(key) && !apart.includes(key)),
    [],
  );
});

function answerWithWhatCame(request: IncomingMessage, response: ServerResponse) {
  if (request.url === "/silent") return;
  const { host, authorization = null } = request.headers;
  const { "x-set": set = null, "x-gone": gone = null } = request.headers;
  let bytes = 0;
  request.on("data", (piece: Buffer) => (bytes += piece.length));
  request.on("end", () => {
    response.writeHead(200, { "X-App": "own", "X-Internal": "secret" });
    const seen = { url: request.url, host, authorization, "x-set": set, "x-gone": gone, bytes };
    response.end(JSON.stringify(seen));
  });
}

function setRules(rig: Rig, rules: Rules): Promise<void> {
  return setRoute(rig, { ...routeOf([commitA, 1]), rules });
}

/** Until the proxy has said that it goes by it. */
async function setRoute(rig: Rig, route: Route, alsoB = false): Promise<void> {
  rig.hub.setRoutes([route], alsoB ? [{ repo: "webapp", commit: commitB }] : []);
  const { revision } = rig.hub.book;
  const seen = await rig.hub.proxy?.call("proxy.sees", {
    revision,
    deployments: [],
    waitMs: 5_000,
  });
  assert.equal(seen?.revision, revision);
}

async function startTwoCommits(t: Teardown): Promise<Rig> {
  const one = await startApp(t, (_request, response) => response.end("commit A"));
  const two = await startApp(t, (_request, response) => response.end("commit B"));
  return startRig(t, { endpoints: [app(one.port), app(two.port, commitB)] });
}

function hashOf(password: string): string {
  const salt = randomBytes(16);
  const key = scryptSync(password, salt, 32, { N: 1024, r: 8, p: 1 });
  return `scrypt$1024$8$1$${salt.toString("base64url")}$${key.toString("base64url")}`;
}
