import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes, verify, createPublicKey } from "node:crypto";
import { once } from "node:events";
import { mkdir, readdir, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { setImmediate } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { PropagitError } from "@propagit/protocol";
import { silentLog } from "@propagit/runtime";
import type { MakingArtifact } from "../../src/artifacts.js";
import { makeGitBench, type GitBench } from "../support/git-bench.js";
import { makeShelfKey, openShelf, whyWrong } from "../support/shelf-bench.js";

const repo = "webapp";
const packing = fileURLToPath(new URL("../support/packing-process.js", import.meta.url));

/** A repository with commits, each of which adds so many bytes that cannot be compressed. */
async function makeCommits(bench: GitBench, ...sizes: number[]): Promise<string[]> {
  const commits: string[] = [];
  for (const [at, size] of sizes.entries()) {
    commits.push(await bench.commit({ [`${at}.txt`]: randomBytes(size / 2).toString("hex") }));
  }
  const { exitCode, stderr } = await bench.push("HEAD:main");
  assert.equal(exitCode, 0, stderr);
  return commits;
}

async function openAll(t: TestContext, ...sizes: number[]) {
  const bench = await makeGitBench(t);
  const commits = await makeCommits(bench, ...sizes);
  const hubFolder = join(bench.folder, "hub");
  const open = async (options = {}) => {
    const shelf = await openShelf(hubFolder, bench.repositories, options);
    t.after(() => shelf.stop());
    return shelf;
  };
  const [first = "", second = "", third = ""] = commits;
  return { bench, commits, first, second, third, open, folder: join(hubFolder, "artifacts") };
}

/** Takes a pack into a repository, as a drone does. */
async function takeIn(bench: GitBench, name: string, path: string, commit: string): Promise<void> {
  await bench.good(["init", "--quiet", "--bare", name]);
  const args = ["index-pack", "--strict", "--fix-thin", "--stdin"];
  const shell = `git --git-dir='${name}' ${args.join(" ")} < '${path}'`;
  const child = spawn("sh", ["-c", shell], {
    cwd: bench.folder,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const [code] = (await once(child, "close")) as [number];
  assert.equal(code, 0);
  await bench.good([`--git-dir=${name}`, "rev-list", "--objects", "--quiet", commit]);
}

describe("the packs of a hub", () => {
  it("are whole, or thin against a base, and what git takes in", async (t) => {
    const { bench, open, first, second } = await openAll(t, 400_000, 2_000);
    const shelf = await open();
    const whole = await shelf.make({ repo, commit: first, base: undefined });
    const thin = await shelf.make({ repo, commit: second, base: first });
    assert.equal(await whyWrong(whole), undefined);
    assert.equal(await whyWrong(thin), undefined);
    assert.ok(whole.bytes > 200_000 && thin.bytes < 4_000, `${whole.bytes}, ${thin.bytes}`);
    await takeIn(bench, "drone.git", whole.path, first);
    await bench.good(["--git-dir=drone.git", "update-ref", "refs/heads/main", first]);
    await takeIn(bench, "drone.git", thin.path, second);
  });

  it("are signed by the key that drones are told", async (t) => {
    const { open, first } = await openAll(t, 1_000);
    const shelf = await open();
    const { manifest } = await shelf.make({ repo, commit: first, base: undefined });
    const key = createPublicKey({
      key: Buffer.from(shelf.hubKey, "base64"),
      type: "spki",
      format: "der",
    });
    const signature = Buffer.from(manifest.signature, "base64");
    assert.ok(verify(null, Buffer.from(manifest.text), key, signature));
  });

  it("are made once, however many ask at the same time", async (t) => {
    const lines: string[] = [];
    const { open, first } = await openAll(t, 100_000);
    const log = { ...silentLog, info: (text: string) => void lines.push(text) };
    const shelf = await open({ log });
    const step = { repo, commit: first, base: undefined };
    const made = await Promise.all(Array.from({ length: 500 }, () => shelf.make(step)));
    assert.equal(new Set(made.map(({ artifact }) => artifact)).size, 1);
    assert.equal(lines.filter((line) => line.includes("is packed")).length, 1);
    assert.deepEqual(shelf.making, []);
  });

  it("say how far they are while they are made", async (t) => {
    const { open, first } = await openAll(t, 2_000_000);
    const shelf = await open();
    const step = { repo, commit: first, base: undefined };
    const made = shelf.make(step);
    const seen: MakingArtifact[] = [];
    for (let now = shelf.making; now.length > 0; now = shelf.making) {
      seen.push(...now);
      await setImmediate();
    }
    const kept = await made;
    const { since: _, ...last } = seen.at(-1) ?? assert.fail("nothing was seen of it");
    const estimate = await shelf.estimate(step);
    assert.deepEqual(last, { ...step, estimate, packedBytes: kept.bytes });
    assert.equal(seen[0]?.packedBytes, 0);
  });

  it("are there again after a restart, with the same id and secret, only for the hub to read", async (t) => {
    const { open, first, folder } = await openAll(t, 1_000);
    const before = await (await open()).make({ repo, commit: first, base: undefined });
    const again = await open({ key: makeShelfKey() });
    const [kept] = again.kept;
    assert.deepEqual(
      [kept?.artifact, kept?.secret, kept?.madeAt],
      [before.artifact, before.secret, before.madeAt],
    );
    assert.notEqual(kept?.manifest.signature, before.manifest.signature);
    assert.equal(
      (await again.make({ repo, commit: first, base: undefined })).madeAt,
      before.madeAt,
    );
    for (const name of await readdir(folder)) {
      assert.equal((await stat(join(folder, name))).mode & 0o077, 0, name);
    }
  });

  it("are not believed when they are cut or half there, and removed", async (t) => {
    const { open, first, second, folder } = await openAll(t, 100_000, 1_000);
    const shelf = await open();
    const cut = await shelf.make({ repo, commit: first, base: undefined });
    const good = await shelf.make({ repo, commit: second, base: first });
    await truncate(cut.path, 100);
    await writeFile(join(folder, ".new-0123"), "half");
    await writeFile(join(folder, `${"a".repeat(64)}.pack`), "without a record");
    const again = await open();
    assert.deepEqual(
      again.kept.map(({ artifact }) => artifact),
      [good.artifact],
    );
    assert.deepEqual((await readdir(folder)).toSorted(), [
      `${good.artifact}.json`,
      `${good.artifact}.pack`,
    ]);
  });

  it("leave nothing when they are removed", async (t) => {
    const { open, first, folder } = await openAll(t, 1_000);
    const shelf = await open();
    const { artifact } = await shelf.make({ repo, commit: first, base: undefined });
    await shelf.remove(artifact);
    assert.deepEqual([shelf.kept, await readdir(folder)], [[], []]);
  });

  it("fail with the reason, at once again when asked soon after", async (t) => {
    const { open, first, folder } = await openAll(t, 1_000);
    let now = 1_000_000;
    const shelf = await open({ now: () => now });
    const step = { repo, commit: "0".repeat(40), base: undefined };
    const reason = (thrown: unknown) =>
      thrown instanceof PropagitError &&
      /packing webapp 0000000 failed: fatal/.test(thrown.message);
    await assert.rejects(shelf.make(step), reason);
    const again = shelf.make(step);
    assert.deepEqual(shelf.making, []);
    await assert.rejects(again, reason);
    now += 60_000;
    const later = shelf.make(step);
    await assert.rejects(later, reason);
    assert.ok((await shelf.make({ repo, commit: first, base: undefined })).bytes > 0);
    assert.deepEqual(
      (await readdir(folder)).filter((name) => name.startsWith(".new")),
      [],
    );
  });

  it("name what cannot be written", async (t) => {
    const { open, first, folder } = await openAll(t, 1_000);
    const shelf = await open({ random: { hex: () => "0", fraction: () => 0 } });
    await mkdir(join(folder, ".new-0"));
    await assert.rejects(
      shelf.make({ repo, commit: first, base: undefined }),
      (thrown) =>
        thrown instanceof PropagitError &&
        thrown.code === "DATA_UNUSABLE" &&
        thrown.message.includes(".new-0: EEXIST"),
    );
  });

  it("are refused for what is no repository", async (t) => {
    const { open, first } = await openAll(t, 1_000);
    const shelf = await open();
    await assert.rejects(shelf.make({ repo: "nothing", commit: first, base: undefined }), {
      code: "NO_REPO",
    });
    await assert.rejects(shelf.known("../webapp", [first]), { code: "BAD_NAME" });
  });

  it("end with the hub, and leave nothing half", async (t) => {
    const { open, first, folder } = await openAll(t, 4_000_000);
    const shelf = await open();
    const making = shelf.make({ repo, commit: first, base: undefined });
    making.catch(() => undefined);
    await shelf.estimate({ repo, commit: first, base: undefined });
    await shelf.stop();
    await making.catch(() => undefined);
    const left = await readdir(folder);
    assert.deepEqual(
      left.filter((name) => name.startsWith(".new")),
      [],
    );
  });
});

describe("what is known of commits before they are packed", () => {
  it("is which of them are there", async (t) => {
    const { open, first, second, bench } = await openAll(t, 1_000, 1_000);
    const shelf = await open();
    const tree = await bench.good(["rev-parse", "HEAD^{tree}"], { cwd: "work" });
    const asked = [first, "0".repeat(40), second, tree];
    assert.deepEqual([...(await shelf.known(repo, asked))].toSorted(), [first, second].toSorted());
  });

  it("is about how large a pack becomes", async (t) => {
    const { open, first, second } = await openAll(t, 400_000, 20_000);
    const shelf = await open();
    for (const step of [
      { repo, commit: first, base: undefined },
      { repo, commit: second, base: first },
    ]) {
      const estimate = (await shelf.estimate(step)) ?? Number.NaN;
      const { bytes } = await shelf.make(step);
      assert.ok(Math.abs(estimate - bytes) < bytes * 0.1 + 500, `${estimate} for ${bytes}`);
    }
  });

  it("is whether their history was pushed from a shallow clone", async (t) => {
    const { bench, open, first } = await openAll(t, 1_000, 1_000);
    const shelf = await open();
    assert.equal(await shelf.isShallow(repo, [first]), false);
    await bench.commit({ more: "more" });
    const work = join(bench.folder, "work");
    await bench.good(["clone", "--quiet", "--depth=1", `file://${work}`, "shallow"]);
    const shallow = await bench.good(["rev-parse", "HEAD"], { cwd: "shallow" });
    const url = bench.url(repo);
    await bench.good(["push", "--quiet", url, "HEAD:refs/heads/cut"], { cwd: "shallow" });
    assert.equal(await shelf.isShallow(repo, [shallow]), true);
    assert.equal(await shelf.isShallow(repo, [first]), false);
  });
});

describe("a hub that is killed while it packs", () => {
  it("has whole packs or none, wherever it was", async (t) => {
    const { bench, commits, open, folder } = await openAll(t, 3_000_000, 200_000, 200_000, 200_000);
    const args = [packing, join(bench.folder, "hub"), repo, ...commits];
    let made = 0;
    for (let round = 0; round < 8; round++) {
      const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
      await once(child.stdout, "data");
      const timer = setTimeout(() => child.kill("SIGKILL"), 10 + round * 35);
      await once(child, "close");
      clearTimeout(timer);
      const shelf = await open();
      for (const kept of shelf.kept) assert.equal(await whyWrong(kept), undefined);
      const whole = shelf.kept.flatMap(({ artifact }) => [`${artifact}.json`, `${artifact}.pack`]);
      assert.deepEqual((await readdir(folder)).toSorted(), whole.toSorted());
      made = shelf.kept.length;
    }
    const shelf = await open();
    const [first = "", second = ""] = commits;
    await shelf.make({ repo, commit: second, base: first });
    assert.ok(shelf.kept.length >= made && shelf.kept.length > 0);
  });
});
