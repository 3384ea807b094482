import assert from "node:assert/strict";
import { test } from "node:test";
import type { Route } from "@propagit/protocol";
import { loadMax } from "../../src/core/balance.js";
import { decide, decideAgain } from "../../src/core/decision.js";
import { attemptFailed } from "../../src/core/endpoint-state.js";
import type { RouteTable } from "../../src/core/route-table.js";
import {
  ask,
  forwarded,
  outcome,
  outcomeOf,
  portOf,
  refused,
  requestTo,
  situationOf,
  tableOf,
  visitorNumber,
  type Given,
} from "../support/decisions.js";
import { commitA, commitB, endpointOf, routeOf } from "../support/samples.js";

const host = "webapp.localhost";

/** Makes endpoints fail to be connected to. */
function breakDown(table: RouteTable, ...ports: readonly number[]): RouteTable {
  const situation = situationOf(table);
  for (const port of ports) {
    const state = table.stateOf(`127.0.0.1:${port}`);
    assert.ok(state);
    attemptFailed(
      { address: state.address, commit: "", service: "", state },
      "refused",
      situation.now,
    );
  }
  return table;
}

function load(table: RouteTable, loads: Readonly<Record<number, number>>): RouteTable {
  for (const [port, inFlight] of Object.entries(loads)) {
    const state = table.stateOf(`127.0.0.1:${port}`);
    assert.ok(state);
    state.inFlight = inFlight;
  }
  return table;
}

const split: Given = {
  routes: [routeOf([commitA, 1], [commitB, 1_000_000])],
  endpoints: [endpointOf(1), endpointOf(2, { commit: commitB })],
};

test("prefers http, then web, then the only service; a given one before all", () => {
  const http = endpointOf(1, { service: "http" });
  const web = endpointOf(2, { service: "web" });
  const say = endpointOf(3, { service: "say" });
  assert.equal(outcome({ endpoints: [say, web, http] }), 1);
  assert.equal(outcome({ endpoints: [say, web] }), 2);
  assert.equal(outcome({ endpoints: [say] }), 3);
  assert.equal(outcome({ endpoints: [say, web, http], service: "say" }), 3);
  assert.equal(
    outcome({ endpoints: [http], service: "say" }),
    'NO_ENDPOINT no endpoint for webapp aaaaaaa: it has no service "say", but "http"',
  );
});

test("shows nobody another service while the one for visitors is down", () => {
  const http = endpointOf(1, { service: "http" });
  const say = endpointOf(3, { service: "say" });
  const given = { endpoints: [say], earlier: [say, http] };
  assert.equal(
    outcome(given),
    'NO_ENDPOINT no endpoint for webapp aaaaaaa: of its services only "say" is registered now, not "http"',
  );
  assert.equal(outcome({ ...given, service: "say" }), 3);
});

test("takes an only service that had its drone's name first", () => {
  const script = endpointOf(1, { service: "server" });
  const api = endpointOf(1, { service: "api" });
  const restarted = endpointOf(2, { service: "api" });
  assert.equal(outcome({ endpoints: [restarted], earlier: [script, api, restarted] }), 2);
});

test("leaves endpoints out that could not be reached, but never all of them", () => {
  const table = breakDown(tableOf({ endpoints: [endpointOf(1), endpointOf(2)] }), 1);
  assert.equal(outcome(table), 2);
  assert.equal(outcome(breakDown(table, 2)), 1);
});

test("gives an unhealthy variant's visitors to the others, and back when nobody is healthy", () => {
  const table = tableOf(split);
  assert.equal(outcome(table), 2);
  assert.equal(outcome(breakDown(table, 2)), 1);
  assert.equal(outcome(breakDown(table, 1)), 2);
  assert.equal(outcome({ ...split, endpoints: [endpointOf(1)] }), 1);
});

test("tries another endpoint the second time, even of another variant, and keeps the new id", () => {
  const table = tableOf(split);
  const situation = situationOf(table);
  const request = requestTo(host);
  const first = forwarded(decide(situation, request));
  assert.equal(portOf(first), 2);
  const again = decideAgain({ ...situation, newVisitor: () => "0".repeat(32) }, request, {
    forwarding: first,
    sent: false,
    tried: ["127.0.0.1:2"],
  });
  assert.equal(again.kind === "forward" && portOf(again), 1);
  assert.deepEqual(again.kind === "forward" && again.visitor, first.visitor);
  const tried = ["127.0.0.1:2", "127.0.0.1:1"];
  const last = refused(decideAgain(situation, request, { forwarding: first, sent: false, tried }));
  assert.equal(last.code, "NO_ENDPOINT");
});

test("tries again no oftener than a rule says", () => {
  const endpoints = [1, 2, 3, 4].map((port) => endpointOf(port));
  for (const attempts of [0, 1, 3]) {
    const route = { ...routeOf([commitA, 1]), rules: { retries: { attempts, budgetPercent: 20 } } };
    const situation = situationOf(tableOf({ routes: [route], endpoints }));
    const tried: string[] = [];
    let decision = decide(situation, requestTo(host));
    while (decision.kind === "forward") {
      tried.push(decision.target.address);
      const failed = { forwarding: decision, sent: true, tried };
      decision = decideAgain(situation, requestTo(host), failed);
    }
    assert.equal(new Set(tried).size, attempts + 1);
  }
});

test("sends what was sent already again within a budget only", () => {
  const situation = situationOf(tableOf({ endpoints: [endpointOf(1), endpointOf(2)] }));
  const request = requestTo(host);
  const retried = (sent: boolean) =>
    Array.from({ length: 2_000 }, () => {
      const forwarding = forwarded(decide(situation, request));
      const failed = { forwarding, sent, tried: [forwarding.target.address] };
      return decideAgain(situation, request, failed).kind === "forward";
    }).filter(Boolean).length;
  // A fifth of the requests so far, and a hundred at once for those with few.
  assert.equal(retried(true), 400);
  assert.equal(retried(false), 2_000);
});

test("keeps a visitor that has an id, and gives none where everybody goes the same way", () => {
  const id = "0123456789abcdef".repeat(2);
  const known = forwarded(ask(split, host, { headers: { cookie: `a=b; propagit-visitor=${id}` } }));
  assert.deepEqual(known.visitor, { id, isNew: false });
  assert.doesNotMatch(known.answerEdits.lines, /Set-Cookie/);
  const fresh = forwarded(ask(split));
  assert.match(fresh.answerEdits.lines, /^Set-Cookie: propagit-visitor=f{32}; /m);
  const single = forwarded(ask({}));
  assert.equal(single.visitor, undefined);
  assert.equal(single.answerEdits.lines, `x-propagit-commit: ${commitA}\r\n`);
});

test("goes by the id that the app names: a header, then a cookie, then our own", () => {
  const rules = { visitor: { header: "X-User", cookie: "session" } };
  const table = tableOf({ ...split, routes: [{ ...routeOf([commitA, 1], [commitB, 1]), rules }] });
  const idOf = (headers: Record<string, string>) =>
    forwarded(ask(table, host, { headers })).visitor?.id;
  assert.equal(idOf({ "x-user": "ann", cookie: "session=s1" }), "ann");
  assert.equal(idOf({ cookie: `session=s1; ${visitorNumber(7)}` }), "s1");
  assert.equal(idOf({ cookie: visitorNumber(7) }), "7".padStart(32, "0"));
  assert.equal(idOf({ "x-user": "x".repeat(5_000) }), "f".repeat(32));
});

test("reaches running commits by a unique prefix only", () => {
  const similar = `${"a".repeat(39)}b`;
  const deployments = [commitA, similar, commitB].map((commit) => ({ repo: "webapp", commit }));
  const given: Given = { deployments, endpoints: [endpointOf(1, { commit: commitB })] };
  assert.equal(outcome(given, "bbbbbbb--webapp.localhost"), 1);
  assert.equal(
    outcome(given, "aaaaaaa--webapp.localhost"),
    "AMBIGUOUS aaaaaaa fits 2 commits of webapp",
  );
  assert.equal(
    outcome(given, "ccccccc--webapp.localhost"),
    "NOT_DEPLOYED webapp runs no commit ccccccc",
  );
});

test("reaches what runs of a branch by its name, production's first", () => {
  const of = (environment: string, commit: string) => ({
    repo: "webapp",
    environment,
    commit,
    branches: ["fix-cart", "main"],
  });
  const deployments = [of("staging", commitA), of("production", commitB)];
  const endpoints = [endpointOf(1), endpointOf(2, { commit: commitB })];
  assert.equal(outcome({ deployments, endpoints }, "fix-cart--webapp.localhost"), 2);
  assert.equal(outcome({ deployments, endpoints: [endpointOf(1)] }, "main--webapp.localhost"), 1);
});

test("says what is missing: a repository, a promoted commit, a registered service", () => {
  const deployments = [{ repo: "webapp", commit: commitA }];
  assert.equal(
    outcome({}, "shop.localhost"),
    "NO_ROUTE no repository for host name shop.localhost",
  );
  assert.equal(outcome({ routes: [], deployments }), "NO_ROUTE no commit of webapp is promoted");
  assert.equal(
    outcome({ endpoints: [] }),
    "NO_ENDPOINT no endpoint for webapp aaaaaaa: none of its services is registered",
  );
  assert.match(String(outcome({}, "a b")), /^BAD_REQUEST/);
});

test("turns visitors away when every endpoint has as much as it may", () => {
  const table = tableOf({ endpoints: [endpointOf(1), endpointOf(2), endpointOf(3)] });
  load(table, { 1: loadMax, 2: loadMax, 3: loadMax - 1 });
  assert.equal(outcome(table), 3);
  load(table, { 3: loadMax });
  assert.equal(
    outcome(table),
    "OVERLOADED every endpoint of webapp aaaaaaa has as many requests as it may",
  );
});

test("finds repositories with dots and capitals, the lower-case one before its twin", () => {
  const route = (repo: string, commit: string): Route => ({
    repo,
    shares: [{ commit, weight: 1 }],
  });
  const endpoints = [endpointOf(1), endpointOf(2, { commit: commitB })];
  const dotted = { endpoints, routes: [route("my", commitA), route("my.app", commitB)] };
  assert.equal(outcome(dotted, "my.app.localhost"), 2);
  assert.equal(outcome(dotted, "my.localhost"), 1);
  for (const routes of [
    [route("Shop", commitA), route("shop", commitB)],
    [route("shop", commitB), route("Shop", commitA)],
  ]) {
    assert.equal(outcome({ endpoints, routes }, "SHOP.localhost"), 2);
  }
  assert.equal(outcome({ routes: [route("Shop", commitA)] }, "shop"), 1);
});

test("copies a part of the requests, and never a second attempt", () => {
  const route = { ...routeOf([commitA, 1]), shadow: { commit: commitB, percent: 25 } };
  const endpoints = [endpointOf(1), endpointOf(3), endpointOf(2, { commit: commitB })];
  let drawn = 0;
  const fraction = () => (drawn = (drawn + 0.618_033_988_7) % 1);
  const situation = situationOf(tableOf({ routes: [route], endpoints }), { fraction });
  const decisions = Array.from({ length: 4_000 }, () =>
    forwarded(decide(situation, requestTo(host))),
  );
  const copied = decisions.filter(({ shadow }) => shadow?.address === "127.0.0.1:2").length;
  assert.ok(Math.abs(copied / 4_000 - 0.25) < 0.02, `${copied}`);
  const [forwarding] = decisions;
  assert.ok(forwarding);
  const tried = [forwarding.target.address];
  const again = decideAgain({ ...situation, fraction: () => 0 }, requestTo(host), {
    forwarding,
    sent: false,
    tried,
  });
  assert.equal(again.kind === "forward" && again.shadow, undefined);
});

test("counts a stable part of a share's visitors apart, and nobody who came another way", () => {
  const route = {
    ...routeOf([commitA, 95], [commitB, 5]),
    control: { commit: commitA, percent: 20 },
  };
  const deployments = [{ repo: "webapp", commit: commitA }];
  const table = tableOf({ ...split, routes: [route], deployments });
  const asked = (number: number, name = host) =>
    forwarded(ask(table, name, { headers: { cookie: visitorNumber(number) } }));
  const numbers = Array.from({ length: 5_000 }, (_, number) => number);
  const old = numbers.filter((number) => asked(number).variant.commit === commitA);
  const apart = old.filter((number) => asked(number).isControl);
  assert.ok(Math.abs(apart.length / old.length - 0.2) < 0.02, `${apart.length}`);
  assert.deepEqual(
    apart.filter((number) => asked(number).isControl),
    apart,
  );
  assert.equal(
    numbers.some((number) => asked(number, "aaaaaaa--webapp.localhost").isControl),
    false,
  );
  const isNewControl = numbers.some(
    (number) => asked(number).isControl && asked(number).variant.commit === commitB,
  );
  assert.equal(isNewControl, false);
});

test("gives answers the commit of whoever answers, and takes the app's word for nothing of ours", () => {
  const decision = forwarded(ask({}));
  assert.deepEqual([...decision.answerEdits.dropped].sort(), [
    "x-propagit-caller-commit",
    "x-propagit-commit",
    "x-propagit-pin",
  ]);
  assert.deepEqual([...decision.requestEdits.dropped].sort(), [
    "proxy",
    "x-propagit-caller-commit",
    "x-propagit-commit",
    "x-propagit-pin",
    "x-propagit-variant",
  ]);
  assert.equal(outcomeOf(decision), 1);
});
