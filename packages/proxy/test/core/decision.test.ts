import assert from "node:assert/strict";
import { test } from "node:test";
import type { Deployment, Endpoint, Route } from "@propagit/protocol";
import { decide, loadMax, type Question, type Situation } from "../../src/core/decision.js";
import { afterFailure, allFine, type Health } from "../../src/core/health.js";
import { buildTable } from "../../src/core/route-table.js";
import { learnNames } from "../../src/core/service-names.js";
import { commitA, commitB, endpointOf, routeOf } from "../support/samples.js";

interface Given extends Partial<Situation> {
  readonly routes?: readonly Route[];
  readonly deployments?: readonly Deployment[];
  readonly endpoints?: readonly Endpoint[];
  /** What was registered at some time, one after the other. */
  readonly earlier?: readonly Endpoint[];
}

const address = (port: number) => `127.0.0.1:${port}`;

function situation({
  routes,
  deployments = [],
  endpoints,
  earlier = [],
  ...over
}: Given): Situation {
  const book = {
    revision: 1,
    routes: [...(routes ?? [routeOf([commitA, 1])])],
    deployments: [...deployments],
  };
  return {
    table: buildTable(book, {
      endpoints: endpoints ?? [endpointOf(1)],
      names: learnNames(new Map(), earlier),
    }),
    health: allFine,
    now: 0,
    loadOf: () => 0,
    fraction: () => 0,
    newVisitor: () => "f".repeat(32),
    ...over,
  };
}

const question: Question = { host: "webapp.localhost", cookie: undefined, avoid: [] };

function addressFor(given: Given, over: Partial<Question> = {}): string | undefined {
  const decision = decide(situation(given), { ...question, ...over });
  return decision.kind === "forward" ? decision.target.address : undefined;
}

function refusalFor(given: Given, over: Partial<Question> = {}): [string, string] | undefined {
  const decision = decide(situation(given), { ...question, ...over });
  return decision.kind === "refuse" ? [decision.code, decision.message] : undefined;
}

const out = (...ports: readonly number[]): Health =>
  ports.reduce((health, port) => afterFailure(health, address(port), 0), allFine);

test("prefers http, then web, then the only service; a given one before all", () => {
  const http = endpointOf(1, { service: "http" });
  const web = endpointOf(2, { service: "web" });
  const say = endpointOf(3, { service: "say" });
  assert.equal(addressFor({ endpoints: [say, web, http] }), address(1));
  assert.equal(addressFor({ endpoints: [say, web] }), address(2));
  assert.equal(addressFor({ endpoints: [say] }), address(3));
  assert.equal(addressFor({ endpoints: [say, web, http], service: "say" }), address(3));
  const refusal = refusalFor({ endpoints: [http], service: "say" });
  assert.deepEqual(refusal, [
    "NO_ENDPOINT",
    'no endpoint for webapp aaaaaaa: it has no service "say", but "http"',
  ]);
});

test("shows nobody another service while the one for visitors is down", () => {
  const http = endpointOf(1, { service: "http" });
  const say = endpointOf(3, { service: "say" });
  assert.deepEqual(refusalFor({ endpoints: [say], earlier: [say, http] }), [
    "NO_ENDPOINT",
    'no endpoint for webapp aaaaaaa: of its services only "say" is registered now, not "http"',
  ]);
  assert.equal(addressFor({ endpoints: [say], earlier: [say, http], service: "say" }), address(3));
});

test("takes an only service that had its drone's name first", () => {
  const script = endpointOf(1, { service: "server" });
  const api = endpointOf(1, { service: "api" });
  const restarted = endpointOf(2, { service: "api" });
  assert.equal(
    addressFor({ endpoints: [restarted], earlier: [script, api, restarted] }),
    address(2),
  );
});

test("takes the least busy endpoint, and any of those that are equally busy", () => {
  const endpoints = [endpointOf(1), endpointOf(2), endpointOf(3)];
  const loadOf = (one: string) => (one === address(1) ? 5 : 2);
  assert.equal(addressFor({ endpoints, loadOf }), address(2));
  assert.equal(addressFor({ endpoints, loadOf, fraction: () => 0.99 }), address(3));
});

test("leaves endpoints out that could not be reached, but never all of them", () => {
  const endpoints = [endpointOf(1), endpointOf(2)];
  assert.equal(addressFor({ endpoints, health: out(1) }), address(2));
  assert.equal(addressFor({ endpoints, health: out(1, 2) }), address(1));
  assert.equal(addressFor({ endpoints, health: out(1), now: 5_000 }), address(1));
});

test("gives an unhealthy variant's visitors to the others, and back when nobody is healthy", () => {
  const given: Given = {
    routes: [routeOf([commitA, 1], [commitB, 1_000_000])],
    endpoints: [endpointOf(1), endpointOf(2, { commit: commitB })],
  };
  assert.equal(addressFor(given), address(2));
  assert.equal(addressFor({ ...given, health: out(2) }), address(1));
  assert.equal(addressFor({ ...given, health: out(1, 2) }), address(2));
  assert.equal(addressFor({ ...given, endpoints: [endpointOf(1)] }), address(1));
});

test("tries another endpoint the second time, even of another variant, and keeps the new id", () => {
  const given: Given = {
    routes: [routeOf([commitA, 1], [commitB, 1_000_000])],
    endpoints: [endpointOf(1), endpointOf(2, { commit: commitB })],
  };
  const visitor = "0".repeat(32);
  const decision = decide(situation(given), { ...question, avoid: [address(2)], visitor });
  assert.deepEqual(decision, {
    kind: "forward",
    repo: "webapp",
    target: { address: address(1), commit: commitA, service: "http" },
    visitor: { id: visitor, isNew: true },
  });
  assert.equal(refusalFor({}, { avoid: [address(1)] })?.[0], "NO_ENDPOINT");
});

test("keeps a visitor that has an id, and gives none where everybody goes the same way", () => {
  const given: Given = {
    routes: [routeOf([commitA, 1], [commitB, 1])],
    endpoints: [endpointOf(1), endpointOf(2, { commit: commitB })],
  };
  const id = "0123456789abcdef".repeat(2);
  const decision = decide(situation(given), {
    ...question,
    cookie: `a=b; propagit-visitor=${id}; c=d`,
  });
  assert.deepEqual(decision.kind === "forward" && decision.visitor, { id, isNew: false });
  const single = decide(situation({}), question);
  assert.equal(single.kind === "forward" && single.visitor, undefined);
});

test("reaches running commits by a unique prefix only", () => {
  const similar = `${"a".repeat(39)}b`;
  const deployments = [commitA, similar, commitB].map((commit) => ({ repo: "webapp", commit }));
  const given: Given = { deployments, endpoints: [endpointOf(1, { commit: commitB })] };
  assert.equal(addressFor(given, { host: "bbbbbbb--webapp.localhost" }), address(1));
  assert.deepEqual(refusalFor(given, { host: "aaaaaaa--webapp.localhost" }), [
    "AMBIGUOUS",
    "aaaaaaa fits 2 commits of webapp",
  ]);
  assert.deepEqual(refusalFor(given, { host: "ccccccc--webapp.localhost" }), [
    "NOT_DEPLOYED",
    "webapp runs no commit ccccccc",
  ]);
});

test("says what is missing: a repository, a promoted commit, a registered service", () => {
  const deployments = [{ repo: "webapp", commit: commitA }];
  assert.deepEqual(refusalFor({}, { host: "shop.localhost" }), [
    "NO_ROUTE",
    "no repository for host name shop.localhost",
  ]);
  assert.deepEqual(refusalFor({ routes: [], deployments }), [
    "NO_ROUTE",
    "no commit of webapp is promoted",
  ]);
  assert.deepEqual(refusalFor({ endpoints: [] }), [
    "NO_ENDPOINT",
    "no endpoint for webapp aaaaaaa: none of its services is registered",
  ]);
  assert.equal(refusalFor({}, { host: "a b" })?.[0], "BAD_REQUEST");
});

test("turns visitors away when every endpoint has as much as it may", () => {
  assert.deepEqual(refusalFor({ loadOf: () => loadMax }), [
    "OVERLOADED",
    "every endpoint of webapp aaaaaaa has 4000 requests",
  ]);
});

test("finds repositories with dots and capitals, the lower-case one before its twin", () => {
  const route = (repo: string, commit: string): Route => ({
    repo,
    shares: [{ commit, weight: 1 }],
  });
  const endpoints = [endpointOf(1), endpointOf(2, { commit: commitB })];
  const dotted = { endpoints, routes: [route("my", commitA), route("my.app", commitB)] };
  assert.equal(addressFor(dotted, { host: "my.app.localhost" }), address(2));
  assert.equal(addressFor(dotted, { host: "my.localhost" }), address(1));
  for (const routes of [
    [route("Shop", commitA), route("shop", commitB)],
    [route("shop", commitB), route("Shop", commitA)],
  ]) {
    assert.equal(addressFor({ endpoints, routes }, { host: "SHOP.localhost" }), address(2));
  }
  assert.equal(addressFor({ routes: [route("Shop", commitA)] }, { host: "shop" }), address(1));
});
