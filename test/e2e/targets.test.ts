/** Pushes over targets: plans of the hub over real drones, by the built command line. */
import assert from "node:assert/strict";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { exitCodes, type FilesRow, type PlanSummary } from "@propagit/protocol";
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
    const relay = await cluster.propagit(
      "targets",
      `--targets=${targets}`,
      `--targets=hed=${targets}`,
    );
    assert.equal(relay.exitCode, exitCodes.usage);
    assert.match(relay.stderr, /--targets=hed=\S+propagit\.yaml: no target forwards to "hed"/);
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

  it("puts each source under its own name in the home folders, beside what is there", async () => {
    await mkdir(join(cluster.folder, "my"));
    await mkdir(join(cluster.folder, "and"));
    const contents = await places.source("my/folder", { "a.txt": "a", "b/c.txt": "c" });
    const folder = contents.replace(/\/$/, "");
    const and = await places.source("and/my", { file: "one" });
    const line = ["--targets", targets, folder, join(and, "file"), "all:~/"];
    const shown = await cluster.propagit("files", "push", "--dry-run", ...line);
    assert.equal(shown.exitCode, 0, shown.stderr);
    assert.match(shown.stdout, /would put files \w+ into ~\/, each under its own name/);
    assert.match(shown.stdout, /my\/folder -> ~\/folder\n.*and\/my\/file -> ~\/file\n/);
    for (const name of ["a", "b", "c"]) await writeFile(join(places.home(name), "mine"), name);
    const pushed = await cluster.propagit("files", "push", ...line);
    assert.equal(pushed.exitCode, 0, pushed.stderr + cluster.output);
    for (const name of ["a", "b", "c"]) {
      const home = places.home(name);
      assert.equal(await differences(contents, join(home, "folder")), "");
      assert.equal(await readFile(join(home, "file"), "utf8"), "one");
      assert.equal(await readFile(join(home, "mine"), "utf8"), name);
    }
    const listed = await cluster.propagit("files", "list", "--json", "a:~/");
    const paths = (JSON.parse(listed.stdout) as FilesRow[]).map(({ path }) => path);
    for (const name of ["", "/folder", "/site"]) {
      assert.ok(
        paths.some((path) => path.endsWith(`${places.home("a")}${name}`)),
        paths.join(),
      );
    }
    const again = await push(folder, join(and, "file"), "all:~/");
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

  it("does not try again what a drone refuses for good, and reaches the others meanwhile", async () => {
    const source = await places.source("taken", { "index.html": "one" });
    const taken = join(places.home("a"), "taken");
    await mkdir(taken, { recursive: true });
    await writeFile(join(taken, "mine"), "of somebody");
    // With four more attempts it would take 100 minutes.
    const pushed = await push(source, "all:~/taken");
    assert.equal(pushed.exitCode, exitCodes.failed, pushed.stderr + cluster.output);
    const { outcome, counts } = JSON.parse(pushed.stdout) as PlanSummary;
    assert.deepEqual([outcome, counts.failed, counts.done], ["failed", 1, 2]);
    assert.equal(await readFile(join(places.home("c"), "taken", "index.html"), "utf8"), "one");
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

  it("is asked in the words of deploy-in-stages", async () => {
    const source = await places.source("words", { "index.html": "words" });
    const file = join(cluster.folder, "file.txt");
    await writeFile(file, "beside");
    const waiting = join(cluster.folder, "waiting.yaml");
    await writeFile(waiting, "targets: { slow: { a: now, b: 1h, c: 2h } }");
    const words = [`--targets=${waiting}`, source, file, "slow:~/words"];
    const queued = await places.run("queue", "--json", ...words);
    assert.equal(queued.exitCode, 0, queued.stderr);
    const { run } = JSON.parse(queued.stdout) as PlanSummary;
    const there = (name: string) =>
      until(`it is on ${name}`, async () => {
        const text = readFile(join(places.home(name), "words", "file.txt"), "utf8");
        return (await text.catch(() => "")) === "beside";
      });
    await there("a");
    const active = await places.run("status", "active");
    assert.match(
      active.stdout,
      /files to slow:~\/words {2}\w+ pending.*\n {3}next in .*\n {3}done 1: a\n {3}pending 2: b, c\n/,
    );
    const early = await places.run("reset", run);
    assert.equal(early.exitCode, exitCodes.conflict);
    assert.match(early.stderr, /nothing of the stage that runs has failed/);
    await places.run("age", run.slice(0, 5));
    await there("b");
    const stopped = await places.run("stop", run);
    assert.equal(stopped.exitCode, 0, stopped.stderr);
    await until("it is stopped", async () => {
      const { stdout } = await places.run("status", "stopped", "--json");
      return (JSON.parse(stdout) as PlanSummary[]).some((job) => job.run === run);
    });
    assert.match(
      (await places.run("status", run)).stdout,
      /stopped[^\n]*\n {3}done 2: a, b\n {3}never begun 1: c\n/,
    );
    assert.match((await places.run("more")).stdout, /^ {4}0 payloads on their way\n/);
    assert.equal((await places.run("more", "--quiet")).stdout, "");
    const again = await places.run("reset", run);
    assert.equal(again.exitCode, 0, again.stderr);
    await places.run("age", run);
    await there("c");
    await until("it is done", async () => {
      const { stdout } = await places.run("status", run, "--json");
      return (JSON.parse(stdout) as { readonly bucket: string }).bucket === "done";
    });
    const over = await places.run("reset", run);
    assert.equal(over.exitCode, exitCodes.conflict);
    assert.match(over.stderr, /nothing of it failed/);
    const ended = await places.run("stop", run);
    assert.equal(ended.exitCode, exitCodes.conflict);
    assert.match(ended.stderr, /push \w+ cannot be asked to stop: [^]*propagit files status \w+/);
    assert.equal((await places.run("stop", "nothing")).exitCode, exitCodes.notFound);
  });
});
