/** `propagit files` when things go wrong: a killed drone, a full disk, one that is away, two pushes at once. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { exitCodes, type FilesRow } from "@propagit/protocol";
import {
  Cluster,
  differences,
  FilesPlaces,
  outcomesOf,
  until,
  type DaemonProcess,
} from "@propagit/test-support";
import { execa } from "execa";

const isRoot = process.getuid?.() === 0;

describe("files push, when things go wrong,", () => {
  let cluster: Cluster;
  let places: FilesPlaces;
  let droneB: DaemonProcess;

  before(async () => {
    cluster = await Cluster.create();
    places = new FilesPlaces(cluster);
    await cluster.startHub({ ownRegistry: true });
    droneB = await places.startDrone("b");
    await places.startDrone("c");
  });

  after(() => cluster.destroy());

  it("killed on the way leaves every file old or new, and the same push does the rest", async () => {
    const count = 1_000;
    const text = (version: string, index: number) => `${version} ${index} `.repeat(200);
    const write = async (version: string) =>
      places.source(
        "killed",
        Object.fromEntries(
          Array.from({ length: count }, (_, index) => [
            `${index % 50}/${index}`,
            text(version, index),
          ]),
        ),
      );
    await places.push(await write("old"), `b:${places.place("killed")}`);
    const source = await write("new");
    const pushing = places.push(source, `b:${places.place("killed")}`);
    const last = join(places.place("killed"), "0", "0");
    await until("the first file to be new", async () =>
      (await readFile(last, "utf8")).startsWith("new"),
    );
    droneB.kill("SIGKILL");
    const killed = await pushing;
    assert.equal(killed.exitCode, exitCodes.failed, killed.stderr);
    assert.equal(outcomesOf(killed)[0]?.outcome, "away");
    await droneB.exited;
    const versions = new Set<string>();
    for (let index = 0; index < count; index++) {
      const found = await readFile(
        join(places.place("killed"), `${index % 50}`, `${index}`),
        "utf8",
      );
      const version = found.slice(0, 3);
      assert.equal(found, text(version, index));
      versions.add(version);
    }
    droneB = await places.startDrone("b");
    if (versions.size > 1) {
      const { stdout } = await places.run("list", "--json", `b:${places.place("killed")}`);
      assert.equal((JSON.parse(stdout) as FilesRow[])[0]?.place?.state, "half");
    }
    const again = await places.push(source, `b:${places.place("killed")}`);
    assert.equal(again.exitCode, 0, again.stderr);
    assert.equal(await differences(source, places.place("killed")), "");
  });

  it(
    "leaves the old files where a disk is full, and goes on elsewhere",
    {
      skip: isRoot ? false : "needs root for a small file system",
    },
    async () => {
      const disk = join(cluster.folder, "disk");
      await mkdir(disk);
      await execa("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", disk]);
      try {
        const source = await places.source("big", { "a.txt": "old", "b/c.txt": "old" });
        const target = `${disk}/site`;
        assert.equal((await places.push(source, `b:${target}`)).exitCode, 0);
        await writeFile(join(source, "a.txt"), "new");
        await writeFile(join(source, "z.bin"), randomBytes(3e6));
        const [full, fine] = await Promise.all([
          places.push(source, `b:${target}`),
          places.push(source, `c:${places.place("big")}`),
        ]);
        assert.equal(full.exitCode, exitCodes.failed);
        const [outcome] = outcomesOf(full);
        assert.deepEqual([outcome?.outcome, outcome?.code], ["failed", "DATA_UNUSABLE"]);
        assert.match(outcome?.reason ?? "", /ENOSPC.*B of disk are free/);
        assert.deepEqual((await readdir(target)).toSorted(), ["a.txt", "b"]);
        assert.equal(await readFile(join(target, "a.txt"), "utf8"), "old");
        assert.equal(fine.exitCode, 0, fine.stderr);
        assert.equal(await differences(source, places.place("big")), "");
      } finally {
        await execa("umount", ["-l", disk]);
      }
    },
  );

  it("takes turns with another push to the same place", async () => {
    const one = await places.source("turn-one", { "a.txt": "one", "only-one": "1" });
    const two = await places.source("turn-two", { "a.txt": "two", "only-two": "2" });
    const both = await Promise.all(
      [one, two].map((from) => places.push(from, `c:${places.place("turn")}`)),
    );
    for (const { exitCode, stderr } of both) assert.equal(exitCode, 0, stderr);
    const winner = (await readdir(places.place("turn"))).includes("only-one") ? one : two;
    assert.equal(await differences(winner, places.place("turn")), "");
  });

  it("says which drones are away, and is no success without them unless that is allowed", async () => {
    const source = await places.source("away", { "a.txt": "1" });
    await places.startDrone("d");
    const target = `d:${places.place("away")}`;
    assert.equal((await places.push(source, target)).exitCode, 0);
    droneB.kill("SIGKILL");
    await droneB.exited;
    await until("the hub to miss b", async () => {
      const { stdout } = await cluster.propagit("drones", "--json", "b");
      return (JSON.parse(stdout) as { state: string }[])[0]?.state === "away";
    });
    const missed = await places.push(source, `b,d:${places.place("away")}`);
    assert.equal(missed.exitCode, exitCodes.failed);
    assert.deepEqual(
      outcomesOf(missed).map(({ drone, outcome }) => [drone, outcome]),
      [
        ["b", "away"],
        ["d", "done"],
      ],
    );
    assert.equal(
      (await places.push("--allow-missing", source, `b,d:${places.place("away")}`)).exitCode,
      0,
    );
    const none = await places.push("--allow-missing", source, `b:${places.place("away")}`);
    assert.equal(none.exitCode, exitCodes.failed);
  });
});
