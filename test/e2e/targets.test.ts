/** Pushes over targets: plans of the hub over real drones, by the built command line. */
import assert from "node:assert/strict";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { exitCodes, type PlanSummary } from "@propagit/protocol";
import {
  Cluster,
  differences,
  FilesPlaces,
  until,
  type DaemonProcess,
} from "@propagit/test-support";

const yaml = `
services: { web: node web.js }
targets:
  all: { a: now, others: { after: 1s } }
  others: { b: now, c: 1s }
  wrong: { nobody: now }
`;

describe("a push over a target", () => {
  let cluster: Cluster;
  let places: FilesPlaces;
  let targets: string;
  let hub: DaemonProcess;

  before(async () => {
    cluster = await Cluster.create();
    places = new FilesPlaces(cluster);
    hub = await cluster.startHub({ ownRegistry: true });
    for (const name of ["a", "b", "c"]) await places.startDrone(name);
    targets = join(cluster.folder, "propagit.yaml");
    await writeFile(targets, yaml);
  });

  after(() => cluster.destroy());

  const push = (...words: readonly string[]) => places.push(`--targets=${targets}`, ...words);
  const homes = () => ["a", "b", "c"].map((name) => join(places.home(name), "site"));

  it("shows first what names mean, and which mean nothing", async () => {
    const one = await cluster.propagit("targets", `--targets=${targets}`, "all");
    assert.equal(one.exitCode, 0, one.stderr);
    assert.equal(
      one.stdout,
      "all  3 drones, the last after 2s\n   a  at once\n   b  after 1s\n   c  after 2s",
    );
    const all = await cluster.propagit("targets", `--targets=${targets}`);
    assert.equal(all.exitCode, exitCodes.usage);
    assert.match(all.stdout, /^others {2}2 drones/m);
    assert.match(all.stderr, /propagit\.yaml:6:12: member "nobody" of "wrong" is no drone/);
  });

  it("reaches each drone once its time has come, in one plan", async () => {
    const source = await places.source("site", { "index.html": "one", "a/b.txt": "two" });
    const pushed = await push(source, "all:~/site");
    assert.equal(pushed.exitCode, 0, pushed.stderr + cluster.output);
    for (const home of homes()) assert.equal(await differences(source, home), "");
    const { outcome, counts, beganAt = 0, endedAt = 0 } = JSON.parse(pushed.stdout) as PlanSummary;
    assert.deepEqual([outcome, counts.done, counts.tasks], ["done", 3, 3]);
    assert.ok(endedAt - beganAt >= 2_000, `it took ${endedAt - beganAt} ms`);
    const again = await push("--concurrency=2", source, "all:~/site");
    assert.equal((JSON.parse(again.stdout) as PlanSummary).counts.unchanged, 3);
  });

  it("is the dry run, and sends nothing for it", async () => {
    const source = await places.source("dry", { "index.html": "dry" });
    const shown = await push("--dry-run", source, "all:~/dry");
    assert.equal(shown.exitCode, 0, shown.stderr);
    const { hash } = JSON.parse(shown.stdout) as { readonly hash: string };
    await assert.rejects(readFile(join(places.home("a"), "dry", "index.html")));
    const pushed = await push(source, "all:~/dry");
    assert.equal((JSON.parse(pushed.stdout) as { readonly hash: string }).hash, hash);
  });

  it("goes on without whoever began it, with what was read then, also when the hub is killed", async () => {
    const source = await places.source("later", { "index.html": "then" });
    const began = await push("--detach", "--after=1s", source, "all:~/later");
    assert.equal(began.exitCode, 0, began.stderr);
    const { run } = JSON.parse(began.stdout) as PlanSummary;
    await rm(source, { recursive: true });
    await mkdir(source);
    hub.kill("SIGKILL");
    await hub.stop();
    hub = await cluster.startHub({ ownRegistry: true });
    await until("the push is over", async () => {
      const { stdout } = await cluster.propagit("plans", "status", run, "--json");
      return (JSON.parse(stdout || "{}") as PlanSummary).state === "over";
    });
    for (const name of ["a", "b", "c"]) {
      const text = await readFile(join(places.home(name), "later", "index.html"), "utf8");
      assert.equal(text, "then");
    }
  });

  it("goes on with the others when one cannot be reached, and ends with the truth", async () => {
    const away = await places.startDrone("d");
    away.kill("SIGKILL");
    await away.stop();
    const source = await places.source("some", { "index.html": "some" });
    const pushed = await push("--retries=0", source, "a,d:~/some");
    assert.equal(pushed.exitCode, exitCodes.failed, pushed.stdout + pushed.stderr);
    assert.match(pushed.stderr, /1 task of 2 failed/);
    assert.equal(await readFile(join(places.home("a"), "some", "index.html"), "utf8"), "some");
  });
});
