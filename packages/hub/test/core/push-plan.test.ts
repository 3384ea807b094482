import assert from "node:assert/strict";
import { test } from "node:test";
import { environmentDefault, type RolloutResult } from "@propagit/protocol";
import { parsePushOptions, planPush, type PushedBranch } from "../../src/core/push-plan.js";
import {
  endLines,
  isFailure,
  progressLines,
  type EndOfPush,
} from "../../src/core/rollout-lines.js";
import { parseProxyUrl, visitorUrls } from "../../src/core/visitor-url.js";
import { commitOf } from "../support/desk-bench.js";

const manifest = `services:
  web: { command: node web.mjs }
deploy: { main: production, next: { environment: staging, promote: false } }
`;
const branch = (name: string, text = manifest): PushedBranch => ({
  branch: name,
  commit: commitOf(name),
  files: new Map([["propagit.yaml", text]]),
});
const plan = (branches: readonly PushedBranch[], ...options: readonly string[]) =>
  planPush(branches, parsePushOptions(options)).deploys.map((deploy) => [
    deploy.branch,
    deploy.environment,
    deploy.promote,
  ]);

test("branches go where the manifest of their own commit says, others nowhere", () => {
  assert.deepEqual(plan([branch("main"), branch("next"), branch("feature/x")]), [
    ["main", "production", undefined],
    ["next", "staging", false],
  ]);
  assert.deepEqual(plan([{ ...branch("main"), files: new Map() }]), []);
});

test("what was given with the push comes before what the manifest says", () => {
  assert.deepEqual(plan([branch("main")], "promote=no"), [["main", "production", false]]);
  assert.deepEqual(plan([branch("next")], "promote=yes"), [["next", "staging", true]]);
  assert.deepEqual(plan([branch("x")], "env=staging"), [["x", "staging", undefined]]);
  assert.deepEqual(plan([branch("main")], "deploy=no"), []);
  assert.deepEqual(plan([branch("main")], "deploy=no", "deploy=yes"), [
    ["main", "production", undefined],
  ]);
});

test("a manifest that is wrong anywhere is refused, unless nothing is to be deployed", () => {
  const wrong = branch("x", "services: []");
  assert.throws(() => plan([branch("main"), wrong]), { code: "BAD_MANIFEST" });
  assert.deepEqual(plan([wrong], "deploy=no"), []);
});

const result: RolloutResult = {
  repo: "webapp",
  environment: "staging",
  release: 4,
  commit: commitOf("main"),
  outcome: "ready",
  promoted: true,
  drones: [],
  hosts: ["shop.example.com"],
};

const end = (changes: Partial<RolloutResult>, more: Partial<EndOfPush> = {}) =>
  endLines({
    branches: [],
    result: { ...result, ...changes },
    isVisited: true,
    isStepping: false,
    proxyUrl: undefined,
    isOutputShown: false,
    ...more,
  });

test("how a release ended is said with where it is, or with what to type", () => {
  const staging = "http://staging--webapp.example.com http://shop.example.com";
  assert.deepEqual(end({}, { proxyUrl: "http://example.com" }), [
    `success: release 4 of webapp in staging is ready: ${staging}`,
  ]);
  const commit = `${commitOf("main").slice(0, 7)}--webapp`;
  const proxyUrl = "http://example.com:8080";
  assert.deepEqual(end({ promoted: false }, { proxyUrl, isVisited: false }), [
    `success: release 4 of webapp in staging is ready: http://${commit}.example.com:8080`,
    "hint: visitors are not sent to it yet: propagit promote webapp 4 -e staging",
  ]);
  assert.deepEqual(end({ promoted: false, hosts: [] }, { isVisited: false, isStepping: true }), [
    "success: release 4 of webapp in staging is ready",
    "hint: its visitors come step by step: propagit rollout status webapp -e staging --follow",
  ]);
  const drones = [{ drone: "b", outcome: "away" } as const];
  assert.deepEqual(end({ drones, hosts: [] }), [
    "warning: away, and catching up: b",
    "success: release 4 of webapp in staging is ready",
  ]);
  assert.deepEqual(end({ outcome: "unchanged", promoted: false }, { proxyUrl }), [
    "success: release 4 of webapp in staging runs already: http://staging--webapp.example.com:8080 http://shop.example.com:8080",
  ]);
});

test("a failure is said last, below what its drones said, which is said once", () => {
  const failed = {
    outcome: "failed",
    promoted: false,
    reason: "web-1 could not start it",
  } as const;
  const last = [
    "error: FAILED: release 4 of webapp in staging: web-1 could not start it",
    "hint: the push itself is taken; see propagit release show webapp 4 -e staging",
  ];
  const lastLines = ["Error: x"];
  const drone = { drone: "web-1", outcome: "failed", reason: "it ended", lastLines } as const;
  const drones = [{ ...drone, lastLines: [...lastLines] }];
  assert.deepEqual(end({ ...failed, lastLines, drones }), ["web-1 | Error: x", ...last]);
  assert.deepEqual(end({ ...failed, lastLines }), ["| Error: x", ...last]);
  assert.deepEqual(end({ ...failed, lastLines }, { isOutputShown: true }), last);
  const outcomes = ["ready", "unchanged", "failed", "cancelled", "superseded"] as const;
  assert.deepEqual(
    outcomes.filter((outcome) => isFailure({ ...result, outcome })),
    ["failed", "cancelled"],
  );
});

test("drones are said with how many of their instances are ready, and why not", () => {
  const line = { kind: "drone", at: 0, drone: "a", phase: "started", ready: 1, wanted: 3 } as const;
  assert.deepEqual(progressLines(line), ["a started (1 of 3)"]);
  const failed = { kind: "drone", at: 0, drone: "a", phase: "failed", reason: "no" } as const;
  assert.deepEqual(progressLines(failed), ["a failed: no"]);
});

test("only an address of proxies is one", () => {
  assert.equal(parseProxyUrl("https://example.com/"), "https://example.com");
  for (const wrong of ["example.com", "ftp://x", "http://x/y", "http://a:b@x", "http://x?y"]) {
    assert.throws(() => parseProxyUrl(wrong), { code: "BAD_USAGE" }, wrong);
  }
  const visited = { ...result, environment: environmentDefault, hosts: [] };
  assert.deepEqual(visitorUrls(visited, undefined), []);
  assert.deepEqual(visitorUrls(visited, "http://localhost:8080"), ["http://webapp.localhost:8080"]);
  const more = { ...visited, branches: ["main", "x"], hosts: ["a.example/shop"] };
  assert.deepEqual(visitorUrls(more, "http://localhost:8080"), [
    "http://webapp.localhost:8080",
    "http://main--webapp.localhost:8080",
    "http://x--webapp.localhost:8080",
    "http://a.example:8080/shop",
  ]);
});
