import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { PropagitError } from "@propagit/protocol";
import { nodeRandom } from "@propagit/runtime";
import type { CommitWays } from "../../src/commit-ways.js";
import { GitCommits } from "../../src/system/commits.js";
import { bytesPack, filePack, packOf, packOfObjects, TestWays } from "../support/packs.js";
import { openPlace, type Place } from "../support/place.js";
import { runGit } from "../support/run-git.js";
import { until } from "../support/until.js";
import { mountTinyDisk } from "../support/tiny-disk.js";

const never = new AbortController().signal;
const noGit = () => Promise.reject(new Error("git was asked"));

/** A drone in a place that goes by these ways. */
function droneWith(place: Place, ways: CommitWays, folder = place.folder) {
  const lines: string[] = [];
  const log = {
    info: (line: string) => lines.push(line),
    warn: (line: string) => lines.push(line),
  };
  const commits = new GitCommits(folder, nodeRandom, { ways, log });
  return { commits, lines };
}

async function text({ name }: Place, commits: GitCommits, sha: string): Promise<string> {
  const { folder } = await commits.checkOut(name(sha), never);
  return readFile(join(folder, "text"), "utf8");
}

/** What is in the repository beside what git keeps there. */
async function leftovers(folder: string): Promise<readonly string[]> {
  const names = await readdir(join(folder, "repos", "webapp.git"));
  return names.filter((name) => name.startsWith("incoming-"));
}

test("takes a commit out of a whole pack, from a file or out of the answer", async (t) => {
  for (const kind of ["file", "bytes"] as const) {
    const place = await openPlace(t);
    const one = await place.commit({ text: "one" });
    const bytes = await packOf(place.hub, one);
    const pack = kind === "file" ? await filePack(place.base, bytes) : bytesPack(bytes);
    const ways = new TestWays({ commit: one, pack });
    const { commits, lines } = droneWith(place, ways);

    await commits.fetch(place.name(one), noGit, never);

    assert.equal(await text(place, commits, one), "one");
    assert.deepEqual(ways.ends, [`used ${one}`]);
    assert.deepEqual([ways.asked, lines], [[[]], []]);
    assert.deepEqual(await leftovers(place.folder), []);
    const repo = join(place.folder, "repos", "webapp.git");
    assert.equal((await runGit(repo, "rev-parse", `refs/propagit/${one}`)).trim(), one);
    await runGit(repo, "fsck", "--strict", "--connectivity-only");
  }
});

test("takes the next commit out of a pack that is thin against what is here", async (t) => {
  const place = await openPlace(t);
  const large = randomBytes(20_000).toString("hex");
  const one = await place.commit({ text: "one", large });
  const two = await place.commit({ text: "two", large: `${large}x` });
  const thin = await packOf(place.hub, two, one);
  assert.ok(thin.length < 4_000, `${thin.length} bytes`);
  const ways = new TestWays(
    { commit: one, pack: bytesPack(await packOf(place.hub, one)) },
    { commit: two, base: one, pack: bytesPack(thin) },
  );
  const { commits } = droneWith(place, ways);
  await commits.fetch(place.name(one), noGit, never);
  await commits.fetch(place.name(two), noGit, never);
  assert.equal(await text(place, commits, two), "two");
  assert.deepEqual(ways.asked, [[], [one]]);
});

test("has a commit first that the pack is thin against, and asks again", async (t) => {
  const place = await openPlace(t);
  const one = await place.commit({ text: "one" });
  const two = await place.commit({ text: "two" });
  const ways = new TestWays(
    { commit: one, pack: bytesPack(await packOf(place.hub, one)) },
    { commit: two, base: one, pack: bytesPack(await packOf(place.hub, two, one)) },
  );
  const { commits } = droneWith(place, ways);
  await commits.fetch(place.name(two), noGit, never);
  assert.equal(await text(place, commits, two), "two");
  assert.deepEqual(ways.asked, [[], [one]]);
  assert.deepEqual(ways.ends, [`used ${one}`, `used ${two}`]);
});

test("is led through eight packs at most, then fetches with git", async (t) => {
  const place = await openPlace(t);
  const one = await place.commit({ text: "one" });
  const wanted = await place.commit({ text: "wanted" });
  const pack = bytesPack(await packOf(place.hub, one));
  const ways = new TestWays(...Array.from({ length: 9 }, () => ({ commit: one, pack })));
  const { commits, lines } = droneWith(place, ways);
  await commits.fetch(place.name(wanted), place.source, never);
  assert.equal(ways.asked.length, 8);
  assert.match(lines.join(), /^webapp [0-9a-f]{7} is fetched with git: 8 packs did not bring it$/);
  assert.equal(await text(place, commits, wanted), "wanted");
});

test("believes no pack that is not what it should be, and fetches with git", async (t) => {
  const place = await openPlace(t);
  const one = await place.commit({ text: "one" });
  const two = await place.commit({ text: "two", "deep/file": "deep" });
  const [tree, deep, blob] = await Promise.all(
    [`${two}^{tree}`, `${two}:deep`, `${two}:text`].map(async (name) =>
      (await runGit(place.work, "rev-parse", name)).trim(),
    ),
  );
  const whole = await packOf(place.hub, two);
  const flipped = Buffer.from(whole);
  flipped[40] = (flipped[40] ?? 0) ^ 1;
  const packs: Record<string, Buffer> = {
    "random bytes": randomBytes(5_000),
    nothing: Buffer.alloc(0),
    "another commit": await packOf(place.hub, one),
    "a missing blob": await packOfObjects(place.hub, [
      two,
      one,
      tree ?? "",
      deep ?? "",
      blob ?? "",
    ]),
    "thin against what is not here": await packOf(place.hub, two, one),
    "cut off": whole.subarray(0, whole.length - 30),
    "a flipped bit": flipped,
  };
  for (const [what, bytes] of Object.entries(packs)) {
    const ways = new TestWays({ commit: two, pack: bytesPack(bytes) });
    const folder = join(place.base, what);
    const { commits, lines } = droneWith(place, ways, folder);

    await commits.fetch(place.name(two), place.source, never);

    assert.equal(await text(place, commits, two), "two", what);
    assert.match(ways.ends.join(), /^spoiled \w+: the pack for \w{7} is of no use: git /, what);
    assert.match(lines.join(), /is fetched with git: the pack for \w{7} is of no use/, what);
    assert.deepEqual(await leftovers(folder), [], what);
  }
});

test("leaves nothing of a bad pack where git would find it", async (t) => {
  const place = await openPlace(t);
  const one = await place.commit({ text: "one" });
  const other = await place.commit({ text: "other" });
  const ways = new TestWays({
    commit: "f".repeat(40),
    pack: bytesPack(await packOf(place.hub, other)),
  });
  const { commits } = droneWith(place, ways);
  await commits.fetch(place.name(one), place.source, never);
  const repo = join(place.folder, "repos", "webapp.git");
  await assert.rejects(runGit(repo, "cat-file", "-e", other));
});

test("fetches with git when nobody has the pack, and names both ways when that fails too", async (t) => {
  const place = await openPlace(t);
  const one = await place.commit({ text: "one" });
  const nobody = () => Promise.reject(new PropagitError("TIMED_OUT", "nothing came from 3 peers"));
  const ways = new TestWays(
    { commit: one, pack: nobody },
    new PropagitError("UNREACHABLE", "the hub is away"),
    { commit: one, pack: nobody },
  );
  const { commits, lines } = droneWith(place, ways);
  const away = () => Promise.reject(new PropagitError("UNREACHABLE", "no hub at hub:6001"));
  await assert.rejects(commits.fetch(place.name(one), away, never), {
    code: "UNREACHABLE",
    message: "no hub at hub:6001; before that, not from other drones: nothing came from 3 peers",
  });
  await assert.rejects(commits.fetch(place.name(one), away, never), {
    message: "no hub at hub:6001; before that, not from other drones: the hub is away",
  });
  await commits.fetch(place.name(one), place.source, never);
  assert.equal(lines.length, 3);
  assert.equal(await text(place, commits, one), "one");
});

test("fetches a commit once for all who want it, whoever gives up meanwhile", async (t) => {
  const place = await openPlace(t);
  const one = await place.commit({ text: "one" });
  const pack = bytesPack(await packOf(place.hub, one));
  let deliver = () => undefined as void;
  const ways = new TestWays({
    commit: one,
    pack: () =>
      new Promise((resolve) => {
        deliver = () => resolve(pack);
      }),
  });
  const { commits } = droneWith(place, ways);
  const impatient = new AbortController();
  const gone = commits.fetch(place.name(one), noGit, impatient.signal);
  const others = [1, 2].map(() => commits.fetch(place.name(one), noGit, never));
  const copy = commits.copyTo(join(place.base, "copy"), place.name(one), noGit, never);
  await until("it is asked for", () => ways.asked.length > 0);
  impatient.abort(new Error("no longer wanted"));
  await assert.rejects(gone, /no longer wanted/);
  await until("a taker", async () => {
    deliver();
    return ways.ends.length > 0;
  });
  await Promise.all([...others, copy]);
  assert.equal(ways.asked.length, 1);
});

test("takes commits of 64 characters", async (t) => {
  const place = await openPlace(t);
  await rm(place.work, { recursive: true });
  await rm(place.hub, { recursive: true });
  await mkdir(place.work);
  await runGit(place.work, "init", "-q", "-b", "main", "--object-format=sha256");
  await runGit(place.work, "init", "-q", "--bare", "--object-format=sha256", place.hub);
  const one = await place.commit({ text: "one" });
  assert.equal(one.length, 64);
  const ways = new TestWays({ commit: one, pack: bytesPack(await packOf(place.hub, one)) });
  const { commits } = droneWith(place, ways);
  await commits.fetch(place.name(one), noGit, never);
  assert.equal(await text(place, commits, one), "one");
});

test("says that the disk is full, blames no pack for it, and leaves nothing behind", async (t) => {
  const tiny = await mountTinyDisk(t);
  if (tiny === undefined) return;
  const place = await openPlace(t);
  await writeFile(join(place.work, "large"), randomBytes(3 * 2 ** 20));
  const one = await place.commit({ text: "one" });
  const pack = await filePack(place.base, await packOf(place.hub, one));
  const ways = new TestWays({ commit: one, pack });
  const { commits } = droneWith(place, ways, tiny);
  await assert.rejects(commits.fetch(place.name(one), place.source, never), {
    code: "DATA_UNUSABLE",
    message: /before that, not from other drones: .*; [\d.]+ (?:[KMGT]i)?B of disk are free$/,
  });
  assert.deepEqual(ways.ends, []);
  assert.deepEqual(await leftovers(tiny), []);
});

test("removes what an import of an earlier life left", async (t) => {
  const place = await openPlace(t);
  const one = await place.commit({ text: "one" });
  await place.commits.fetch(place.name(one), place.source, never);
  await mkdir(join(place.folder, "repos", "webapp.git", "incoming-0123", "pack"), {
    recursive: true,
  });
  await new GitCommits(place.folder, nodeRandom).tidy();
  assert.deepEqual(await leftovers(place.folder), []);
});
