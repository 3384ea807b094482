import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { promisify } from "node:util";
import { importStream } from "../../src/files/import.js";
import { failureOf } from "../../src/files/push.js";
import { firstChange, readSource } from "../../src/files/source.js";

describe("a source of files", () => {
  let folder = "";

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "propagit-source-"));
    await mkdir(join(folder, "site", "deep"), { recursive: true });
    await writeFile(join(folder, "site", "deep", "a.txt"), "one");
    await writeFile(join(folder, "site", "b.txt"), "two");
    await symlink("../../nowhere", join(folder, "site", "out"));
  });

  afterEach(() => rm(folder, { recursive: true }));

  const read = (names: readonly string[], exclude: readonly string[] = []) =>
    readSource(
      names.map((name) => `${folder}/${name}`),
      exclude,
    );
  const paths = async (...words: Parameters<typeof read>) =>
    (await read(...words)).entries.map(({ path, kind }) => `${kind} ${path}`);

  it("is a folder by its name, or what is in it", async () => {
    assert.deepEqual(await paths(["site"]), [
      "folder site",
      "file site/b.txt",
      "folder site/deep",
      "file site/deep/a.txt",
      "link site/out",
    ]);
    const inside = ["file b.txt", "folder deep", "file deep/a.txt", "link out"];
    assert.deepEqual(await paths(["site/"]), inside);
    assert.deepEqual(await paths(["site/."]), inside);
  });

  it("leaves out what patterns mean, below each source", async () => {
    assert.deepEqual(await paths(["site"], ["/deep", "*.txt", "!b.txt"]), [
      "folder site",
      "file site/b.txt",
      "link site/out",
    ]);
  });

  it("follows a link that is named, and no other", async () => {
    await symlink("site", join(folder, "current"));
    assert.deepEqual(await paths(["current"], ["*.txt", "deep"]), [
      "folder current",
      "link current/out",
    ]);
  });

  it("is refused when two bring the same, or something cannot be pushed", async () => {
    await assert.rejects(read(["site/", "site/b.txt"]), /two sources bring "b\.txt"/);
    await assert.rejects(read(["gone"]), /cannot be read: ENOENT/);
    await assert.rejects(read(["site/b.txt/"]), /is no folder|ENOTDIR/);
    await mkdir(join(folder, "site", ".propagit-files"));
    await assert.rejects(read(["site/"]), /cannot have this name/);
    await promisify(execFile)("mkfifo", [join(folder, "site", "deep", "pipe")]);
    await assert.rejects(read(["site"]), /pipe is a socket, pipe or device/);
    assert.ok((await read(["site"], ["pipe"])).entries.length > 0);
  });

  it("tells what changed between two looks", async () => {
    const before = await read(["site"]);
    assert.equal(firstChange(before, await read(["site"])), undefined);
    await writeFile(join(folder, "site", "new.txt"), "");
    assert.equal(firstChange(before, await read(["site"])), "site/new.txt");
    await rm(join(folder, "site", "new.txt"));
    await writeFile(join(folder, "site", "b.txt"), "TWO");
    assert.equal(firstChange(before, await read(["site"])), "site/b.txt");
  });

  it("that changes while it is read is not pushed", async () => {
    const { entries } = await read(["site"]);
    await writeFile(join(folder, "site", "b.txt"), "longer than before");
    const stream = importStream("refs/x", {
      entries,
      head: { mode: 0o755 },
      mode: undefined,
      folderMode: undefined,
      manifestOnly: false,
      known: { blobOf: () => undefined, keep: () => undefined },
    });
    await assert.rejects(stream.toArray(), { code: "CHANGED_MEANWHILE" });
  });
});

describe("the end of a push", () => {
  const done = { drone: "a", outcome: "done" } as const;
  const away = { drone: "b", outcome: "away" } as const;
  const refused = { drone: "c", outcome: "refused", hint: "look" } as const;

  it("is a success only when every drone has it, or those that are away may be missing", () => {
    assert.equal(failureOf([done], false), undefined);
    assert.equal(failureOf([done, away], true), undefined);
    assert.equal(failureOf([done, away], false)?.code, "FILES_FAILED");
    assert.equal(failureOf([away], true)?.code, "FILES_FAILED");
    assert.equal(failureOf([done, refused], true)?.code, "FILES_REFUSED");
    assert.equal(failureOf([away, refused], false)?.code, "FILES_FAILED");
    assert.match(
      failureOf([done, away, refused], false)?.message ?? "",
      /2 of 3 drones: b \(away\), c \(refused\)/,
    );
  });
});
