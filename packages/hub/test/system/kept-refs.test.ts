import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { parseCommitHash, parseRepoName, type CommitHash } from "@propagit/protocol";
import { silentLog } from "@propagit/runtime";
import { GitMaintenance } from "../../src/system/git-maintenance.js";
import { makeGitBench, type GitBench } from "../support/git-bench.js";

const repo = parseRepoName("webapp");
const day = 24 * 60 * 60_000;

/** A repository that is looked after as if so many days had gone by. */
async function looksAfter(bench: GitBench, days: number): Promise<void> {
  const now = () => Date.now() + days * day;
  const maintenance = new GitMaintenance(bench.repositories, silentLog, now);
  maintenance.touched(repo);
  await maintenance.idle();
  await maintenance.stop();
}

async function isThere({ repositories }: GitBench, commit: string): Promise<boolean> {
  const { exitCode } = await repositories.git(repo, ["cat-file", "-e", `${commit}^{commit}`]);
  return exitCode === 0;
}

async function refs({ repositories }: GitBench, under: string): Promise<readonly string[]> {
  const args = ["for-each-ref", "--format=%(objectname)", under];
  const { stdout } = await repositories.git(repo, args);
  return stdout.split("\n").filter((line) => line !== "");
}

/** Commits one, two and three, each pushed by force over the one before; `other` was pushed and deleted. */
async function overwritten(test: TestContext) {
  const bench = await makeGitBench(test);
  const commits: CommitHash[] = [];
  const push = async (...args: readonly string[]) => {
    const { exitCode, stderr } = await bench.push("--quiet", "--force", ...args);
    assert.equal(exitCode, 0, stderr);
  };
  for (const name of ["one", "two", "three"]) {
    commits.push(parseCommitHash(await bench.commit({ name }, name)));
    await push("HEAD:master");
    await bench.good(["checkout", "--quiet", "--orphan", `after-${name}`], { cwd: "work" });
  }
  const other = parseCommitHash(await bench.commit({ name: "other" }, "other"));
  await push("HEAD:other");
  await push(":other");
  const [one, two, three] = commits;
  assert.ok(one && two && three);
  return { bench, push, one, two, three, other };
}

test("what a branch was before it was forced or deleted stays for 30 days, and goes then", async (t) => {
  const { bench, one, two, three, other } = await overwritten(t);
  assert.deepEqual(new Set(await refs(bench, "refs/propagit/pushed")), new Set([one, two, other]));
  await looksAfter(bench, 29);
  for (const commit of [one, two, three, other]) assert.ok(await isThere(bench, commit), commit);
  assert.equal(await bench.repositories.resolve(repo, one.slice(0, 10)), one);
  await looksAfter(bench, 31);
  const left = await Promise.all([one, two, three, other].map((each) => isThere(bench, each)));
  assert.deepEqual(left, [false, false, true, false]);
  assert.deepEqual(await refs(bench, "refs/propagit"), []);
});

test("what goes on from where a branch was is not kept twice", async (t) => {
  const bench = await makeGitBench(t);
  for (const name of ["one", "two"]) {
    await bench.commit({ name });
    await bench.push("HEAD:master");
  }
  assert.deepEqual(await refs(bench, "refs/propagit"), []);
});

test("a push that is refused keeps nothing", async (t) => {
  const { bench } = await overwritten(t);
  const before = await refs(bench, "refs/propagit");
  await bench.commit({ "propagit.yaml": "services: 7" });
  const { exitCode } = await bench.push("--force", "HEAD:master");
  assert.notEqual(exitCode, 0);
  assert.deepEqual(await refs(bench, "refs/propagit"), before);
});

test("what a release needs stays as long as it does, its build too, and makes room then", async (t) => {
  const { bench, one, two } = await overwritten(t);
  const { repositories } = bench;
  await repositories.keep(repo, one);
  const built = await repositories.git(repo, ["commit-tree", `${two}^{tree}`, "-p", one], {
    input: "built",
    env: { GIT_AUTHOR_NAME: "a", GIT_AUTHOR_EMAIL: "a@b" },
  });
  const artifact = parseCommitHash(built.stdout.trim());
  const ref = `refs/propagit/builds/${one}-0123456789abcdef`;
  await repositories.git(repo, ["update-ref", ref, artifact]);
  await looksAfter(bench, 40);
  assert.deepEqual([await isThere(bench, one), await isThere(bench, artifact)], [true, true]);
  assert.equal(await isThere(bench, two), false);
  await repositories.release(repo, one);
  await repositories.releaseArtifacts(repo, new Set([artifact]));
  await looksAfter(bench, 0);
  assert.ok(await isThere(bench, one), "a push may count on what is young");
  await repositories.release(repo, one);
  await looksAfter(bench, 2);
  assert.deepEqual([await isThere(bench, one), await isThere(bench, artifact)], [false, false]);
  const { exitCode, stdout } = await repositories.git(repo, ["fsck", "--connectivity-only"]);
  assert.deepEqual([exitCode, stdout], [0, ""]);
});

test("the newest thousand former tips are kept, of however many", async (t) => {
  const { bench, one } = await overwritten(t);
  const { repositories } = bench;
  const seconds = Math.floor(Date.now() / 1_000);
  const lines = Array.from({ length: 1_100 }, (_, at) => {
    const when = String(seconds - at).padStart(12, "0");
    return `update refs/propagit/pushed/${when}-${one} ${one}\n`;
  });
  await repositories.git(repo, ["update-ref", "--stdin"], { input: lines.join("") });
  await repositories.kept.expireFormer(repo, Date.now());
  assert.equal((await refs(bench, "refs/propagit/pushed")).length, 1_000);
});

test("who wants to keep what nothing holds waits while it is pruned, others do not", async (t) => {
  const { bench, three } = await overwritten(t);
  const { repositories } = bench;
  await repositories.kept.expireFormer(repo, Date.now() + 31 * day);
  const order: string[] = [];
  let end: () => void = () => undefined;
  const pruning = repositories.kept.prune(repo, async () => {
    await new Promise<void>((resolve) => {
      end = resolve;
    });
    order.push("pruned");
  });
  await repositories.keep(repo, three);
  order.push("kept what a branch holds");
  const unheld = parseCommitHash(await bench.commit({ name: "unheld" }));
  const waiting = repositories.keep(repo, unheld).catch(() => order.push("found it gone"));
  end();
  await Promise.all([pruning, waiting]);
  assert.deepEqual(order, ["kept what a branch holds", "pruned", "found it gone"]);
});
