/** What a change would do, before any of it is: `propagit plan deploy`, `--dry-run`, and that nothing is written. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { exitCodes } from "@propagit/protocol";
import {
  closeConnections,
  Cluster,
  instancesOf,
  runCli,
  WorkTree,
  type Finished,
} from "@propagit/test-support";

const names = ["a", "b", "c"];

describe("planned changes", () => {
  let cluster: Cluster;
  let tree: WorkTree;

  before(async () => {
    cluster = await Cluster.create();
    await cluster.startHub({ ownRegistry: true });
    for (const name of names) {
      const data = `--data=${join(cluster.folder, name)}`;
      await cluster.startDrone([], [`--name=${name}`, `--label=zone=${name}`, data]);
    }
    tree = await WorkTree.create(join(cluster.folder, "app"));
    await tree.write("propagit.yaml", "services:\n  job: { command: sleep 1d, port: none }\n");
    await tree.commit("one");
    await push("master");
    const deployed = await cluster.propagit("deploy", "app", "master");
    assert.equal(deployed.exitCode, exitCodes.ok, deployed.stderr);
    await tree.write("more.txt", "more");
    await tree.commit("two");
    await push("next");
  });

  after(async () => {
    closeConnections();
    await cluster.destroy();
  });

  const push = (branch: string) =>
    tree.git("push", `http://localhost:${cluster.ports.hub}/app`, `HEAD:${branch}`);

  const plan = (...words: readonly string[]): Promise<Finished> =>
    runCli("propagit", ["plan", ...words, ...cluster.hubFlags], cluster.env);

  /** All that the hub would write when something changes. */
  async function traces(): Promise<unknown> {
    const { stdout } = await cluster.propagit("events", "--json");
    const releases = await cluster.propagit("releases", "app", "--json");
    const plans = await cluster.propagit("plans", "--json");
    return [stdout, releases.stdout, plans.stdout];
  }

  it("shows a deploy with its stages, and writes nothing", async () => {
    const before = await traces();
    const shown = await plan("deploy", "app", "next");
    assert.equal(shown.exitCode, exitCodes.ok, shown.stderr);
    assert.match(shown.stdout, /deploy app [0-9a-f]{7} to production/);
    for (const stage of ["open", "start", "visitors"])
      assert.match(shown.stdout, new RegExp(stage));
    assert.match(shown.stdout, /would start release 2 of app on every drone that fits/);
    assert.match(shown.stdout, /travels: at most .* to 3 drones/);
    assert.match(shown.stdout, /nothing was changed/);
    assert.deepEqual(await traces(), before);
  });

  it("says the same by --dry-run, and as JSON with its waves", async () => {
    const before = await traces();
    const dry = await cluster.propagit("deploy", "app", "next", "--dry-run", "--waves=zone");
    assert.equal(dry.exitCode, exitCodes.ok, dry.stderr);
    assert.match(dry.stdout, /start 1: zone a[^]*start 2: zone b[^]*start 3: zone c/);
    const json = await plan("deploy", "app", "next", "--waves=zone", "--canary-drone=b", "--json");
    const { plan: made, told } = JSON.parse(json.stdout) as {
      plan: { stages: { name: string; lines: { args: { drones?: string[] } }[][] }[] };
      told: { skippedCount: number };
    };
    const waves = made.stages.filter(({ name }) => name.startsWith("start"));
    assert.deepEqual(
      waves.map(({ name, lines }) => [name, lines[0]?.[0]?.args.drones]),
      [
        ["start 1: canary b", ["b"]],
        ["start 2: zone a", ["a"]],
        ["start 3: zone c", ["c"]],
      ],
    );
    assert.equal(told.skippedCount, 0);
    assert.deepEqual(await traces(), before);
  });

  it("says that there is nothing to do where all of it runs already", async () => {
    const shown = await plan("deploy", "app", "master");
    assert.equal(shown.exitCode, exitCodes.ok, shown.stderr);
    assert.match(shown.stdout, /nothing to do[^]*skipped: release 1 of app/);
  });

  it("is refused where the change itself would be", async () => {
    const nothing = await plan("deploy", "app", "nowhere");
    assert.equal(nothing.exitCode, exitCodes.notFound, nothing.stdout);
    const back = await plan("rollback", "app");
    assert.equal(back.exitCode, exitCodes.notFound, back.stdout);
    const waves = await plan("deploy", "app", "next", "--min-up=3");
    assert.equal(waves.exitCode, exitCodes.usage, waves.stdout);
    assert.match(waves.stderr, /at least 3 of 3 must stay up, so none may be replaced/);
  });

  it("plans numbers of instances, and writes a plan down for later", async () => {
    const file = join(cluster.folder, "plan.json");
    const shown = await plan("scale", "app", "job=2", `--save=${file}`);
    assert.equal(shown.exitCode, exitCodes.ok, shown.stderr);
    assert.match(shown.stdout, new RegExp(`propagit apply ${file}`));
    const saved = JSON.parse(await readFile(file, "utf8")) as {
      basis: { revisions: Record<string, number> };
      request: unknown;
    };
    const request = { kind: "scale", repo: "app", services: [{ service: "job", instances: 2 }] };
    assert.deepEqual(saved.request, request);
    assert.deepEqual(Object.keys(saved.basis.revisions).sort(), [
      "deployments app/production",
      "drones",
      "environment app/production",
      "route app/production",
    ]);
    assert.equal((await instancesOf(cluster)).length, 3);
  });

  it("carries a saved plan out just so; refuses it when its state has moved, and makes it anew", async () => {
    const file = join(cluster.folder, "deploy.json");
    await plan("deploy", "app", "next", "--no-promote", `--save=${file}`);
    const late = join(cluster.folder, "late.json");
    await plan("deploy", "app", "next", "--waves=zone", `--save=${late}`);
    const applied = await cluster.propagit("apply", file);
    assert.equal(applied.exitCode, exitCodes.ok, applied.stdout + applied.stderr);
    assert.equal((await instancesOf(cluster)).length, 6);
    const refused = await cluster.propagit("apply", late);
    assert.equal(refused.exitCode, exitCodes.conflict, refused.stdout);
    assert.match(refused.stderr, /has changed since: environment app\/production, .*--rebase/s);
    const rebased = await cluster.propagit("apply", late, "--rebase", `--save=${late}`);
    assert.equal(rebased.exitCode, exitCodes.ok, rebased.stderr);
    assert.match(rebased.stdout, /^- .*"release": 2[^]*^\+ .*"release": 3/m);
    const again = await cluster.propagit("apply", late, "--rebase");
    assert.match(again.stdout, /is as it would be made now/);
  });

  it("brings a release to drones in waves, each ready before the next begins", async () => {
    await tree.write("more.txt", "even more");
    await tree.commit("three");
    await push("third");
    const deployed = await cluster.propagit(
      "deploy",
      "app",
      "third",
      "--waves=50,100",
      "--canary-drone=c",
    );
    assert.equal(deployed.exitCode, exitCodes.ok, deployed.stdout + deployed.stderr);
    const { stdout } = await cluster.propagit("plans", "--json");
    const [{ run } = { run: "" }] = JSON.parse(stdout) as { run: string }[];
    const status = await cluster.propagit("plans", "status", run);
    assert.match(status.stdout, /canary c[^]*50%[^]*100%/);
  });

  it("shows what promote, stop, drain and reap would do, and carries that out", async () => {
    const before = await traces();
    const dry = await cluster.propagit("stop", "app", "1", "--dry-run");
    assert.equal(dry.exitCode, exitCodes.ok, dry.stderr);
    assert.match(dry.stdout, /would stop release 1 of app on every drone/);
    const routed = await plan("stop", "app", "3");
    assert.equal(routed.exitCode, exitCodes.conflict, routed.stdout);
    assert.match((await plan("reap")).stdout, /nothing to do|would stop and remove/);
    assert.match((await plan("drain", "a")).stdout, /would move everything away from a/);
    assert.deepEqual(await traces(), before);
    const file = join(cluster.folder, "promote.json");
    await plan("promote", "app", "1", `--save=${file}`);
    const applied = await cluster.propagit("apply", file);
    assert.equal(applied.exitCode, exitCodes.ok, applied.stdout + applied.stderr);
    assert.match((await plan("promote", "app", "1")).stdout, /skipped: visitors/);
  });

  it("shows what new settings would do, by their names and without a value; --env is the environment", async () => {
    const before = await traces();
    const dry = await cluster.propagit("env", "set", "app", "GREETING=hello-hello", "--dry-run");
    assert.equal(dry.exitCode, exitCodes.ok, dry.stderr);
    assert.match(dry.stdout, /configure app [0-9a-f]{7} in production/);
    for (const stage of ["open", "start", "visitors"]) assert.match(dry.stdout, new RegExp(stage));
    assert.match(dry.stdout, /settings that change: GREETING[^]*nothing was changed/);
    assert.doesNotMatch(dry.stdout + dry.stderr, /hello-hello/);
    const value = join(cluster.folder, "token");
    await writeFile(value, "hunter2-hunter2\n");
    const secret = ["secrets", "set", "app", "TOKEN", `--file=${value}`, "--dry-run"] as const;
    const hidden = await cluster.propagit(...secret, "--json");
    assert.equal(hidden.exitCode, exitCodes.ok, hidden.stderr);
    const { plan: made } = JSON.parse(hidden.stdout) as { plan: { request: { set: unknown } } };
    assert.deepEqual(made.request.set, [{ name: "TOKEN", secret: true }]);
    assert.doesNotMatch(hidden.stdout + hidden.stderr, /hunter2/);
    const none = await cluster.propagit("secrets", "unset", "app", "TOKEN", "--dry-run");
    assert.match(none.stdout, /nothing to do[^]*skipped: TOKEN \(it is so already\)/);
    const elsewhere = ["env", "set", "app", "A=1", "--env", "staging", "--dry-run"] as const;
    const early = await cluster.propagit(...elsewhere);
    assert.match(early.stdout, /skipped: a release \(nothing of app is deployed to staging yet/);
    const wrong = await cluster.propagit("env", "set", "app", "PORT=1", "--dry-run");
    assert.equal(wrong.exitCode, exitCodes.usage, wrong.stdout);
    const named = await plan("deploy", "app", "master", "--env", "staging");
    assert.match(named.stdout, /deploy app [0-9a-f]{7} to staging/, named.stderr);
    assert.deepEqual(await traces(), before);
    assert.doesNotMatch(cluster.output, /hunter2|hello-hello/);
  });
});
