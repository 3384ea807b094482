/** Every command that changes the cluster has `--dry-run`; why the others have none is said here. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { commandsOf } from "../src/program.js";
import { propagitProgram } from "../src/propagit.js";

const [looks, local, daemon, steers] = [
  "only looks",
  "is of this machine alone",
  "is a daemon",
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

/** All that do something themselves, and do not only have others below them. */
const acting = commandsOf(propagitProgram()).filter(
  // Nothing that commander publishes says it.
  ({ command }) => Reflect.get(command, "_actionHandler") !== null,
);
const bare = acting
  // Which is a dry run itself.
  .filter(({ path }) => path[0] !== "plan")
  .filter(({ command }) => !command.options.some(({ long }) => long === "--dry-run"))
  .map(({ path }) => path.join(" "));

describe("every command", () => {
  it("has --dry-run, or a reason why not", () => {
    assert.deepEqual(
      bare.filter((name) => !Object.hasOwn(withoutDryRun, name)),
      [],
    );
  });

  it("that has --dry-run, or is no more, has no reason why not", () => {
    const there = new Set(bare);
    assert.deepEqual(
      Object.keys(withoutDryRun).filter((name) => !there.has(name)),
      [],
    );
  });

  it("is found by this test", () => {
    assert.ok(acting.length > bare.length && bare.length > 50);
  });
});
