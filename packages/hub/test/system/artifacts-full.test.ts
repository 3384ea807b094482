/** The disk for the packs of a hub is full: drones get their commits with git, and nothing half stays. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, openSync, writeSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { describe, it, type TestContext } from "node:test";
import { nodeRandom } from "@propagit/runtime";
import { makeSwarmHub, type SwarmHub } from "../support/swarm-hub.js";

const skip = process.getuid?.() === 0 ? false : "only root can mount a tiny disk";
const diskBytes = 4 * 1024 * 1024;
const pageBytes = 4_096;
/** Too large for an answer, and half of the disk. */
const commitBytes = diskBytes / 2;
const repo = "webapp";

describe("a hub whose disk for packs is full", { skip }, () => {
  it("has no room for one, says how much it lacks, and is fetched from with git", async (t) => {
    const disk = await mountDisk(t);
    const hub = await makeSwarmHub(t, { folder: disk });
    const commit = await push(hub);
    await getWithGit(hub, commit, /there is no room for the pack of webapp \w{7}: \d+ bytes are/);
    assert.deepEqual(await readdir(disk), []);
  });

  it("fills up while git packs: the reason is said, and what was written is gone", async (t) => {
    const disk = await mountDisk(t);
    const hub = await makeSwarmHub(t, { folder: disk, freeBytesMin: 0 });
    const commit = await push(hub);
    const filling = fillOncePacking(hub, disk);
    await getWithGit(hub, commit, /the pack of webapp \w{7} cannot be written to .*: ENOSPC/);
    await filling;
    assert.deepEqual(await readdir(disk), [filler]);
    assert.deepEqual([hub.shelf.kept, hub.shelf.making, hub.offers], [[], [], []]);
  });

  it("fills up before the pack has its record: it has neither, and a pack once there is room", async (t) => {
    const disk = await mountDisk(t);
    let now = 1_000_000;
    // The secret belongs to the record; the pack is written by then.
    const hex = (length: number) => {
      if (length === 64 && now === 1_000_000) fill(disk);
      return nodeRandom.hex(length);
    };
    const random = { ...nodeRandom, hex };
    const hub = await makeSwarmHub(t, { folder: disk, freeBytesMin: 0, random, now: () => now });
    const commit = await push(hub);
    await getWithGit(hub, commit, /ENOSPC|no space/i);
    assert.deepEqual(await readdir(disk), [filler]);
    await rm(join(disk, filler));
    now += 60_000;
    const answer = await (await hub.drone("later")).ask(commit);
    assert.equal(answer.how, "swarm");
    assert.deepEqual((await readdir(disk)).map((name) => name.slice(64)).toSorted(), [
      ".json",
      ".pack",
    ]);
  });
});

/** Six drones ask, the last of which makes it worth a pack; then each of them is brought it by git itself. */
async function getWithGit(hub: SwarmHub, commit: string, reason: RegExp): Promise<void> {
  const { bench } = hub;
  let last: Awaited<ReturnType<Awaited<ReturnType<SwarmHub["drone"]>>["ask"]>> | undefined;
  for (let at = 0; at < 6; at++) last = await (await hub.drone(`d${at}`)).ask(commit);
  assert.ok(last?.how === "git", JSON.stringify(last));
  assert.match(last.reason ?? "", reason);
  assert.ok(
    hub.log.some((line) => line.includes("with git: ") && reason.test(line)),
    hub.log.join("\n"),
  );
  await bench.good(["clone", "--quiet", "--bare", bench.url(repo), "drone.git"]);
  await bench.good(["--git-dir=drone.git", "rev-list", "--objects", "--quiet", commit]);
}

async function push({ bench }: SwarmHub): Promise<string> {
  const commit = await bench.commit({ "a.txt": randomBytes(commitBytes / 2).toString("hex") });
  const { exitCode, stderr } = await bench.push("HEAD:main");
  assert.equal(exitCode, 0, stderr);
  return commit;
}

const filler = "filler";

/** Somebody else's bytes take all the room that is left. */
function fill(disk: string): void {
  const file = openSync(join(disk, filler), "w");
  try {
    for (;;) writeSync(file, Buffer.alloc(pageBytes));
  } catch (thrown) {
    assert.match(String(thrown), /ENOSPC/);
  } finally {
    closeSync(file);
  }
}

/** With the first bytes on disk; nothing else happens meanwhile. */
async function fillOncePacking({ shelf }: SwarmHub, disk: string): Promise<void> {
  while (!shelf.making.some(({ packedBytes }) => packedBytes > 0)) await setImmediate();
  fill(disk);
}

async function mountDisk(t: TestContext): Promise<string> {
  const disk = await mkdtemp(join(tmpdir(), "propagit-packs-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${diskBytes}`, "tmpfs", disk]);
  t.after(async () => {
    execFileSync("umount", ["-l", disk]);
    await rm(disk, { recursive: true });
  });
  return disk;
}
