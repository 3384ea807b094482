/** Every command that changes the cluster has `--dry-run`; why the others have none is said here. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { commandsOf } from "../src/program.js";
import { propagitProgram } from "../src/propagit.js";

const [looks, local, daemon, plans, steers] = [
  "only looks",
  "is of this machine alone",
  "is a daemon",
  "is a dry run itself",
  "steers a plan that goes, which cannot plan itself",
] as const;

const withoutDryRun: Readonly<Record<string, string>> = {
  up: daemon,
  init: local,
  check: looks,
  "remote add": local,
  "remote ls": looks,
  "remote rm": local,
  "credential get": local,
  "credential store": local,
  "credential erase": local,
  hub: daemon,
  drone: daemon,
  relay: daemon,
  proxy: daemon,
  "service install": local,
  "service ls": looks,
  "service remove": local,
  follow: looks,
  releases: looks,
  "release show": looks,
  diff: looks,
  plan: plans,
  "plan deploy": plans,
  "plan rollback": plans,
  "plan scale": plans,
  "plan promote": plans,
  "plan rollout": plans,
  "plan split": plans,
  "plan stop": plans,
  "plan start": plans,
  "plan restart": plans,
  "plan pause": plans,
  "plan resume": plans,
  "plan reap": plans,
  "plan pin": plans,
  "plan unpin": plans,
  "plan drain": plans,
  "plan undrain": plans,
  "plan files": plans,
  plans: looks,
  "plans status": looks,
  "plans pause": steers,
  "plans resume": steers,
  "plans stop": steers,
  "plans skip-wait": steers,
  "plans retry": steers,
  "plans approve": steers,
  "config verify": looks,
  "config show": looks,
  "env list": looks,
  "secrets list": looks,
  "rollout status": looks,
  "experiment status": looks,
  "route show": looks,
  "access ls": looks,
  "certificates ls": looks,
  top: looks,
  ps: looks,
  logs: looks,
  drones: looks,
  proxies: looks,
  swarm: looks,
  "files list": looks,
  "files status": looks,
  "files stop": steers,
  "files age": steers,
  "files reset": steers,
  "files more": steers,
  targets: looks,
  events: looks,
};

/** Of the other branch: to be deleted when these have theirs. */
const ofTheOtherBranch: readonly string[] = [
  "rollout promote",
  "rollout abort",
  "rollout pause",
  "rollout resume",
  "experiment start",
  "experiment stop",
  "shadow",
  "maintenance off",
];

/** All that do something themselves, and do not only have others below them. */
const acting = commandsOf(propagitProgram()).filter(
  // Nothing that commander publishes says it.
  ({ command }) => Reflect.get(command, "_actionHandler") !== null,
);
const bare = acting
  .filter(({ command }) => !command.options.some(({ long }) => long === "--dry-run"))
  .map(({ path }) => path.join(" "));

describe("every command", () => {
  it("has --dry-run, or a reason why not", () => {
    const known = new Set([...Object.keys(withoutDryRun), ...ofTheOtherBranch]);
    assert.deepEqual(
      bare.filter((name) => !known.has(name)),
      [],
    );
  });

  it("that has --dry-run, or is no more, has no reason why not", () => {
    const there = new Set(bare);
    const stale = [...Object.keys(withoutDryRun), ...ofTheOtherBranch].filter(
      (name) => !there.has(name),
    );
    assert.deepEqual(stale, []);
  });

  it("is found by this test", () => {
    assert.ok(acting.length > bare.length && bare.length > 50);
  });
});
