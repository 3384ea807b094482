/** `propagit files`: folders on real drones, through a real hub, by the built command line. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { chmod, lstat, mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { exitCodes, filesRepo, type FilesRow } from "@propagit/protocol";
import {
  Cluster,
  differences,
  FilesPlaces,
  Meter,
  outcomesOf,
  WorkTree,
} from "@propagit/test-support";
import { execa } from "execa";

const isRoot = process.getuid?.() === 0;
const filesInSite = 1_000;
const fileBytes = 4_096;

describe("files push", () => {
  let cluster: Cluster;
  let places: FilesPlaces;
  let meter: Meter;

  before(async () => {
    cluster = await Cluster.create();
    places = new FilesPlaces(cluster);
    await cluster.startHub({ ownRegistry: true });
    meter = new Meter(cluster.ports.hub);
    await places.startDrone("a", await meter.listen());
    await places.startDrone("b");
    await places.startDrone("c");
  });

  after(async () => {
    await cluster.destroy();
    meter.close();
  });

  it("brings a thousand files to every drone that is meant, and then only what changed", async () => {
    const site = join(cluster.folder, "site");
    await mkdir(join(site, "pages"), { recursive: true });
    for (let index = 0; index < filesInSite; index++) {
      await writeFile(join(site, "pages", `${index}.bin`), randomBytes(fileBytes));
    }
    const target = "role=web:~/site";
    const homes = ["a", "b", "c"].map((name) => join(places.home(name), "site"));
    const [ofA = ""] = homes;
    const first = await places.push(`${site}/`, target);
    assert.equal(first.exitCode, 0, first.stderr + cluster.output);
    for (const home of homes) assert.equal(await differences(site, home), "");
    await writeFile(join(site, "pages", "7.bin"), randomBytes(fileBytes));
    const untouched = await lstat(join(ofA, "pages", "8.bin"));
    const before = meter.received;
    const second = await places.push(`${site}/`, target);
    const bytes = meter.received - before;
    const [outcome] = outcomesOf(second);
    assert.deepEqual(outcome?.changes, {
      added: 0,
      changed: 1,
      removed: 0,
      unchanged: filesInSite,
      bytes: fileBytes,
      foreign: 0,
    });
    for (const home of homes) assert.equal(await differences(site, home), "");
    const now = await lstat(join(ofA, "pages", "8.bin"));
    assert.deepEqual([now.ino, now.mtimeMs], [untouched.ino, untouched.mtimeMs]);
    // The file, what git tells of the new tree (20 bytes a file), and frames; all files have 4 MB.
    assert.ok(bytes < 100_000, `${bytes} bytes came for a change of ${fileBytes}`);
    const third = await places.push(`${site}/`, target);
    assert.equal(outcomesOf(third)[0]?.changes?.unchanged, filesInSite + 1);
    // What was read before is named only, and git here has it no more: everything is read again.
    const kept = join(cluster.folder, "home", "files", `localhost-${cluster.ports.hub}`);
    assert.ok((await readdir(join(kept, "known"))).length > 0);
    await rm(join(kept, "pushed.git"), { recursive: true });
    const fourth = await places.push(`${site}/`, target);
    assert.equal(fourth.exitCode, 0, fourth.stderr);
    assert.equal(outcomesOf(fourth)[0]?.changes?.unchanged, filesInSite + 1);
  });

  it("carries every name, empty folders, modes and links as they are", async () => {
    const source = await places.source("names", {
      "a b/c\nd": "1",
      "grün/日本": "2",
      ".git/config": "3",
      ".gitmodules": "[submodule]",
      "-rf": "4",
      "a%2fb": "5",
      "git~1/x": "6",
    });
    await writeFile(Buffer.concat([Buffer.from(source), Buffer.from([0xff, 0xfe])]), "7");
    await mkdir(join(source, "empty"));
    await symlink("/etc/passwd", join(source, "out"));
    await symlink("nowhere", join(source, "dangling"));
    await writeFile(join(source, "run.sh"), "#!/bin/sh\n", { mode: 0o750 });
    await chmod(join(source, "empty"), 0o700);
    const { exitCode, stderr } = await places.push(source, `c:${places.place("names")}`);
    assert.equal(exitCode, 0, stderr);
    assert.match(stderr, /\.git is pushed too/);
    assert.equal(await differences(source, places.place("names")), "");
    const mode = async (name: string) =>
      (await lstat(join(places.place("names"), name))).mode & 0o777;
    assert.deepEqual([await mode("empty"), await mode("run.sh")], [0o700, 0o750]);
    assert.deepEqual((await readdir(places.place("names"))).length, (await readdir(source)).length);
  });

  it("takes a folder by its name, or what is in it, and leaves out what is excluded", async () => {
    const source = await places.source("some", {
      "a.css": "1",
      "a.css.map": "2",
      "deep/b.map": "3",
    });
    const { exitCode, stderr } = await places.push(
      "--exclude=*.map",
      source.slice(0, -1),
      join(cluster.folder, "some", "a.css"),
      `c:${places.place("some")}`,
    );
    assert.equal(exitCode, 0, stderr);
    assert.deepEqual((await readdir(places.place("some"))).toSorted(), ["a.css", "some"]);
    assert.deepEqual((await readdir(join(places.place("some"), "some"))).toSorted(), [
      "a.css",
      "deep",
    ]);
    assert.deepEqual(await readdir(join(places.place("some"), "some", "deep")), []);
  });

  it("says what would change, and touches nothing", async () => {
    const source = await places.source("dry", { "a.txt": "one", "b.txt": "two" });
    const nothing = await places.run("push", "--dry-run", source, `c:${places.place("dry")}`);
    assert.match(nothing.stdout, /2 added/);
    await assert.rejects(lstat(places.place("dry")));
    await places.push(source, `c:${places.place("dry")}`);
    await writeFile(join(source, "a.txt"), "changed");
    await rm(join(source, "b.txt"));
    await writeFile(join(source, "c.txt"), "new");
    const { stdout, exitCode } = await places.run(
      "push",
      "--dry-run",
      source,
      `c:${places.place("dry")}`,
    );
    assert.equal(exitCode, 0);
    assert.match(stdout, /1 added, 1 changed, 1 removed/);
    assert.match(stdout, /~ a\.txt\n {2}\+ c\.txt\n {2}- b\.txt/);
    assert.match(stdout, /files push .*dry to 1 drone\n.*1 task/);
    assert.match(stdout, /would put files [0-9a-f]{7} to .*dry/);
    assert.match(stdout, /travels: at most .* to 1 drone\n\nnothing was changed/);
    assert.equal(await readFile(join(places.place("dry"), "a.txt"), "utf8"), "one");
  });

  it(
    "gives files to a user, with the modes that are asked for",
    {
      skip: isRoot ? false : "needs root to give files away",
    },
    async () => {
      const source = await places.source("owned", { "deep/a.txt": "1" });
      const flags = ["--owner=nobody", "--mode=640", "--dir-mode=750"];
      const { exitCode, stderr } = await places.push(
        ...flags,
        source,
        `c:${places.place("owned")}`,
      );
      assert.equal(exitCode, 0, stderr);
      const nobody = Number((await execa("id", ["-u", "nobody"])).stdout);
      for (const [path, mode] of [
        ["", 0o750],
        ["deep", 0o750],
        ["deep/a.txt", 0o640],
      ] as const) {
        const seen = await lstat(join(places.place("owned"), path));
        assert.deepEqual([seen.uid, seen.mode & 0o777], [nobody, mode], path);
      }
      const unknown = await places.push(
        "--owner=no-such-user",
        source,
        `c:${places.place("other")}`,
      );
      assert.equal(unknown.exitCode, exitCodes.conflict);
      assert.match(outcomesOf(unknown)[0]?.reason ?? "", /no user "no-such-user"/);
      await assert.rejects(lstat(places.place("other")));
    },
  );

  it("is refused where it would harm the machine", async () => {
    const source = await places.source("guard", { "a.txt": "1" });
    const own = join(cluster.folder, "c");
    for (const path of ["/", "/home", "/usr", "/usr/lib", "/etc/../usr", own, `${own}/x`]) {
      const result = await places.push("--replace", "--force", source, `c:${path}`);
      assert.equal(result.exitCode, exitCodes.conflict, `${path}: ${result.stderr}`);
      assert.equal(outcomesOf(result)[0]?.outcome, "refused", path);
    }
    assert.ok((await readdir(own)).includes("identity"));
  });

  it("is refused where something else is, unless that is to be replaced", async () => {
    const source = await places.source("full", { "a.txt": "1" });
    await mkdir(places.place("full"), { recursive: true });
    await writeFile(join(places.place("full"), "precious"), "1");
    const refused = await places.run("push", source, `c:${places.place("full")}`);
    assert.equal(refused.exitCode, exitCodes.conflict);
    assert.match(refused.stdout, /is not empty.*"precious"\n.*--replace/);
    assert.deepEqual(await readdir(places.place("full")), ["precious"]);
    assert.equal((await places.push("--replace", source, `c:${places.place("full")}`)).exitCode, 0);
    assert.deepEqual(await readdir(places.place("full")), ["a.txt"]);
    // What comes there later stays, as long as it is in nobody's way.
    await writeFile(join(places.place("full"), "app.log"), "1");
    const beside = await places.push(source, `c:${places.place("full")}`);
    assert.equal(outcomesOf(beside)[0]?.changes?.foreign, 1);
    assert.deepEqual((await readdir(places.place("full"))).toSorted(), ["a.txt", "app.log"]);
  });

  it("removes more than a thousand files of others only when that is said twice", async () => {
    const source = await places.source("many", { "a.txt": "1" });
    await mkdir(join(places.place("many"), "deep"), { recursive: true });
    for (let index = 0; index < 1_001; index++) {
      await writeFile(join(places.place("many"), "deep", `${index}`), "");
    }
    const refused = await places.push("--replace", source, `c:${places.place("many")}`);
    assert.equal(refused.exitCode, exitCodes.conflict);
    assert.match(outcomesOf(refused)[0]?.hint ?? "", /--force/);
    assert.equal((await readdir(join(places.place("many"), "deep"))).length, 1_001);
    assert.equal(
      (await places.push("--replace", "--force", source, `c:${places.place("many")}`)).exitCode,
      0,
    );
    assert.deepEqual(await readdir(places.place("many")), ["a.txt"]);
  });

  it("follows no link, neither above the destination nor in it", async () => {
    const source = await places.source("links", { "in/a.txt": "1" });
    const real = places.place("real");
    await mkdir(real, { recursive: true });
    await symlink("/usr", places.place("to-usr"));
    const guarded = await places.push(source, `c:${places.place("to-usr")}/lib`);
    assert.match(outcomesOf(guarded)[0]?.reason ?? "", /\/usr\/lib belongs to the system/);
    await symlink(real, places.place("to-real"));
    const itself = await places.push("--replace", source, `c:${places.place("to-real")}`);
    assert.match(outcomesOf(itself)[0]?.reason ?? "", /is a link/);
    assert.equal((await places.push(source, `c:${places.place("to-real")}/below`)).exitCode, 0);
    assert.ok((await lstat(join(real, "below", "in"))).isDirectory());
    // Somebody who may write there puts a link in the place of a folder.
    const trap = places.place("trap");
    await mkdir(trap);
    await rm(join(real, "below", "in"), { recursive: true });
    await symlink(trap, join(real, "below", "in"));
    await writeFile(join(source, "in", "a.txt"), "2");
    const planted = await places.push(source, `c:${real}/below`);
    assert.equal(planted.exitCode, exitCodes.conflict);
    assert.deepEqual(await readdir(trap), []);
    assert.equal((await places.push("--replace", source, `c:${real}/below`)).exitCode, 0);
    assert.deepEqual(await readdir(trap), []);
    assert.equal(await readFile(join(real, "below", "in", "a.txt"), "utf8"), "2");
  });

  it("has a repository at the hub that nobody else can write to", async () => {
    const tree = await WorkTree.create(join(cluster.folder, "stranger"));
    await tree.commit("code");
    const url = `http://localhost:${cluster.ports.hub}/${filesRepo}`;
    const refused = await tree.tryGit("push", url, "master");
    assert.notEqual(refused.exitCode, 0);
    assert.match(refused.stderr, /belongs to `propagit files push`/);
    const guesser = await WorkTree.create(join(cluster.folder, "guesser"), "guessed");
    await guesser.commit("code");
    const denied = await guesser.tryGit("push", url, "HEAD:refs/files/1700000000-x");
    assert.match(denied.stderr, /Authentication failed/);
    const deploy = await cluster.propagit("deploy", filesRepo, "HEAD");
    assert.equal(deploy.exitCode, exitCodes.usage, "it is no repository that has releases");
  });

  it("tells what lies where, and what is no longer as it was pushed", async () => {
    const source = await places.source("sight", { "a.txt": "one", "b.txt": "two" });
    await places.push(source, `c:${places.place("sight")}`);
    const rows = async (...words: readonly string[]) => {
      const { stdout } = await places.run(
        "status",
        "--json",
        ...words,
        `c:${places.place("sight")}`,
      );
      return JSON.parse(stdout) as FilesRow[];
    };
    assert.equal((await rows())[0]?.place?.state, "as-pushed");
    await writeFile(join(places.place("sight"), "a.txt"), "ONE");
    await rm(join(places.place("sight"), "b.txt"));
    const [row] = await rows("--verify");
    assert.deepEqual(
      [row?.place?.state, row?.place?.changed, row?.place?.missing],
      ["changed", 1, 1],
    );
    const { exitCode } = await places.run("status", "--verify", `c:${places.place("sight")}`);
    assert.equal(exitCode, exitCodes.failed);
    await places.push(source, `c:${places.place("sight")}`);
    assert.equal((await rows("--verify"))[0]?.place?.state, "as-pushed");
  });
});
