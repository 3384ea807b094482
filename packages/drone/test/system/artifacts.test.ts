import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { lstat, mkdir, readFile, readlink, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { nodeRandom } from "@propagit/runtime";
import { GitArtifacts } from "../../src/system/artifacts.js";
import { GitCommits } from "../../src/system/commits.js";
import { openPlace, put, type Place } from "../support/place.js";
import { runGit } from "../support/run-git.js";

const signal = new AbortController().signal;
const key = "0123456789abcdef";

interface Built extends Place {
  readonly artifacts: GitArtifacts;
  readonly sha: string;
  /** A checkout to build in. */
  readonly build: string;
  readonly make: (include?: string[], exclude?: string[]) => Promise<string>;
  readonly files: (commit: string) => Promise<string[]>;
}

async function openBuilt(t: TestContext, files: Readonly<Record<string, string>>): Promise<Built> {
  const place = await openPlace(t);
  const sha = await place.commit(files);
  const build = join(place.base, "build");
  await place.commits.copyTo(build, place.name(sha), place.source, signal);
  const artifacts = new GitArtifacts(place.commits.repositories, nodeRandom);
  const repo = join(place.folder, "repos", "webapp.git");
  return {
    ...place,
    artifacts,
    sha,
    build,
    make: (include = [], exclude = []) =>
      artifacts.make({ name: place.name(sha), folder: build, include, exclude, signal }),
    files: async (commit) =>
      (await runGit(repo, "ls-tree", "-r", "--name-only", commit)).trim().split("\n"),
  };
}

test("makes a commit of everything in the folder, whatever git would ignore or change", async (t) => {
  const { build, make, commits, name, sha, folder } = await openBuilt(t, {
    "web.js": "listen()\n",
    gone: "soon\n",
    ".gitignore": "node_modules\n*.log\n",
    ".gitattributes": "* text eol=crlf\n*.bin filter=lfs ident\n",
  });
  await rm(join(build, "gone"));
  await put(join(build, "node_modules/.bin/tool"), "#!/bin/sh\r\necho $Id$\n");
  await put(join(build, "node_modules/link"), "-> .bin/tool");
  await put(join(build, "a.log"), "lf\ncrlf\r\n");
  await put(join(build, 'wörter "\\\t.bin'), "\0$Id$\n");
  await put(join(build, "empty"), "");
  await mkdir(join(build, "nested"));
  await runGit(join(build, "nested"), "init", "-q");
  await put(join(build, "nested/inner.js"), "inner\n");
  await runGit(join(build, "nested"), "add", ".");
  await runGit(join(build, "nested"), "commit", "-q", "-m", "inner");
  execFileSync("mkfifo", [join(build, "pipe")]);

  const artifact = await make();
  const made = name(artifact);
  const { folder: checkout } = await commits.checkOut(made, signal);

  const repo = join(folder, "repos", "webapp.git");
  assert.equal((await runGit(repo, "rev-parse", `${artifact}^`)).trim(), sha);
  const list = execFileSync("find", [".", "-not", "-path", "*/.git*", "-type", "f"], {
    cwd: checkout,
    encoding: "utf8",
  });
  assert.deepEqual(list.trim().split("\n").sort(), [
    "./a.log",
    "./empty",
    "./nested/inner.js",
    "./node_modules/.bin/tool",
    "./web.js",
    './wörter "\\\t.bin',
  ]);
  for (const path of [
    "web.js",
    "a.log",
    "node_modules/.bin/tool",
    'wörter "\\\t.bin',
    ".gitattributes",
  ]) {
    assert.deepEqual(await readFile(join(checkout, path)), await readFile(join(build, path)), path);
  }
  assert.equal(await readlink(join(checkout, "node_modules/link")), ".bin/tool");
  assert.equal((await lstat(join(checkout, "node_modules/.bin/tool"))).mode & 0o111, 0o111);
  assert.equal((await lstat(join(checkout, "web.js"))).mode & 0o111, 0);
  assert.equal(await lstat(join(checkout, "nested/.git")).catch(() => "none"), "none");
});

test("makes the same commit of the same output, here and elsewhere, now and later", async (t) => {
  const one = await openBuilt(t, { a: "a\n" });
  await put(join(one.build, "dist/out.js"), "built\n");
  const first = await one.make();
  await rm(join(one.build, "dist"), { recursive: true });
  await put(join(one.build, "dist/out.js"), "built\n");
  await put(join(one.build, "extra"), "x");
  assert.notEqual(await one.make(), first);
  await rm(join(one.build, "extra"));
  assert.equal(await one.make(), first);

  const elsewhere = join(one.base, "elsewhere");
  const commits = new GitCommits(elsewhere, nodeRandom);
  await commits.copyTo(join(elsewhere, "build"), one.name(one.sha), one.source, signal);
  await put(join(elsewhere, "build", "dist/out.js"), "built\n");
  const artifacts = new GitArtifacts(commits.repositories, nodeRandom);
  const request = { name: one.name(one.sha), include: [], exclude: [], signal };
  assert.equal(await artifacts.make({ ...request, folder: join(elsewhere, "build") }), first);
});

test("takes what the patterns say, beside the commit's own files", async (t) => {
  const { build, make, files } = await openBuilt(t, { "src/a.ts": "a\n", "dist/kept": "own\n" });
  for (const path of ["dist/a.js", "dist/a.js.map", "node_modules/x/i.js", "src/cache/y", "z"]) {
    await put(join(build, path), path);
  }
  assert.deepEqual(await files(await make(["/dist"])), [
    "dist/a.js",
    "dist/a.js.map",
    "dist/kept",
    "src/a.ts",
  ]);
  assert.deepEqual(await files(await make(["dist", "node_modules"], ["*.map"])), [
    "dist/a.js",
    "dist/kept",
    "node_modules/x/i.js",
    "src/a.ts",
  ]);
  assert.deepEqual(await files(await make([], ["dist/", "src", "z"])), [
    "dist/kept",
    "node_modules/x/i.js",
    "src/a.ts",
  ]);
});

test("keeps names that are no UTF-8, and leaves out what git takes for its own", async (t) => {
  const { build, make, folder } = await openBuilt(t, { a: "a\n" });
  await writeFile(Buffer.from(`${build}/caf\xe9`, "latin1"), "1");
  for (const path of [".GIT/config", "x/git~1", "x/.git. /y", "x/.github/z"]) {
    await put(join(build, path), "own");
  }
  const artifact = await make();
  const repo = join(folder, "repos", "webapp.git");
  const list = execFileSync("git", ["ls-tree", "-r", "-z", "--name-only", artifact], { cwd: repo });
  assert.deepEqual(list.toString("latin1").split("\0"), ["a", "caf\xe9", "x/.github/z", ""]);
  await runGit(repo, "fsck", "--strict", artifact);
});

test("sends the hub what is new of it only, and drones fetch no more than that", async (t) => {
  const bulk = randomBytes(600_000);
  const place = await openBuilt(t, { bulk: bulk.toString("base64") });
  const { artifacts, name, sha, make, build, hub, source, base } = place;
  await runGit(hub, "config", "receive.fsckObjects", "true");
  await put(join(build, "dist/out.js"), "built\n");
  const artifact = await make();

  await artifacts.push({ name: name(sha), artifact, key }, await source(), signal);
  await artifacts.push({ name: name(sha), artifact, key }, await source(), signal);

  const pushed = await runGit(hub, "rev-parse", `refs/propagit/builds/${sha}-${key}`);
  assert.equal(pushed.trim(), artifact);
  const folder = join(base, "second");
  const commits = new GitCommits(folder, nodeRandom);
  await commits.fetch(name(sha), source, signal);
  const before = await sizeOf(folder);
  await commits.fetch(name(artifact), source, signal);
  // Of the commit itself there are 600 KB.
  assert.ok((await sizeOf(folder)) - before < 100, `${(await sizeOf(folder)) - before} KiB`);
  const { folder: checkout } = await commits.checkOut(name(artifact), signal);
  assert.equal(await readFile(join(checkout, "dist/out.js"), "utf8"), "built\n");
});

test("sends an artifact of a commit that was pushed from a shallow clone", async (t) => {
  const { base, hub, commit, commits, name } = await openPlace(t);
  await commit({ a: "1" });
  await commit({ a: "2" });
  const [clone, second] = [join(base, "clone"), join(base, "second.git")];
  await runGit(base, "clone", "-q", "--depth=1", `file://${hub}`, clone);
  await runGit(base, "init", "-q", "--bare", second);
  await runGit(second, "config", "receive.shallowUpdate", "true");
  await runGit(clone, "push", "-q", second, "HEAD:refs/heads/main");
  await runGit(second, "config", "receive.shallowUpdate", "false");
  const sha = (await runGit(clone, "rev-parse", "HEAD")).trim();
  const from = { url: `file://${second}`, password: undefined };
  await commits.copyTo(join(base, "build"), name(sha), () => Promise.resolve(from), signal);
  const artifacts = new GitArtifacts(commits.repositories, nodeRandom);
  const request = {
    name: name(sha),
    folder: join(base, "build"),
    include: [],
    exclude: [],
    signal,
  };

  await artifacts.push(
    { name: name(sha), artifact: await artifacts.make(request), key },
    from,
    signal,
  );

  await runGit(second, "rev-parse", "--verify", `refs/propagit/builds/${sha}-${key}`);
});

test("says what the hub said when it refused an artifact", async (t) => {
  const { make, artifacts, name, sha, source, hub } = await openBuilt(t, { a: "a\n" });
  await put(join(hub, "hooks/pre-receive"), "#!/bin/sh\necho no room for builds; exit 1\n");
  const artifact = await make();
  await assert.rejects(artifacts.push({ name: name(sha), artifact, key }, await source(), signal), {
    message: /^git push failed: .*no room for builds.*pre-receive hook declined/,
  });
});

async function sizeOf(folder: string): Promise<number> {
  return Number(execFileSync("du", ["-sk", folder], { encoding: "utf8" }).split("\t")[0]);
}
