import assert from "node:assert/strict";
import { chmod, lstat, mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { artifactEmail } from "../../src/core/artifact-import.js";
import { scratchOf, writeFiles } from "../../src/system/checkout.js";
import { checkFiles } from "../../src/system/checkout-check.js";
import { git, type GitRun } from "../../src/system/git.js";
import { openPlace, put, type Place } from "../support/place.js";
import { runGit } from "../support/run-git.js";

const signal = new AbortController().signal;

/** Files as a drone writes them, and as whoever damages them finds them. */
async function written(place: Place, commit: string) {
  const folder = join(place.base, "out");
  await mkdir(folder);
  const environment = {
    GIT_DIR: place.hub,
    GIT_WORK_TREE: folder,
    GIT_INDEX_FILE: join(place.base, "index"),
  };
  const run: GitRun = { folder, environment };
  await git(["read-tree", commit], run);
  await git(["checkout-index", "--all", "--quiet"], run);
  return { folder, check: () => checkFiles({ commit, folder, run }) };
}

/** Other files stay in the repository as they are, whatever attributes now say of them. */
async function commitOnly({ work, hub }: Place, ...paths: string[]): Promise<string> {
  await runGit(work, "add", ...paths);
  await runGit(work, "commit", "-q", "-m", "a change");
  await runGit(work, "push", "-q", hub, "HEAD:refs/heads/main");
  return (await runGit(work, "rev-parse", "HEAD")).trim();
}

async function openDamage(t: TestContext) {
  const place = await openPlace(t);
  const commit = await place.commit({
    "a.txt": "a\n",
    "dir/run.sh": "#!/bin/sh\n",
    link: "-> a.txt",
    "ümläut\nname": "odd\n",
  });
  return { place, commit, ...(await written(place, commit)) };
}

test("finds a file that differs in any way from its commit, and names it", async (t) => {
  const damages: Record<string, (folder: string) => Promise<void>> = {
    "dir/run.sh": (folder) => chmod(join(folder, "dir/run.sh"), 0o644),
    "a.txt": (folder) => writeFile(join(folder, "a.txt"), "b\n"),
    link: async (folder) => {
      await rm(join(folder, "link"));
      await symlink("b.txt", join(folder, "link"));
    },
    "ümläut\nname": (folder) => rm(join(folder, "ümläut\nname")),
  };
  const { place, commit, folder, check } = await openDamage(t);
  await check();
  for (const [name, damage] of Object.entries(damages)) {
    await damage(folder);
    await assert.rejects(check(), {
      code: "DATA_UNUSABLE",
      message: new RegExp(`^the checkout of ${commit.slice(0, 7)} is not what the commit says: `),
    });
    await assert.rejects(check(), ({ message }: Error) => message.includes(JSON.stringify(name)));
    await rm(folder, { recursive: true });
    await written(place, commit);
    await check();
  }
  assert.deepEqual(
    (await readdir(place.base)).filter((name) => name.includes("again")),
    [],
  );
});

test("takes a link for no file, and a file for no link", async (t) => {
  const { folder, check } = await openDamage(t);
  await rm(join(folder, "link"));
  await writeFile(join(folder, "link"), "a.txt");
  await assert.rejects(check(), /"link" differs/);
  await rm(join(folder, "link"));
  await symlink("a.txt", join(folder, "link"));
  await check();
});

test("finds nothing wrong with files that attributes change on their way out", async (t) => {
  const place = await openPlace(t);
  const attributes = [
    "*.crlf text eol=crlf",
    "*.auto text=auto",
    "*.id ident",
    "*.utf16 text working-tree-encoding=UTF-16LE",
    "*.bin -text",
    "*.sub export-subst",
    "",
  ].join("\n");
  // Blobs as they are, whatever the attributes say: that is how line ends get lost in real repositories.
  await place.commit({
    "one.crlf": "a\nb\n",
    "dirty.crlf": "a\r\nb\r\n",
    "mixed.crlf": "a\r\nb\n",
    "lone.auto": "a\r\nb\rc\n",
    "version.id": "$Id$\n",
    "raw.bin": "a\r\nb\n",
    "format.sub": "$Format:%H$\n",
  });
  await put(join(place.work, ".gitattributes"), attributes);
  await put(join(place.work, "word.utf16"), Buffer.from("text", "utf16le").toString("latin1"));
  const commit = await commitOnly(place, ".gitattributes", "word.utf16");
  const blob = await runGit(place.hub, "cat-file", "blob", `${commit}:dirty.crlf`);
  assert.equal(blob, "a\r\nb\r\n", "the repository has them wrong");
  const folder = join(place.base, "files");

  await writeFiles({ repo: place.hub, commit, folder, signal });

  assert.equal(await readFile(join(folder, "one.crlf"), "utf8"), "a\r\nb\r\n");
  assert.equal(await readFile(join(folder, "dirty.crlf"), "utf8"), "a\r\nb\r\n");
  assert.match(await readFile(join(folder, "version.id"), "utf8"), /^\$Id: [0-9a-f]{40} \$/);
  assert.equal(await readFile(join(folder, "word.utf16"), "utf16le"), "text");
  assert.deepEqual(
    (await readdir(place.base)).filter((name) => name.startsWith("files.")),
    [],
  );
});

test("still finds damage in a file that attributes change", async (t) => {
  const place = await openPlace(t);
  await place.commit({ "dirty.crlf": "a\r\nb\r\n" });
  await put(join(place.work, ".gitattributes"), "*.crlf text eol=crlf\n");
  const commit = await commitOnly(place, ".gitattributes");
  const { folder, check } = await written(place, commit);
  await check();
  await writeFile(join(folder, "dirty.crlf"), "a\r\nc\r\n");
  await assert.rejects(check(), /"dirty.crlf" differs/);
});

test("leaves a submodule as the empty folder that it is", async (t) => {
  const place = await openPlace(t);
  await place.commit({ text: "one" });
  const other = "1234567890123456789012345678901234567890";
  await runGit(place.work, "update-index", "--add", "--cacheinfo", `160000,${other},module`);
  await runGit(place.work, "commit", "-q", "-m", "a submodule");
  await runGit(place.work, "push", "-q", place.hub, "HEAD:refs/heads/main");
  const commit = (await runGit(place.work, "rev-parse", "HEAD")).trim();
  const folder = join(place.base, "files");
  await writeFiles({ repo: place.hub, commit, folder, signal });
  assert.equal((await lstat(join(folder, "module"))).isDirectory(), true);
  assert.deepEqual(await readdir(join(folder, "module")), []);
});

test("compares what a build left byte by byte, whatever attributes are in it", async (t) => {
  const place = await openPlace(t);
  await place.commit({ "made.js": "a\nb\n", "dos.txt": "a\r\nb\n" });
  await put(join(place.work, ".gitattributes"), "* text eol=crlf\n");
  await commitOnly(place, ".gitattributes");
  const asBuild = ["-c", `user.email=${artifactEmail}`];
  await runGit(place.work, ...asBuild, "commit", "-q", "--amend", "--no-edit", "--reset-author");
  await runGit(place.work, "push", "-q", "-f", place.hub, "HEAD:refs/heads/main");
  const commit = (await runGit(place.work, "rev-parse", "HEAD")).trim();
  const folder = join(place.base, "files");
  await writeFiles({ repo: place.hub, commit, folder, signal });
  assert.equal(await readFile(join(folder, "made.js"), "utf8"), "a\nb\n");
  assert.equal(await readFile(join(folder, "dos.txt"), "utf8"), "a\r\nb\n");
});

test("checks a commit without files", async (t) => {
  const place = await openPlace(t);
  const commit = await place.commit({});
  const folder = join(place.base, "files");
  await writeFiles({ repo: place.hub, commit, folder, signal });
  assert.deepEqual(await readdir(folder), []);
});

test("compares many files in parts, attributes of all of them first", async (t) => {
  const place = await openPlace(t);
  const names = Array.from({ length: 2_100 }, (_, index) => `${index % 7}/${index}.txt`);
  const files = Object.fromEntries(names.map((name) => [name, `${name}\na\n`]));
  const commit = await place.commit({ ...files, "6/.gitattributes": "*.txt text eol=crlf\n" });
  const folder = join(place.base, "files");
  await writeFiles({ repo: place.hub, commit, folder, signal });
  assert.equal(await readFile(join(folder, "5/5.txt"), "utf8"), "5/5.txt\na\n");
  assert.equal(await readFile(join(folder, "6/6.txt"), "utf8"), "6/6.txt\r\na\r\n");
  assert.equal((await readdir(folder, { recursive: true })).length, names.length + 8);
  assert.deepEqual(
    (await readdir(place.base)).filter((name) => name.startsWith("files.")),
    [],
  );
});

test("stops writing when a part is wrong, and says what was wrong", async (t) => {
  const place = await openPlace(t);
  const names = Array.from({ length: 2_100 }, (_, index) => `f${index}.txt`);
  const commit = await place.commit(Object.fromEntries(names.map((name) => [name, `${name}\n`])));
  const folder = join(place.base, "files");
  // Somebody else's file, which git does not write over.
  await put(join(folder, "f0.txt"), "another");
  await assert.rejects(writeFiles({ repo: place.hub, commit, folder, signal }), /checkout-index/);
  await rm(folder, { recursive: true });
  const stop = new AbortController();
  const writing = writeFiles({ repo: place.hub, commit, folder, signal: stop.signal });
  stop.abort();
  await assert.rejects(writing);
  assert.deepEqual(
    (await readdir(place.base)).filter((name) => name.startsWith("files.")),
    [],
  );
});

test("leaves no lock beside the files when git is ended in the middle", async (t) => {
  const place = await openPlace(t);
  const names = Array.from({ length: 2_100 }, (_, index) => `${index % 7}/${index}.txt`);
  const commit = await place.commit(Object.fromEntries(names.map((name) => [name, name])));
  const folder = join(place.base, "files");
  const stop = new AbortController();
  const writing = writeFiles({ repo: place.hub, commit, folder, signal: stop.signal });
  const isLocked = async () =>
    (await readdir(scratchOf(folder)).catch(() => [])).some((name) => name.endsWith(".lock"));
  const ended = writing.then(
    () => true,
    () => true,
  );
  while (!(await Promise.race([isLocked(), ended])));
  stop.abort();
  await ended;
  const beside = (await readdir(place.base)).filter((name) => name.startsWith("files."));
  assert.deepEqual(beside, []);
});
