/** What commits say and hold, with names that somebody chose to do harm. */
import assert from "node:assert/strict";
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { CommitHash, RepoName } from "@propagit/protocol";
import { makeGitBench } from "../support/git-bench.js";

const repo = "webapp" as RepoName;
const nowhere = "7".repeat(40) as CommitHash;

test("files of a commit are read by path; folders, links and big ones are not", async (t) => {
  const bench = await makeGitBench(t);
  const odd = 'odd\n"name"\t\u00e9.txt';
  await bench.commit({
    "propagit.yaml": "services: {}\n",
    "Procfile/web": "a folder",
    "sub/package.json": "{}",
    "big.txt": "x".repeat(1024 * 1024 + 1),
    [odd]: "odd",
  });
  await symlink("/etc/passwd", join(bench.folder, "work/package.json"));
  const commit = (await bench.commit({}, "links")) as CommitHash;
  await bench.push("-o", "deploy=no", "master");
  const paths = ["propagit.yaml", "Procfile", "package.json", "big.txt", odd, "none"];
  const files = await bench.repositories.read(repo, commit, paths);
  assert.deepEqual(
    files,
    new Map([
      [odd, "odd"],
      ["propagit.yaml", "services: {}\n"],
    ]),
  );
  await assert.rejects(bench.repositories.read(repo, nowhere, paths), { code: "NO_COMMIT" });
  await assert.rejects(bench.repositories.read("x" as RepoName, commit, paths), {
    code: "NO_REPO",
  });
});

test("a commit is described in one harmless line", async (t) => {
  const bench = await makeGitBench(t);
  const message = `One\u001b[31mred\u0007line ${"x".repeat(400)}\n\nmore`;
  const commit = (await bench.commit({ a: "1" }, message)) as CommitHash;
  await bench.push("-o", "deploy=no", "master");
  const { subject, author, at } = await bench.repositories.describe(repo, commit);
  assert.equal(subject, `One [31mred line ${"x".repeat(400)}`.slice(0, 300));
  assert.equal(author, "test");
  assert.ok(Math.abs(at - Date.now()) < 10 * 60_000);
  await assert.rejects(bench.repositories.describe(repo, nowhere), { code: "NO_COMMIT" });
});

test("what lies between two commits is told, also backwards and across branches", async (t) => {
  const bench = await makeGitBench(t);
  const odd = "odd\n\tname";
  const one = (await bench.commit({ a: "1\n", b: "1\n", [odd]: "1\n" }, "one")) as CommitHash;
  await bench.commit({ a: "1\n2\n", c: "\0binary" }, "two\n\nwith a body");
  await bench.good(["rm", "--quiet", "b"], { cwd: "work" });
  const three = (await bench.commit({ [odd]: "2\n" }, "three")) as CommitHash;
  await bench.push("-o", "deploy=no", "master");
  const { commits, files, more } = await bench.repositories.compare(repo, one, three);
  assert.equal(more, false);
  assert.deepEqual(
    commits.map(({ subject, back, author }) => [subject, back, author]),
    [
      ["three", false, "test"],
      ["two", false, "test"],
    ],
  );
  assert.deepEqual(files, [
    { path: "a", change: "changed", lines: "+1 -0" },
    { path: "b", change: "removed", lines: "+0 -1" },
    { path: "c", change: "added", lines: "binary" },
    { path: odd, change: "changed", lines: "+1 -1" },
  ]);
  const back = await bench.repositories.compare(repo, three, one);
  assert.deepEqual(
    back.commits.map((commit) => commit.back),
    [true, true],
  );
  assert.equal(back.files[1]?.change, "added");
  const same = await bench.repositories.compare(repo, one, one);
  assert.deepEqual(same, { commits: [], files: [], more: false });
  await assert.rejects(bench.repositories.compare(repo, one, nowhere), { code: "NO_COMMIT" });
});

test("the bytes of a commit's files are counted, folders included", async (t) => {
  const bench = await makeGitBench(t);
  const commit = await bench.commit({ a: "12345", "deep/er/b\tc": "123", d: "" });
  await bench.push("-o", "deploy=no", "master");
  assert.equal(await bench.repositories.sizeOf(repo, commit as CommitHash), 8);
  await assert.rejects(bench.repositories.sizeOf(repo, nowhere), { code: "NO_COMMIT" });
});
