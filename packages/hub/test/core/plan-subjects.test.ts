/** Repositories, environments and services that a plan names and the hub does not know. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readPlan } from "@propagit/plan";
import { knownPlaces, problemsOfSubjects } from "../../src/core/plan-subjects.js";
import { hubCommands } from "../../src/plan-commands/hub-commands.js";
import { release } from "../support/desk-world.js";
import { emptySpecification, service } from "../support/specifications.js";

const specification = { ...emptySpecification, services: [service("web")] };
const rows = new Map([["1", release({ specification })]]);
const known = knownPlaces({ rows: (table) => (table === "releases" ? rows : new Map()) as never }, [
  { repo: "webapp", environment: "production", service: "own" },
  { repo: "nginx", environment: "production", service: "http" },
]);

function problems(tasks: readonly object[], more: object = {}): readonly string[] {
  const plan = { name: "p", stages: [{ name: "s", tasks, ...more }] };
  const source = { file: "plan.json", text: JSON.stringify(plan) };
  return problemsOfSubjects(readPlan(source, hubCommands), known);
}

const hello = { command: "message", message: "hello" };

test("a balancer is asked for what runs, or did", () => {
  const drain = (more: object) => problems([{ command: "drain", drone: "web-1", ...more }]);
  assert.deepEqual(drain({}), []);
  assert.deepEqual(drain({ repo: "webapp", service: "own" }), []);
  assert.deepEqual(drain({ service: "http" }), []);
  assert.deepEqual(drain({ repo: "nginz" }), [
    'task 1.1.1 (drain): the hub has no repository "nginz"; did you mean `nginx`?',
  ]);
  assert.deepEqual(drain({ repo: "webapp", environment: "prod" }), [
    'task 1.1.1 (drain): nothing of webapp was ever released to "prod", but to production',
  ]);
  assert.deepEqual(drain({ repo: "webapp", service: "wep" }), [
    'task 1.1.1 (drain): there is no service "wep" of webapp; did you mean `web`?',
  ]);
  const other = { repo: "shop", webhook: "http://balancer/x" };
  assert.deepEqual(drain(other), [], "another balancer knows other names");
});

test("gates wait for what there is", () => {
  const gate = (wanted: object) => problems([hello], { gate: wanted });
  assert.deepEqual(gate({ health: "webapp", service: "web" }), []);
  assert.match(
    gate({ health: "webap" })[0] ?? "",
    /^stage 1 \(s\): gate 1: .*"webap".*; did you mean `webapp`\?$/,
  );
  assert.match(gate({ health: "webapp", service: "job" })[0] ?? "", /no service "job" of webapp$/);
  assert.match(gate({ errors: "webapp", environment: "staging", max: "1%" })[0] ?? "", /"staging"/);
  assert.match(gate({ canary: "shop" })[0] ?? "", /the hub has no repository "shop"$/);
});

test("what was pushed and never released may be waited for", () => {
  const text = JSON.stringify({
    name: "p",
    stages: [{ name: "s", tasks: [hello], gate: { health: "shop", environment: "staging" } }],
  });
  const plan = readPlan({ file: "plan.json", text }, hubCommands);
  assert.deepEqual(problemsOfSubjects(plan, known, new Set(["shop"])), []);
  assert.equal(problemsOfSubjects(plan, known, new Set(["other"])).length, 1);
});

test("changes are of what there is; what a plan releases itself is there when its turn comes", () => {
  assert.match(problems([{ command: "promote", repo: "shop", ref: "1" }])[0] ?? "", /"shop"/);
  const open = {
    command: "open-release",
    repo: "shop",
    release: 1,
    kind: "deploy",
    commit: "a".repeat(40),
    deployment: "b".repeat(16),
  };
  assert.deepEqual(problems([[open, hello]], { gate: { health: "shop", service: "new" } }), []);
});
