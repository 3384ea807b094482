import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { nodeRandom } from "@propagit/runtime";
import { GitCommits } from "../../src/system/commits.js";
import { WorkLock } from "../../src/system/work-lock.js";
import { openPlace, type Place } from "../support/place.js";
import { runGit } from "../support/run-git.js";
import { until } from "../support/until.js";

const signal = new AbortController().signal;

async function bring({ commits, name, source }: Place, sha: string): Promise<string> {
  await commits.fetch(name(sha), source, signal);
  return (await commits.checkOut(name(sha), signal)).folder;
}

async function checkoutsIn(folder: string): Promise<string[]> {
  const names = await readdir(join(folder, "commits", "webapp"));
  return names.filter((name) => !name.endsWith(".unsynced")).sort();
}

/** As if everything had been written long ago; git keeps what is young. */
function age(folder: string): void {
  execFileSync("find", [folder, "-exec", "touch", "-d", "1 hour ago", "{}", "+"]);
}

test("removes the files and the objects of commits that are not kept", async (t) => {
  const place = await openPlace(t, { packDelayMs: 1 });
  const { commit, commits, folder, name } = place;
  const one = await commit({ text: "one", old: "only in one" });
  await bring(place, one);
  execFileSync("rm", [join(place.work, "old")]);
  await runGit(place.work, "checkout", "-q", "--orphan", "other");
  const two = await commit({ text: "two" });
  await bring(place, two);
  const repo = join(folder, "repos", "webapp.git");
  const blob = (await runGit(repo, "rev-parse", `${one}:old`)).trim();
  age(repo);

  assert.deepEqual(await commits.keepOnly([name(two)]), [name(one)]);

  assert.deepEqual(await checkoutsIn(folder), [two]);
  assert.equal((await runGit(repo, "for-each-ref")).trim().split("\n").length, 1);
  await commits.trash.emptied();
  assert.deepEqual(await readdir(join(folder, "trash")), []);
  await until("the blob is gone", () =>
    runGit(repo, "cat-file", "-e", blob).then(
      () => false,
      () => true,
    ),
  );
  await bring(place, two);
  await bring(place, one);
  assert.equal(
    await readFile(join(folder, "commits", "webapp", one, "old"), "utf8"),
    "only in one",
  );
});

test("removes the repository with its last commit, and has it again when it is wanted", async (t) => {
  const place = await openPlace(t);
  const { commit, commits, folder } = place;
  const one = await commit({ text: "one" });
  await bring(place, one);

  await commits.keepOnly([]);

  assert.deepEqual(await readdir(join(folder, "repos")), []);
  assert.deepEqual(await checkoutsIn(folder), []);
  await bring(place, one);
  assert.deepEqual(await checkoutsIn(folder), [one]);
});

test("never touches a commit that is held, fetched or checked out at that moment", async (t) => {
  const place = await openPlace(t);
  const { commit, commits, folder, name, source } = place;
  const [one, two, three] = [
    await commit({ text: "one" }),
    await commit({ text: "two" }),
    await commit({ text: "three" }),
  ];
  await bring(place, one);
  await bring(place, two);
  const release = commits.hold(name(one));
  let cleared: Promise<unknown> | undefined;
  const slow = async () => {
    cleared = commits.keepOnly([]);
    await cleared;
    return source();
  };
  await commits.fetch(name(three), slow, signal);

  assert.deepEqual(await checkoutsIn(folder), [one]);
  await commits.checkOut(name(three), signal);
  assert.deepEqual(await checkoutsIn(folder), [one, three].sort());

  release();
  release();
  await commits.keepOnly([name(three)]);
  assert.deepEqual(await checkoutsIn(folder), [three]);
});

test("goes on removing in its next life what the one before did not get to", async (t) => {
  const { folder } = await openPlace(t);
  await mkdir(join(folder, "trash", "0123", "deep"), { recursive: true });
  await writeFile(join(folder, "trash", "0123", "deep", "file"), "");
  const pack = join(folder, "repos", "webapp.git", "objects", "pack");
  await mkdir(pack, { recursive: true });
  for (const name of ["tmp_pack_x1", "pack-1.keep", "pack-1.pack"])
    await writeFile(join(pack, name), "");
  const next = new GitCommits(folder, nodeRandom);

  await next.tidy();
  await next.trash.emptied();

  assert.deepEqual(await readdir(join(folder, "trash")), []);
  assert.deepEqual(await readdir(pack), ["pack-1.pack"]);
});

test("clears up only where nobody works, and gives way to whoever comes", async () => {
  const lock = new WorkLock();
  const order: string[] = [];
  let finish = () => undefined as void;
  const working = lock.work(
    () =>
      new Promise<void>((resolve) => {
        finish = resolve;
      }),
  );
  assert.equal(await lock.clean(() => Promise.reject(new Error("cleaned"))), false);
  finish();
  await working;

  const cleaning = lock.clean(async (stop) => {
    order.push("cleaning");
    await new Promise((resolve) => {
      stop.addEventListener("abort", resolve);
    });
    order.push("gave way");
    throw new Error("cut off");
  });
  await lock.work(async () => void order.push("worked"));

  assert.equal(await cleaning, false);
  assert.deepEqual(order, ["cleaning", "gave way", "worked"]);
  assert.equal(await lock.clean(() => Promise.resolve()), true);
  await assert.rejects(
    lock.clean(() => Promise.reject(new Error("broken"))),
    /broken/,
  );
});
