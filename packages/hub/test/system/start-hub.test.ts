import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { hangUp, silentLog } from "@propagit/runtime";
import { startHub, type StartHubOptions } from "../../src/index.js";
import {
  dialHub,
  makeBench,
  run,
  secret,
  temporaryFolder,
  type Bench,
} from "../support/real-hub.js";

const options = (dataFolder: string): StartHubOptions => ({
  port: 0,
  dataFolder,
  log: silentLog,
});

test("a hub without a secret makes one, keeps it where only its user reads it, and says how to use it", async (t) => {
  const folder = await temporaryFolder(t);
  const said: string[] = [];
  const log = { info: (text: string) => void said.push(text), warn: () => undefined };
  const hub = await startHub({ ...options(join(folder, "hub")), log });
  const made = (await readFile(hub.secretFile, "utf8")).trim();
  assert.equal(hub.secretSource, "made");
  assert.equal((await stat(hub.secretFile)).mode & 0o777, 0o600);
  assert.match(made, /^[0-9a-z]{5}(-[0-9a-z]{1,5}){5}$/);
  assert.ok(said.some((text) => text.includes(`PROPAGIT_SECRET_FILE=${hub.secretFile}`)));
  assert.ok(!said.some((text) => text.includes(made)));
  await hangUp(await dialHub(hub.port, "cli", made));
  await hub.stop();
  const again = await startHub(options(join(folder, "hub")));
  t.after(() => again.stop());
  assert.equal(again.secretSource, "kept");
  await hangUp(await dialHub(again.port, "cli", made));
});

test("a given secret is not written anywhere", async (t) => {
  const folder = await temporaryFolder(t);
  const hub = await startHub({ ...options(join(folder, "hub")), secret });
  t.after(() => hub.stop());
  assert.equal(hub.secretSource, "given");
  assert.ok(!existsSync(hub.secretFile));
  await assert.rejects(startHub({ ...options(join(folder, "other")), secret: "" }), {
    code: "BAD_USAGE",
  });
});

test("a port that is taken is said, whichever of the two it is, and nothing stays behind", async (t) => {
  const folder = await temporaryFolder(t);
  const taken = createServer();
  await new Promise<void>((resolve) => {
    taken.listen(0, resolve);
  });
  t.after(() => taken.close());
  const { port } = taken.address() as { port: number };
  const start = (ports: { port: number; gitPort?: number }) =>
    startHub({ ...options(join(folder, "hub")), ...ports });
  await assert.rejects(start({ port }), { code: "PORT_IN_USE" });
  await assert.rejects(start({ port: 0, gitPort: port }), { code: "PORT_IN_USE" });
  const hub = await start({ port: 0 });
  await hub.stop();
});

test("an address that is not this machine's is said", async (t) => {
  const folder = await temporaryFolder(t);
  const host = "192.0.2.1";
  await assert.rejects(startHub({ ...options(join(folder, "hub")), host }), { code: "BAD_USAGE" });
});

test("a second hub in the same data folder is refused, and the first one goes on", async (t) => {
  const bench = await makeBench(t);
  await assert.rejects(startHub(options(join(bench.folder, "hub"))), { code: "DATA_IN_USE" });
  await bench.connect();
});

test("a data folder that cannot be made or written is said", async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, "file"), "");
  await assert.rejects(startHub(options(join(folder, "file/hub"))), { code: "DATA_UNUSABLE" });
});

test("a full or read-only data folder is said at the start, and a push to a disk that is full fails and harms nothing", async (t) => {
  const folder = await temporaryFolder(t);
  const disk = join(folder, "disk");
  await mkdir(disk);
  const mount = ["-t", "tmpfs", "-o", "size=3m", "tmpfs", disk];
  if ((await run("mount", mount)).exitCode !== 0) {
    t.skip("this user may not mount a small disk");
    return;
  }
  try {
    await writeFile(join(disk, "filler"), Buffer.alloc(3 * 1024 * 1024)).catch(() => undefined);
    await assert.rejects(startHub(options(join(disk, "hub"))), { code: "DATA_UNUSABLE" });
    await rm(join(disk, "filler"));
    await run("mount", ["-o", "remount,ro", disk]);
    await assert.rejects(startHub(options(join(disk, "hub"))), { code: "DATA_UNUSABLE" });
    await run("mount", ["-o", "remount,rw", disk]);
    await pushTooMuch(await makeBench(t, { dataFolder: join(disk, "hub") }));
  } finally {
    await run("umount", ["-l", disk]);
  }
});

async function pushTooMuch(bench: Bench): Promise<void> {
  await bench.commit("work", "small");
  await bench.good(["push", "--quiet", bench.url("webapp"), "master"], { cwd: "work" });
  await writeFile(join(bench.folder, "work/noise"), randomBytes(4_000_000));
  await bench.good(["add", "."], { cwd: "work" });
  await bench.good(["commit", "--quiet", "-m", "too big"], { cwd: "work" });
  const push = ["push", bench.url("webapp"), "master:big"];
  const { exitCode } = await bench.git(push, { cwd: "work" });
  assert.notEqual(exitCode, 0);
  const refs = await bench.good(["ls-remote", "--heads", bench.url("webapp")]);
  assert.match(refs, /refs\/heads\/master$/);
  await bench.hub.stop();
}

test("a hub on a machine without git, or with an old one, says so", async (t) => {
  const folder = await temporaryFolder(t);
  const before = process.env["PATH"];
  t.after(() => {
    process.env["PATH"] = before;
  });
  process.env["PATH"] = folder;
  await assert.rejects(startHub(options(join(folder, "hub"))), (thrown: Error) => {
    assert.match(thrown.message, /there is no `git` on the PATH/);
    return (thrown as { code?: string }).code === "NO_GIT";
  });
  await writeFile(join(folder, "git"), "#!/bin/sh\necho git version 2.29.1\n", { mode: 0o755 });
  await assert.rejects(startHub(options(join(folder, "hub"))), {
    code: "NO_GIT",
    message: "git cannot be run: version 2.29 is too old",
  });
});

test("drones are told of the registry on the hub's port, or of the other one that is used instead", async (t) => {
  const place = async (more: Partial<StartHubOptions>) => {
    const bench = await makeBench(t, more);
    const address = { port: 80 };
    const self = { identity: "a".repeat(32), name: "edge-1", version: "1.0.0", address };
    const { registry } = await (await bench.connect()).call("hub.meet", self);
    return { registry, port: bench.hub.port };
  };
  const own = await place({});
  assert.deepEqual(own.registry, { port: own.port, open: false, own: true });
  const near = await place({ registry: { host: "localhost", port: 6000 } });
  assert.deepEqual(near.registry, { port: 6000, open: true });
  const far = { host: "registry.example", port: 6000 };
  assert.deepEqual((await place({ registry: far })).registry, { ...far, open: false });
  const open = await place({ registry: far, openRegistry: true });
  assert.deepEqual(open.registry, { ...far, open: true });
});

test("the embedded registry answers on the hub's port, with the secret", async (t) => {
  const bench = await makeBench(t);
  const url = `http://localhost:${bench.hub.port}/v1/health`;
  assert.equal((await fetch(url)).status, 200);
  assert.equal((await fetch(`http://localhost:${bench.hub.gitPort}/v1/health`)).status, 404);
});

test("what was pushed is there after a restart, and can be pushed to and deployed from", async (t) => {
  const bench = await makeBench(t);
  const hash = await bench.commit("work", "one");
  await bench.good(["push", "--quiet", bench.url("webapp"), "master"], { cwd: "work" });
  await bench.restart();
  const refs = await bench.good(["ls-remote", "--heads", bench.url("webapp")]);
  assert.equal(refs, `${hash}\trefs/heads/master`);
  await bench.good(["push", "--quiet", bench.url("webapp"), "master:again"], { cwd: "work" });
});

test("the machine's and the user's own git configuration change nothing", async (t) => {
  const folder = await temporaryFolder(t);
  const home = process.env["HOME"];
  t.after(() => {
    process.env["HOME"] = home;
  });
  await writeFile(
    join(folder, ".gitconfig"),
    "[transfer]\n\thideRefs = refs/heads\n[receive]\n\tdenyCreates = true\n[core]\n\thooksPath = /nowhere\n",
  );
  process.env["HOME"] = folder;
  const bench = await makeBench(t);
  await bench.commit("work", "one");
  await bench.good(["push", "--quiet", bench.url("webapp"), "master"], { cwd: "work" });
  assert.match(await bench.good(["ls-remote", "--heads", bench.url("webapp")]), /master$/);
});
