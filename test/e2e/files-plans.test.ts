/** Pushes of files as plans, by the built command line: listed, shown before, written down, gone on with after kill -9. */
import assert from "node:assert/strict";
import { lstat, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { exitCodes, filesRepo, type PlanSummary, type ToldOfPlan } from "@propagit/protocol";
import {
  Cluster,
  differences,
  FilesPlaces,
  outcomesOf,
  runCli,
  until,
  type DaemonProcess,
} from "@propagit/test-support";
import { execa } from "execa";

const names = ["a", "b", "c"];

describe("a push of files as a plan", () => {
  let cluster: Cluster;
  let places: FilesPlaces;
  let hub: DaemonProcess;
  const drones = new Map<string, DaemonProcess>();

  before(async () => {
    cluster = await Cluster.create();
    places = new FilesPlaces(cluster);
    hub = await startHub();
    for (const name of names) drones.set(name, await places.startDrone(name));
  });

  after(() => cluster.destroy());

  const startHub = () =>
    cluster.startHub({
      ownRegistry: true,
      flags: [`--data=${join(cluster.folder, "hub")}`],
    });

  const plan = (...words: readonly string[]) =>
    runCli("propagit", ["plan", "files", ...words, ...cluster.hubFlags], cluster.env);

  async function plans(): Promise<readonly PlanSummary[]> {
    const { stdout } = await cluster.propagit("plans", "--json");
    return JSON.parse(stdout) as PlanSummary[];
  }

  it("is listed with the others, and noted once", async () => {
    const source = await places.source("listed", { "a.txt": "1" });
    const pushed = await places.run("push", source, "*:~/listed");
    assert.equal(pushed.exitCode, exitCodes.ok, pushed.stderr);
    for (const name of names) assert.match(pushed.stdout, new RegExp(`^${name} {2}done {2}`, "m"));
    const [newest] = await plans();
    assert.equal(newest?.name, "files push ~/listed to 3 drones");
    assert.deepEqual([newest.outcome, newest.counts.done], ["done", 3]);
    const status = await cluster.propagit("plans", "status", newest.run, "--all");
    assert.match(status.stdout, /1 added, 0 changed, 0 removed, 0 unchanged, 1 B written/);
    const job = await places.run("status", newest.run);
    assert.equal(job.exitCode, exitCodes.ok, job.stderr);
    const events = await cluster.propagit("events");
    const said = events.stdout.match(/pushed files [0-9a-f]{7} to ~\/listed on 3 of 3 drones/g);
    assert.equal(said?.length, 1, events.stdout);
    assert.doesNotMatch(events.stdout, /files push ~\/listed/);
  });

  it("is shown before: what changes where, what is skipped; and nothing is changed", async () => {
    const source = await places.source("shown", { "a.txt": "1" });
    await places.push(source, "c:~/shown");
    const before = await plans();
    const shown = await plan(source, "*:~/shown");
    assert.equal(shown.exitCode, exitCodes.ok, shown.stderr);
    assert.match(shown.stdout, /^a {2}compared {2}1 added.*\n {2}\+ a\.txt/m);
    assert.match(shown.stdout, /files push ~\/shown to 3 drones\n.*2 tasks/);
    assert.match(shown.stdout, /skipped: c \(it has them already\)/);
    assert.match(shown.stdout, /travels: at most 1 B to 2 drones, 2 B in all/);
    const dry = await places.run("push", "--dry-run", "--json", source, "*:~/shown");
    const { told, hash } = JSON.parse(dry.stdout) as { told: ToldOfPlan; hash: string };
    const json = await plan("--json", source, "*:~/shown");
    assert.equal((JSON.parse(json.stdout) as { hash: string }).hash, hash);
    assert.deepEqual(told.travel, { bytes: 1, drones: 2 });
    assert.deepEqual(await plans(), before);
    await assert.rejects(lstat(join(places.home("a"), "shown")));
  });

  it("is carried out as it was written down, and refused when something else came there", async () => {
    const source = await places.source("saved", { "a.txt": "one" });
    const file = join(cluster.folder, "saved.json");
    const made = await plan(source, "a,b:~/saved", `--save=${file}`);
    assert.equal(made.exitCode, exitCodes.ok, made.stderr);
    assert.match(made.stdout, new RegExp(`propagit apply ${file}`));
    // What is pushed is what was read then.
    await writeFile(join(source, "a.txt"), "two");
    const applied = await cluster.propagit("apply", file);
    assert.equal(applied.exitCode, exitCodes.ok, applied.stdout + applied.stderr);
    for (const name of ["a", "b"]) {
      assert.equal(await readFile(join(places.home(name), "saved", "a.txt"), "utf8"), "one");
    }
    const again = await cluster.propagit("apply", file);
    assert.equal(again.exitCode, exitCodes.conflict, again.stdout);
    assert.match(again.stderr, /has changed since: files ~\/saved/);
    const rebased = await cluster.propagit("apply", file, "--rebase", `--save=${file}`);
    assert.equal(rebased.exitCode, exitCodes.ok, rebased.stderr);
    const { stages } = JSON.parse(await readFile(file, "utf8")) as { stages: unknown[] };
    assert.deepEqual(stages, []);
  });

  it("is refused when the hub has its files no more", async () => {
    const source = await places.source("lost", { "a.txt": "lost" });
    const file = join(cluster.folder, "lost.json");
    await plan(source, "a:~/lost", `--save=${file}`);
    const [repo = ""] = (await readdir(join(cluster.folder, "hub"), { recursive: true })).filter(
      (path) => path.endsWith(`${filesRepo}.git`),
    );
    const inRepo = (...words: readonly string[]) =>
      execa("git", ["-C", join(cluster.folder, "hub", repo), ...words]);
    const { stdout } = await inRepo("for-each-ref", "--format=delete %(refname)");
    await execa("git", ["-C", join(cluster.folder, "hub", repo), "update-ref", "--stdin"], {
      input: `${stdout}\n`,
    });
    await inRepo("gc", "--quiet", "--prune=now");
    const refused = await cluster.propagit("apply", file);
    assert.equal(refused.exitCode, exitCodes.notFound, refused.stdout);
    assert.match(refused.stderr, /files [0-9a-f]{7} are not at this hub/);
    await assert.rejects(lstat(join(places.home("a"), "lost")));
  });

  it("over a target, or with a delay, is written down as well", async () => {
    const source = await places.source("later", { "a.txt": "1" });
    const file = join(cluster.folder, "later.json");
    const made = await plan("--after=1s", source, "a:~/later", `--save=${file}`);
    assert.equal(made.exitCode, exitCodes.ok, made.stderr);
    assert.match(made.stdout, /no drone got anything; carry it out with: propagit apply/);
    await assert.rejects(lstat(join(places.home("a"), "later")));
    const applied = await cluster.propagit("apply", file);
    assert.equal(applied.exitCode, exitCodes.ok, applied.stdout + applied.stderr);
    assert.equal(await differences(source, join(places.home("a"), "later")), "");
  });

  it("goes on when nobody looks on any more", async () => {
    const source = await places.source("alone", { "a.txt": "1" });
    // One that says nothing keeps it from being over.
    drones.get("b")?.kill("SIGSTOP");
    const words = ["files", ...cluster.hubFlags, "push", source, "a,b:~/alone"];
    const pushing = cluster.start("files push", "propagit", words, cluster.env);
    await pushing.said(/^a {2}done/m);
    pushing.kill("SIGINT");
    assert.equal(await pushing.exited, 130, pushing.output);
    const [, run = ""] = /propagit files status ([0-9a-f]+)/.exec(pushing.output) ?? [];
    drones.get("b")?.kill("SIGCONT");
    await until("the plan to be over", async () => {
      const found = (await plans()).find((one) => one.run === run);
      return found?.state === "over";
    });
    // It was lost when it said nothing for too long on a busy machine.
    const again = await places.run("reset", run);
    const isFine = again.exitCode === exitCodes.ok || again.exitCode === exitCodes.conflict;
    assert.ok(isFine, again.stderr);
    await until("b to have it", async () => {
      return (await differences(source, join(places.home("b"), "alone"))) === "";
    });
  });

  it("goes on when the hub is killed in the middle, and whoever asked hears how it ended", async () => {
    const source = join(cluster.folder, "many");
    await mkdir(source);
    for (let index = 0; index < 500; index++) {
      await writeFile(join(source, `${index}`), `${index} `.repeat(500));
    }
    const pushing = places.push(`${source}/`, "*:~/many");
    await until("the plan to be on its way", async () => {
      const [newest] = await plans();
      return newest?.name === "files push ~/many to 3 drones";
    });
    hub.kill("SIGKILL");
    await hub.exited;
    hub = await startHub();
    const pushed = await pushing;
    assert.equal(pushed.exitCode, exitCodes.ok, pushed.stdout + pushed.stderr);
    assert.deepEqual(
      outcomesOf(pushed).map(({ drone, outcome }) => `${drone} ${outcome}`),
      ["a done", "b done", "c done"],
    );
    for (const name of names) {
      assert.equal(await differences(source, join(places.home(name), "many")), "");
    }
    const events = await cluster.propagit("events");
    assert.equal(events.stdout.match(/to ~\/many on 3 of 3 drones/g)?.length, 1, events.stdout);
  });
});
