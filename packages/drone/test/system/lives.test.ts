import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { PropagitError } from "@propagit/protocol";
import { silentLog } from "@propagit/runtime";
import { startDrone, type DroneOptions } from "../../src/index.js";
import { stubborn, webApp } from "../support/apps.js";
import { inPhase, isAlive, openBench, until, type Bench } from "../support/bench.js";
import { secret } from "../support/hub-double.js";

const program = fileURLToPath(import.meta.resolve("../support/drone-process.js"));

test("leaves exactly one instance after it was killed with -9 and started again", async (t) => {
  const bench = await openBench(t);
  const { hub, commit, drone } = bench;
  const sha = await commit("webapp", { "web.js": stubborn });
  const doomed = spawnDrone(t, bench);
  hub.desire({ repo: "webapp", commit: sha });
  const ghost = await inPhase(hub, sha, "ready");
  const child = Number(await (await fetch(`http://127.0.0.1:${ghost.port}`)).text());

  doomed.kill("SIGKILL");
  await once(doomed, "exit");
  hub.instances.clear();
  assert.ok(await isAlive(ghost.pid), "instances outlive their drone");
  await drone({ stopTimeoutMs: 300 });

  const instance = await inPhase(hub, sha, "ready");
  assert.notEqual(instance.pid, ghost.pid);
  assert.deepEqual([await isAlive(ghost.pid), await isAlive(child)], [false, false]);
  assert.equal(hub.instances.size, 1);
});

test("ends what it was about to write down when it was killed", async (t) => {
  const bench = await openBench(t);
  const { hub, commit, drone, folder } = bench;
  const sha = await commit("webapp", { "web.js": webApp });
  const doomed = spawnDrone(t, bench);
  hub.desire({ repo: "webapp", commit: sha });
  const ghost = await inPhase(hub, sha, "ready");
  doomed.kill("SIGKILL");
  await once(doomed, "exit");
  // As it was between the intention and the pid.
  const ledger = join(folder, "drone", "instances.json");
  assert.match(await readFile(ledger, "utf8"), new RegExp(`"pid":${ghost.pid}`));
  await writeFile(ledger, JSON.stringify([{ process: ghost.process }]));

  await drone();

  assert.equal(await isAlive(ghost.pid), false);
});

test("never ends a process that only has the pid of an earlier instance", async (t) => {
  const { drone, folder } = await openBench(t);
  const stranger = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], {
    detached: true,
  });
  t.after(() => stranger.kill("SIGKILL"));
  await once(stranger, "spawn");
  const first = await drone();
  await first.stop();
  const entry = { process: "0123456789abcdef", pid: stranger.pid, startTime: "1" };
  await writeFile(join(folder, "drone", "instances.json"), JSON.stringify([entry]));

  await drone();

  assert.equal(await isAlive(stranger.pid), true);
});

test("starts with a damaged list of processes", async (t) => {
  const { drone, folder } = await openBench(t);
  const first = await drone();
  await first.stop();
  await writeFile(join(folder, "drone", "instances.json"), '[{"process":7},null,{"pro');
  const second = await drone();
  assert.equal(second.name, "one");
});

test("refuses a data folder that another drone works in", async (t) => {
  const { drone, folder } = await openBench(t);
  await drone();
  await assert.rejects(drone(), {
    code: "DATA_IN_USE",
    message: `the data folder ${join(folder, "drone")} is in use by process ${process.pid}`,
  });
});

test("takes another default folder when one is in use", async (t) => {
  const { hub, folder } = await openBench(t);
  const before = process.env["PROPAGIT_HOME"];
  process.env["PROPAGIT_HOME"] = join(folder, "home");
  t.after(() => {
    if (before === undefined) delete process.env["PROPAGIT_HOME"];
    else process.env["PROPAGIT_HOME"] = before;
  });
  const options: DroneOptions = {
    hub: hub.address,
    secret,
    command: ["node", "say.js"],
    log: silentLog,
  };
  const one = await startDrone(options);
  const two = await startDrone(options);
  t.after(async () => {
    await one.stop();
    await two.stop();
  });
  const folders = [one, two].map(({ dataFolder }) => dataFolder.slice(folder.length));
  assert.deepEqual(folders, ["/home/drone-say", "/home/drone-say-2"]);
});

test("is refused at once with a wrong or missing secret, and leaves its folder free", async (t) => {
  const { drone, hub, folder } = await openBench(t);
  await assert.rejects(drone({ secret: "wrong" }), { code: "DENIED" });
  const without: DroneOptions = {
    hub: hub.address,
    command: ["node", "web.js"],
    dataFolder: join(folder, "drone"),
    log: silentLog,
  };
  await assert.rejects(startDrone(without), { code: "DENIED" });
  await drone();
});

test("keeps instances running when the hub is away, and tells it everything when it is back", async (t) => {
  const { hub, drone, commit, log } = await openBench(t);
  const sha = await commit("webapp", { "web.js": webApp });
  await drone();
  hub.desire({ repo: "webapp", commit: sha });
  const { port, pid } = await inPhase(hub, sha, "ready");

  await hub.stop();
  await until("said so", () => log.some((line) => line.includes("instances keep running")));
  assert.equal((await fetch(`http://127.0.0.1:${port}`)).status, 200);
  hub.instances.clear();
  await hub.start();

  const again = await inPhase(hub, sha, "ready");
  assert.equal(again.pid, pid);
});

test("follows a hub that begins to refuse it later, in case that is a mistake", async (t) => {
  const { hub, drone, log } = await openBench(t);
  await drone();
  hub.refusal = new PropagitError("DENIED", "not today");
  await hub.stop();
  await hub.start();
  await until("refused", () => log.some((line) => line.includes("not today")));
  hub.refusal = undefined;
  await until("joined again", () => hub.joins === 2);
});

test("starts before its hub, and says that it waits", async (t) => {
  const { hub, drone, log } = await openBench(t);
  await hub.stop();
  const running = await drone();
  assert.equal(running.name, "one");
  assert.ok(log.some((line) => line.includes("nothing listens there; trying again")));
  await hub.start();
  await until("joined", () => hub.joins === 1);
});

test("refuses a data folder that cannot be written", async (t) => {
  if (process.getuid?.() !== 0) return t.skip("only root can mount a disk that is read-only");
  const { drone, folder } = await openBench(t);
  const disk = join(folder, "read-only");
  await mkdir(disk);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], { stdio: "ignore" });
  } catch {
    return t.skip("this machine does not let us mount a disk");
  }
  try {
    await mkdir(join(disk, "drone"));
    execFileSync("mount", ["-o", "remount,ro", disk]);
    await assert.rejects(drone({ dataFolder: join(disk, "drone") }), {
      code: "DATA_UNUSABLE",
      message: `the data folder ${disk}/drone cannot be used: EROFS`,
    });
  } finally {
    execFileSync("umount", [disk]);
  }
});

function spawnDrone(t: TestContext, { hub, folder }: Bench) {
  const options = {
    hub: hub.address,
    secret,
    command: ["node", "web.js"],
    name: "one",
    dataFolder: join(folder, "drone"),
  };
  const child = spawn(process.execPath, [program, JSON.stringify(options)], { stdio: "ignore" });
  t.after(() => child.kill("SIGKILL"));
  return child;
}
