/** A drone's disk that is full: the deploy is refused before it starts, or fails cleanly; what runs goes on. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { exitCodes } from "@propagit/protocol";
import { execa } from "execa";
import { closeConnections, Cluster, get, WorkTree } from "@propagit/test-support";

/** Files that the small file system has room for. */
const filesMax = 1_500;
const isRoot = process.getuid?.() === 0;

describe("a drone's disk", { skip: isRoot ? false : "needs root for a small file system" }, () => {
  let cluster: Cluster;
  let tree: WorkTree;
  let disk = "";

  before(async () => {
    cluster = await Cluster.create();
    disk = await mkdtemp(join(tmpdir(), "propagit-disk-"));
    await execa("mount", ["-t", "tmpfs", "-o", `size=24m,nr_inodes=${filesMax}`, "tmpfs", disk]);
    await cluster.startHub({ ownRegistry: true });
    await cluster.startDrone([], ["--name=a", `--data=${join(disk, "a")}`]);
    await cluster.startProxy();
    tree = await WorkTree.create(join(cluster.folder, "app"));
    await tree.write("propagit.yaml", "services:\n  web: { command: node web.mjs }\n");
    await tree.write(
      "web.mjs",
      "import { createServer } from 'node:http';\ncreateServer((_, response) => response.end('one')).listen(process.env.PORT);\n",
    );
    await tree.commit("one");
  });

  after(async () => {
    closeConnections();
    await cluster.destroy();
    await execa("umount", ["-l", disk]);
    await rm(disk, { recursive: true });
  });

  const url = () => `http://localhost:${cluster.ports.hub}/app`;
  const push = () => tree.git("push", "--quiet", url(), "master");
  const visit = async () => (await get(cluster.ports.proxy, { host: "app.localhost" })).body;

  it("that has no room for a release is told before anything starts", async () => {
    await push();
    assert.equal((await cluster.propagit("deploy", "app", "master")).exitCode, 0, cluster.output);
    await writeFile(join(tree.folder, "big.bin"), randomBytes(30e6));
    const commit = await tree.commit("too big");
    await push();
    const { exitCode, stderr } = await cluster.propagit("deploy", "app", commit);
    assert.equal(exitCode, exitCodes.machine, stderr + cluster.output);
    assert.match(stderr, /a/, "it names the drone");
    assert.match(stderr, /MB|GB|MiB|GiB/, "and how much is missing");
    assert.equal(await visit(), "one");
  });

  it("that fills up on the way leaves nothing half behind, and the next deploy works", async () => {
    await tree.git("reset", "--quiet", "--hard", "HEAD~1");
    // Room for the bytes there is, so it begins; there is none for so many files.
    for (let index = 0; index < filesMax; index++) await tree.write(`file-${index}.txt`, "");
    const commit = await tree.commit("too many files");
    await tree.git("push", "--quiet", "--force", url(), "master");
    const failed = await cluster.propagit("deploy", "app", commit);
    assert.notEqual(failed.exitCode, 0, failed.stdout + failed.stderr);
    assert.match(failed.stderr, /full|space/, failed.stderr);
    assert.equal(await visit(), "one");
    const left = await readdir(join(disk, "a", "commits", "app"));
    assert.ok(!left.some((name) => name.includes("partial")), left.join());
    await tree.git("reset", "--quiet", "--hard", "HEAD~1");
    await tree.write("small.txt", "small");
    const small = await tree.commit("small");
    await tree.git("push", "--quiet", "--force", url(), "master");
    const { exitCode, stderr } = await cluster.propagit("deploy", "app", small);
    assert.equal(exitCode, 0, stderr + cluster.output);
    assert.equal(await visit(), "one");
  });
});
