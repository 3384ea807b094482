import assert from "node:assert/strict";
import { test } from "node:test";
import type { Answer, AttemptFailure } from "@propagit/http";
import { PropagitError, type Route } from "@propagit/protocol";
import { commitStatsOf } from "../src/counters.js";
import {
  endOf,
  forwardOf,
  requestOf,
  startBench,
  staying,
  type Bench,
  type BenchOptions,
} from "./support/requests.js";
import { commitA, commitB, endpointOf, routeOf } from "./support/samples.js";

const refused: AttemptFailure = {
  kind: "refused",
  sent: false,
  mayRepeat: true,
  reason: "nothing listens there",
};
const broken: AttemptFailure = { kind: "broken", sent: true, mayRepeat: false, reason: "it ended" };

function benchWith(over: Partial<Route> = {}, options: BenchOptions = {}): Bench {
  const bench = startBench(options);
  bench.setRoutes([{ ...routeOf([commitA, 1]), ...over }]);
  bench.up(endpointOf(1));
  return bench;
}

function statsOf({ counters }: Bench) {
  return commitStatsOf(counters.all());
}

test("sends a request on and counts it, in flight and when it is over", async () => {
  const bench = benchWith();
  const forward = await forwardOf(bench.director.direct(requestOf(), staying()));
  assert.equal(forward.address, "127.0.0.1:1");
  assert.deepEqual(statsOf(bench), [{ commit: commitA, requests: 0, errors: 0, inFlight: 1 }]);
  assert.equal(bench.table.stateOf("127.0.0.1:1")?.inFlight, 1);
  forward.observer?.answered?.(200);
  forward.observer?.ended?.(endOf());
  assert.deepEqual(statsOf(bench), [{ commit: commitA, requests: 1, errors: 0, inFlight: 0 }]);
  assert.equal(bench.table.stateOf("127.0.0.1:1")?.inFlight, 0);
  const [count] = bench.counters.all();
  assert.deepEqual(count?.statuses, [0, 1, 0, 0, 0]);
  assert.equal(count.latency.counts.length, 1);
});

test("asks another endpoint when one takes nothing, and counts the request once", async () => {
  const bench = benchWith();
  bench.up(endpointOf(2));
  const forward = await forwardOf(bench.director.direct(requestOf(), staying()));
  const first = forward.address;
  const { observer } = forward;
  observer?.failed?.(refused);
  const next = forward.again?.(refused);
  assert.ok(next?.kind === "forward");
  assert.notEqual(next.address, first);
  assert.equal(next.observer, observer);
  assert.equal(bench.table.stateOf(first)?.inFlight, 0);
  observer?.answered?.(200);
  observer?.ended?.(endOf());
  const [count] = bench.counters.all();
  assert.deepEqual(
    [count?.requests, count?.retries, count?.refused, count?.failed, count?.inFlight],
    [1, 1, 0, 0, 0],
  );
  assert.ok(bench.lines.some((line) => line.startsWith(`endpoint ${first} of webapp aaaaaaa`)));
});

test("says what was wrong when nobody is left to ask, and counts why", async () => {
  const bench = benchWith();
  const answers: Answer[] = [];
  const late: AttemptFailure = { ...broken, kind: "head-timeout", reason: "no head came" };
  for (const failure of [refused, broken, late]) {
    const forward = await forwardOf(bench.director.direct(requestOf(), staying()));
    forward.observer?.failed?.(failure);
    const answer = forward.again?.(failure);
    assert.ok(answer?.kind === "answer");
    answers.push(answer);
    forward.observer?.ended?.(endOf({ how: "failed", status: answer.status }));
  }
  const [one, two, three] = answers;
  assert.deepEqual([one?.status, two?.status, three?.status], [502, 502, 504]);
  assert.match(String(one?.body), /^APP_FAILED: webapp aaaaaaa cannot be connected to: nothing/);
  assert.match(String(two?.body), /^APP_FAILED: webapp aaaaaaa broke off: it ended/);
  assert.match(String(three?.body), /^TIMED_OUT: webapp aaaaaaa did not answer within 60 s/);
  const [count] = bench.counters.all();
  assert.deepEqual(
    [count?.requests, count?.failed, count?.refused, count?.cut, count?.late, count?.inFlight],
    [3, 3, 1, 1, 1, 0],
  );
});

test("counts visitors who leave apart from failures, and cut answers as failures", async () => {
  const bench = benchWith();
  for (const how of ["left", "cut", "complete"] as const) {
    const forward = await forwardOf(bench.director.direct(requestOf(), staying()));
    forward.observer?.answered?.(200);
    forward.observer?.ended?.(endOf({ how }));
  }
  const [count] = bench.counters.all();
  assert.deepEqual([count?.requests, count?.left, count?.cut, count?.failed], [3, 1, 1, 1]);
});

test("counts a request once more for each experiment that it is in, and those who ask by name apart", async () => {
  const bench = benchWith({
    experiments: [
      { name: "color", variants: [{ name: "red", weight: 1 }] },
      { name: "size", variants: [{ name: "big", weight: 1 }] },
    ],
  });
  bench.setRoutes(
    [
      {
        ...routeOf([commitA, 1]),
        experiments: [
          { name: "color", variants: [{ name: "red", weight: 1 }] },
          { name: "size", variants: [{ name: "big", weight: 1 }] },
        ],
      },
    ],
    [{ repo: "webapp", commit: commitA }],
  );
  const visit = async (host: string) => {
    const forward = await forwardOf(bench.director.direct(requestOf({ host }), staying()));
    forward.observer?.ended?.(endOf());
  };
  await visit("webapp.localhost");
  await visit("aaaaaaa--webapp.localhost");
  const rows = bench.counters.all().map(({ variant, requests }) => [variant, requests]);
  assert.deepEqual(rows, [
    [undefined, 1],
    ["color=red", 1],
    ["size=big", 1],
    ["direct", 1],
  ]);
  assert.deepEqual(statsOf(bench), [{ commit: commitA, requests: 2, errors: 0, inFlight: 0 }]);
});

test("holds requests of a paused route until it is resumed, or the limit has passed", async () => {
  const bench = benchWith({ rules: { pause: { limitMs: 5_000 } } });
  const { clock } = bench.simulation;
  const resumed = bench.director.direct(requestOf(), staying());
  await clock.advance(4_000);
  bench.setRoutes([{ ...routeOf([commitA, 1]), rules: { pause: { limitMs: 6_000 } } }]);
  await clock.advance(1_500);
  bench.setRoutes([routeOf([commitA, 1])]);
  assert.equal((await forwardOf(resumed)).address, "127.0.0.1:1");
  bench.setRoutes([{ ...routeOf([commitA, 1]), rules: { pause: { limitMs: 5_000 } } }]);
  const refusedAfter = bench.director.direct(requestOf(), staying());
  await clock.advance(5_000);
  const answer = await refusedAfter;
  assert.ok(answer.kind === "answer");
  assert.deepEqual([answer.status, answer.headers.includes("Retry-After")], [503, true]);
  assert.match(String(answer.body), /^PAUSED: webapp is paused/);
});

test("asks for a password, and has it checked", async () => {
  const users = [{ name: "ada", hash: "scrypt$1024$8$1$AAAA$AAAA" }];
  const authorization = `Basic ${Buffer.from("ada:secret").toString("base64")}`;
  const expected = { right: 200, wrong: 401, busy: 503, "too-often": 429 } as const;
  for (const [proof, status] of Object.entries(expected)) {
    const bench = benchWith({ rules: { users } }, { proof: proof as keyof typeof expected });
    const asked = await bench.director.direct(requestOf(), staying());
    assert.ok(asked.kind === "answer");
    assert.equal(asked.status, 401);
    assert.match(asked.headers.join(" "), /WWW-Authenticate Basic realm="webapp"/);
    const request = requestOf({ headers: { authorization } });
    const direction = await bench.director.direct(request, staying());
    assert.equal(direction.kind === "answer" ? direction.status : 200, status, proof);
  }
});

test("answers by itself: redirects, maintenance, blocked, stale", async () => {
  const hosts = [
    { host: "old.example", redirect: { to: "https://new.example/*", status: 301 } },
  ] as const;
  const maintenance = { text: "<h1>soon</h1>", retryAfterSeconds: 60 };
  const bench = benchWith({ hosts: [...hosts], rules: { maintenance } }, { stale: () => ["hub"] });
  const answerTo = async (host: string) => {
    const answer = await bench.director.direct(requestOf({ host, target: "/a?b" }), staying());
    assert.ok(answer.kind === "answer");
    return [answer.status, ...answer.headers.slice(0, 2), String(answer.body).split("\n", 1)[0]];
  };
  assert.deepEqual(await answerTo("old.example"), [
    301,
    "Location",
    "https://new.example/a?b",
    "https://new.example/a?b",
  ]);
  assert.deepEqual(await answerTo("webapp.localhost"), [
    503,
    "Content-Type",
    "text/html; charset=utf-8",
    "<h1>soon</h1>",
  ]);
  const unknown = await bench.director.direct(requestOf({ host: "nobody.example" }), staying());
  assert.ok(unknown.kind === "answer");
  assert.deepEqual(unknown.headers.slice(-2), ["X-Propagit-Stale", "hub"]);
  const blocked = new PropagitError("UNREACHABLE", "no routes yet");
  const { director } = benchWith({}, { blocked: () => blocked });
  const closed = await director.direct(requestOf(), staying());
  assert.ok(closed.kind === "answer");
  assert.deepEqual([closed.status, closed.headers.includes("Retry-After")], [503, true]);
});

test("writes a line for each request that is over, also for its own answers", async () => {
  const lines: string[] = [];
  const access = { percent: 100, write: (line: string) => void lines.push(line) };
  const bench = benchWith({}, { access });
  const headers = { "user-agent": "curl" };
  const forward = await forwardOf(bench.director.direct(requestOf({ headers }), staying()));
  forward.observer?.ended?.(endOf());
  const other = await bench.director.direct(requestOf({ host: "x.example" }), staying());
  assert.ok(other.kind === "answer");
  other.observer?.ended?.(endOf({ how: "answered", status: 404 }));
  const [first, second] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(
    [first?.["repo"], first?.["commit"], first?.["endpoint"], first?.["userAgent"]],
    ["webapp", commitA, "127.0.0.1:1", "curl"],
  );
  assert.deepEqual([second?.["host"], second?.["status"]], ["x.example", 404]);
});

test("passes on what rules say of headers, time and size", async () => {
  const bench = benchWith({
    rules: {
      timeouts: { headMs: 5 },
      bodyBytesMax: 7,
      requestHeaders: { set: { "X-Added": "yes", Host: "inner" }, remove: ["X-Secret"] },
    },
  });
  const forward = await forwardOf(bench.director.direct(requestOf(), staying()));
  assert.deepEqual(
    [forward.timeouts, forward.bodyBytesMax, forward.host],
    [{ headMs: 5 }, 7, "inner"],
  );
  assert.match(forward.requestEdits?.lines ?? "", /^X-Added: yes\r\n/);
  assert.ok(forward.requestEdits?.dropped.has("x-secret"));
  assert.match(forward.answerEdits?.lines ?? "", new RegExp(`x-propagit-commit: ${commitA}`, "i"));
});

test("copies a part of the requests to a shadow, as the app gets them", async () => {
  const host = { host: "shop.example", path: "/api", rewrite: "/v1" };
  const rules = {
    users: [{ name: "ada", hash: "scrypt$1024$8$1$AAAA$AAAA" }],
    requestHeaders: { set: { Host: "shop.internal" } },
  };
  const shadow = { commit: commitB, percent: 100 };
  const bench = benchWith({ shadow, rules, hosts: [host] });
  bench.up(endpointOf(2, { commit: commitB }));
  const authorization = `Basic ${Buffer.from("ada:secret").toString("base64")}`;
  const request = requestOf({ host: host.host, target: "/api/x", headers: { authorization } });
  const forward = await forwardOf(bench.director.direct(request, staying()));
  assert.equal(forward.shadow?.target, "/v1/x");
  assert.equal(forward.shadow.host, "shop.internal");
  assert.ok(forward.shadow.requestEdits?.dropped.has("authorization"));
});

test("copies to a shadow what was sent, when no rule changes it", async () => {
  const bench = benchWith({ shadow: { commit: commitB, percent: 100 } });
  bench.up(endpointOf(2, { commit: commitB }));
  const forward = await forwardOf(bench.director.direct(requestOf(), staying()));
  assert.deepEqual([forward.address, forward.shadow?.address], ["127.0.0.1:1", "127.0.0.1:2"]);
});
