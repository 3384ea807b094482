/** `propagit files`: folders on real drones, through a real hub, by the built command line. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { chmod, lstat, mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createServer, connect, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { exitCodes, type FilesOutcome, type FilesRow } from "@propagit/protocol";
import { Cluster, until, type DaemonProcess, type Finished } from "@propagit/test-support";
import { execa } from "execa";

const isRoot = process.getuid?.() === 0;
const filesInSite = 1_000;
const fileBytes = 4_096;

/** A line to the hub that counts what comes over it. */
class Meter {
  received = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(port: number) {
    this.#server = createServer((near) => {
      const far = connect(port, "127.0.0.1");
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket
          .on("error", () => undefined)
          .on("close", () => [near, far].map((it) => it.destroy()));
      }
      far.on("data", (chunk: Buffer) => {
        this.received += chunk.length;
      });
      near.pipe(far).pipe(near);
    });
  }

  listen(): Promise<number> {
    return new Promise((resolve) => {
      this.#server.listen(0, "127.0.0.1", () => {
        const address = this.#server.address();
        resolve(typeof address === "object" && address ? address.port : 0);
      });
    });
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

describe("files push", () => {
  let cluster: Cluster;
  let site = "";
  let meter: Meter;
  let droneB: DaemonProcess;
  /** With a home of its own, as if it were a machine of its own. */
  const startDrone = async (name: string, hub = cluster.ports.hub) => {
    const home = join(cluster.folder, "homes", name);
    await mkdir(home, { recursive: true });
    const flags = [`--name=${name}`, "--label=role=web", `--data=${join(cluster.folder, name)}`];
    const words = ["drone", `--hub=localhost:${hub}`, "--secret=beepboop", ...flags];
    const daemon = cluster.start(`drone ${name}`, "propagit", words, { HOME: home });
    await daemon.said(/connected to the hub/);
    return daemon;
  };

  before(async () => {
    cluster = await Cluster.create();
    await cluster.startHub({ ownRegistry: true });
    meter = new Meter(cluster.ports.hub);
    await startDrone("a", await meter.listen());
    droneB = await startDrone("b");
    await startDrone("c");
    site = join(cluster.folder, "site");
    await mkdir(join(site, "pages"), { recursive: true });
    for (let index = 0; index < filesInSite; index++) {
      await writeFile(join(site, "pages", `${index}.bin`), randomBytes(fileBytes));
    }
  });

  after(async () => {
    await cluster.destroy();
    meter.close();
  });

  const place = (name: string) => join(cluster.folder, "places", name);
  const files = (...words: readonly string[]): Promise<Finished> =>
    cluster.propagit("files", ...words);
  const push = (...words: readonly string[]) => files("push", "--json", ...words);
  const outcomesOf = ({ stdout, stderr }: Finished) => {
    assert.notEqual(stdout, "", stderr);
    return (JSON.parse(stdout) as { drones: FilesOutcome[] }).drones;
  };
  const folderWith = async (name: string, content: Readonly<Record<string, string>>) => {
    const folder = join(cluster.folder, name);
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder);
    for (const [path, text] of Object.entries(content)) {
      await mkdir(join(folder, path, ".."), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    return `${folder}/`;
  };
  const same = async (left: string, right: string) =>
    (await execa("diff", ["-r", "--no-dereference", left, right], { reject: false })).stdout;

  it("brings a thousand files to every drone that is meant, and then only what changed", async () => {
    const target = "role=web:~/site";
    const homes = ["a", "b", "c"].map((name) => join(cluster.folder, "homes", name, "site"));
    const [ofA = ""] = homes;
    const first = await push(`${site}/`, target);
    assert.equal(first.exitCode, 0, first.stderr + cluster.output);
    for (const home of homes) assert.equal(await same(site, home), "");
    await writeFile(join(site, "pages", "7.bin"), randomBytes(fileBytes));
    const untouched = await lstat(join(ofA, "pages", "8.bin"));
    const before = meter.received;
    const second = await push(`${site}/`, target);
    const bytes = meter.received - before;
    const [outcome] = outcomesOf(second);
    assert.deepEqual(outcome?.changes, {
      added: 0,
      changed: 1,
      removed: 0,
      unchanged: filesInSite,
      bytes: fileBytes,
      foreign: 0,
    });
    for (const home of homes) assert.equal(await same(site, home), "");
    const now = await lstat(join(ofA, "pages", "8.bin"));
    assert.deepEqual([now.ino, now.mtimeMs], [untouched.ino, untouched.mtimeMs]);
    // The file, what git tells of the new tree (20 bytes a file), and frames; all files have 4 MB.
    assert.ok(bytes < 100_000, `${bytes} bytes came for a change of ${fileBytes}`);
    const third = await push(`${site}/`, target);
    assert.equal(outcomesOf(third)[0]?.changes?.unchanged, filesInSite + 1);
  });

  it("carries every name, empty folders, modes and links as they are", async () => {
    const source = await folderWith("names", {
      "a b/c\nd": "1",
      "grün/日本": "2",
      ".git/config": "3",
      ".gitmodules": "[submodule]",
      "-rf": "4",
      "a%2fb": "5",
      "git~1/x": "6",
    });
    await writeFile(Buffer.concat([Buffer.from(source), Buffer.from([0xff, 0xfe])]), "7");
    await mkdir(join(source, "empty"));
    await symlink("/etc/passwd", join(source, "out"));
    await symlink("nowhere", join(source, "dangling"));
    await writeFile(join(source, "run.sh"), "#!/bin/sh\n", { mode: 0o750 });
    await chmod(join(source, "empty"), 0o700);
    const { exitCode, stderr } = await push(source, `c:${place("names")}`);
    assert.equal(exitCode, 0, stderr);
    assert.match(stderr, /\.git is pushed too/);
    assert.equal(await same(source, place("names")), "");
    const mode = async (name: string) => (await lstat(join(place("names"), name))).mode & 0o777;
    assert.deepEqual([await mode("empty"), await mode("run.sh")], [0o700, 0o750]);
    assert.deepEqual((await readdir(place("names"))).length, (await readdir(source)).length);
  });

  it("takes a folder by its name, or what is in it, and leaves out what is excluded", async () => {
    const source = await folderWith("some", { "a.css": "1", "a.css.map": "2", "deep/b.map": "3" });
    const { exitCode, stderr } = await push(
      "--exclude=*.map",
      source.slice(0, -1),
      join(cluster.folder, "some", "a.css"),
      `c:${place("some")}`,
    );
    assert.equal(exitCode, 0, stderr);
    assert.deepEqual((await readdir(place("some"))).toSorted(), ["a.css", "some"]);
    assert.deepEqual((await readdir(join(place("some"), "some"))).toSorted(), ["a.css", "deep"]);
    assert.deepEqual(await readdir(join(place("some"), "some", "deep")), []);
  });

  it("says what would change, and touches nothing", async () => {
    const source = await folderWith("dry", { "a.txt": "one", "b.txt": "two" });
    const nothing = await files("push", "--dry-run", source, `c:${place("dry")}`);
    assert.match(nothing.stdout, /2 added/);
    await assert.rejects(lstat(place("dry")));
    await push(source, `c:${place("dry")}`);
    await writeFile(join(source, "a.txt"), "changed");
    await rm(join(source, "b.txt"));
    await writeFile(join(source, "c.txt"), "new");
    const { stdout, exitCode } = await files("push", "--dry-run", source, `c:${place("dry")}`);
    assert.equal(exitCode, 0);
    assert.match(stdout, /1 added, 1 changed, 1 removed/);
    assert.match(stdout, /~ a\.txt\n {2}\+ c\.txt\n {2}- b\.txt/);
    assert.equal(await readFile(join(place("dry"), "a.txt"), "utf8"), "one");
  });

  it(
    "gives files to a user, with the modes that are asked for",
    {
      skip: isRoot ? false : "needs root to give files away",
    },
    async () => {
      const source = await folderWith("owned", { "deep/a.txt": "1" });
      const flags = ["--owner=nobody", "--mode=640", "--dir-mode=750"];
      const { exitCode, stderr } = await push(...flags, source, `c:${place("owned")}`);
      assert.equal(exitCode, 0, stderr);
      const nobody = Number((await execa("id", ["-u", "nobody"])).stdout);
      for (const [path, mode] of [
        ["", 0o750],
        ["deep", 0o750],
        ["deep/a.txt", 0o640],
      ] as const) {
        const seen = await lstat(join(place("owned"), path));
        assert.deepEqual([seen.uid, seen.mode & 0o777], [nobody, mode], path);
      }
      const unknown = await push("--owner=no-such-user", source, `c:${place("other")}`);
      assert.equal(unknown.exitCode, exitCodes.conflict);
      assert.match(outcomesOf(unknown)[0]?.reason ?? "", /no user "no-such-user"/);
      await assert.rejects(lstat(place("other")));
    },
  );

  it("is refused where it would harm the machine", async () => {
    const source = await folderWith("guard", { "a.txt": "1" });
    const own = join(cluster.folder, "c");
    for (const path of ["/", "/home", "/usr", "/usr/lib", "/etc/../usr", "~", own, `${own}/x`]) {
      const result = await push("--replace", "--force", source, `c:${path}`);
      assert.equal(result.exitCode, exitCodes.conflict, `${path}: ${result.stderr}`);
      assert.equal(outcomesOf(result)[0]?.outcome, "refused", path);
    }
    assert.ok((await readdir(own)).includes("identity"));
  });

  it("is refused where something else is, unless that is to be replaced", async () => {
    const source = await folderWith("full", { "a.txt": "1" });
    await mkdir(place("full"), { recursive: true });
    await writeFile(join(place("full"), "precious"), "1");
    const refused = await files("push", source, `c:${place("full")}`);
    assert.equal(refused.exitCode, exitCodes.conflict);
    assert.match(refused.stdout, /is not empty.*"precious"\n.*--replace/);
    assert.deepEqual(await readdir(place("full")), ["precious"]);
    assert.equal((await push("--replace", source, `c:${place("full")}`)).exitCode, 0);
    assert.deepEqual(await readdir(place("full")), ["a.txt"]);
    // What comes there later stays, as long as it is in nobody's way.
    await writeFile(join(place("full"), "app.log"), "1");
    const beside = await push(source, `c:${place("full")}`);
    assert.equal(outcomesOf(beside)[0]?.changes?.foreign, 1);
    assert.deepEqual((await readdir(place("full"))).toSorted(), ["a.txt", "app.log"]);
  });

  it("removes more than a thousand files of others only when that is said twice", async () => {
    const source = await folderWith("many", { "a.txt": "1" });
    await mkdir(join(place("many"), "deep"), { recursive: true });
    for (let index = 0; index < 1_001; index++) {
      await writeFile(join(place("many"), "deep", `${index}`), "");
    }
    const refused = await push("--replace", source, `c:${place("many")}`);
    assert.equal(refused.exitCode, exitCodes.conflict);
    assert.match(outcomesOf(refused)[0]?.hint ?? "", /--force/);
    assert.equal((await readdir(join(place("many"), "deep"))).length, 1_001);
    assert.equal((await push("--replace", "--force", source, `c:${place("many")}`)).exitCode, 0);
    assert.deepEqual(await readdir(place("many")), ["a.txt"]);
  });

  it("follows no link, neither above the destination nor in it", async () => {
    const source = await folderWith("links", { "in/a.txt": "1" });
    const real = place("real");
    await mkdir(real, { recursive: true });
    await symlink("/usr", place("to-usr"));
    const guarded = await push(source, `c:${place("to-usr")}/lib`);
    assert.match(outcomesOf(guarded)[0]?.reason ?? "", /\/usr\/lib belongs to the system/);
    await symlink(real, place("to-real"));
    const itself = await push("--replace", source, `c:${place("to-real")}`);
    assert.match(outcomesOf(itself)[0]?.reason ?? "", /is a link/);
    assert.equal((await push(source, `c:${place("to-real")}/below`)).exitCode, 0);
    assert.ok((await lstat(join(real, "below", "in"))).isDirectory());
    // Somebody who may write there puts a link in the place of a folder.
    const trap = place("trap");
    await mkdir(trap);
    await rm(join(real, "below", "in"), { recursive: true });
    await symlink(trap, join(real, "below", "in"));
    await writeFile(join(source, "in", "a.txt"), "2");
    const planted = await push(source, `c:${real}/below`);
    assert.equal(planted.exitCode, exitCodes.conflict);
    assert.deepEqual(await readdir(trap), []);
    assert.equal((await push("--replace", source, `c:${real}/below`)).exitCode, 0);
    assert.deepEqual(await readdir(trap), []);
    assert.equal(await readFile(join(real, "below", "in", "a.txt"), "utf8"), "2");
  });

  it("tells what lies where, and what is no longer as it was pushed", async () => {
    const source = await folderWith("sight", { "a.txt": "one", "b.txt": "two" });
    await push(source, `c:${place("sight")}`);
    const rows = async (...words: readonly string[]) => {
      const { stdout } = await files("status", "--json", ...words, `c:${place("sight")}`);
      return JSON.parse(stdout) as FilesRow[];
    };
    assert.equal((await rows())[0]?.place?.state, "as-pushed");
    await writeFile(join(place("sight"), "a.txt"), "ONE");
    await rm(join(place("sight"), "b.txt"));
    const [row] = await rows("--verify");
    assert.deepEqual(
      [row?.place?.state, row?.place?.changed, row?.place?.missing],
      ["changed", 1, 1],
    );
    const { exitCode } = await files("status", "--verify", `c:${place("sight")}`);
    assert.equal(exitCode, exitCodes.failed);
    await push(source, `c:${place("sight")}`);
    assert.equal((await rows("--verify"))[0]?.place?.state, "as-pushed");
  });

  it("killed on the way leaves every file old or new, and the same push does the rest", async () => {
    const count = 3_000;
    const text = (version: string, index: number) => `${version} ${index} `.repeat(200);
    const write = async (version: string) =>
      folderWith(
        "killed",
        Object.fromEntries(
          Array.from({ length: count }, (_, index) => [
            `${index % 50}/${index}`,
            text(version, index),
          ]),
        ),
      );
    await push(await write("old"), `b:${place("killed")}`);
    const source = await write("new");
    const pushing = push(source, `b:${place("killed")}`);
    const last = join(place("killed"), "0", "0");
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
      const found = await readFile(join(place("killed"), `${index % 50}`, `${index}`), "utf8");
      const version = found.slice(0, 3);
      assert.equal(found, text(version, index));
      versions.add(version);
    }
    droneB = await startDrone("b");
    if (versions.size > 1) {
      const { stdout } = await files("list", "--json", `b:${place("killed")}`);
      assert.equal((JSON.parse(stdout) as FilesRow[])[0]?.place?.state, "half");
    }
    const again = await push(source, `b:${place("killed")}`);
    assert.equal(again.exitCode, 0, again.stderr);
    assert.equal(await same(source, place("killed")), "");
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
        const source = await folderWith("big", { "a.txt": "old", "b/c.txt": "old" });
        const target = `${disk}/site`;
        assert.equal((await push(source, `b:${target}`)).exitCode, 0);
        await writeFile(join(source, "a.txt"), "new");
        await writeFile(join(source, "z.bin"), randomBytes(3e6));
        const [full, fine] = await Promise.all([
          push(source, `b:${target}`),
          push(source, `c:${place("big")}`),
        ]);
        assert.equal(full.exitCode, exitCodes.failed);
        const [outcome] = outcomesOf(full);
        assert.deepEqual([outcome?.outcome, outcome?.code], ["failed", "DATA_UNUSABLE"]);
        assert.match(outcome?.reason ?? "", /ENOSPC.*MB of disk are free/);
        assert.deepEqual((await readdir(target)).toSorted(), ["a.txt", "b"]);
        assert.equal(await readFile(join(target, "a.txt"), "utf8"), "old");
        assert.equal(fine.exitCode, 0, fine.stderr);
        assert.equal(await same(source, place("big")), "");
      } finally {
        await execa("umount", ["-l", disk]);
      }
    },
  );

  it("takes turns with another push to the same place", async () => {
    const one = await folderWith("turn-one", { "a.txt": "one", "only-one": "1" });
    const two = await folderWith("turn-two", { "a.txt": "two", "only-two": "2" });
    const both = await Promise.all([one, two].map((from) => push(from, `c:${place("turn")}`)));
    for (const { exitCode, stderr } of both) assert.equal(exitCode, 0, stderr);
    const winner = (await readdir(place("turn"))).includes("only-one") ? one : two;
    assert.equal(await same(winner, place("turn")), "");
  });

  it("says which drones are away, and is no success without them unless that is allowed", async () => {
    const source = await folderWith("away", { "a.txt": "1" });
    await startDrone("d");
    const target = `d:${place("away")}`;
    assert.equal((await push(source, target)).exitCode, 0);
    droneB.kill("SIGKILL");
    await droneB.exited;
    await until("the hub to miss b", async () => {
      const { stdout } = await cluster.propagit("drones", "--json", "b");
      return (JSON.parse(stdout) as { state: string }[])[0]?.state === "away";
    });
    const missed = await push(source, `b,d:${place("away")}`);
    assert.equal(missed.exitCode, exitCodes.failed);
    assert.deepEqual(
      outcomesOf(missed).map(({ drone, outcome }) => [drone, outcome]),
      [
        ["b", "away"],
        ["d", "done"],
      ],
    );
    assert.equal((await push("--allow-missing", source, `b,d:${place("away")}`)).exitCode, 0);
    const none = await push("--allow-missing", source, `b:${place("away")}`);
    assert.equal(none.exitCode, exitCodes.failed);
  });
});
