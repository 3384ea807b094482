import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { PropagitError } from "@propagit/protocol";
import { silentLog } from "@propagit/runtime";
import { startDrone, type DroneOptions } from "../../src/index.js";
import type { InstanceNote } from "../../src/world.js";
import { stubborn, webApp } from "../support/apps.js";
import { inPhase, isAlive, openBench, type Bench } from "../support/bench.js";
import { assignmentOf, secret } from "../support/hub-double.js";
import { until } from "../support/until.js";

const program = fileURLToPath(import.meta.resolve("../support/drone-process.js"));

test("takes over what a drone left that was killed with -9: same processes, ports and records", async (t) => {
  const bench = await openBench(t);
  const { hub, commit, drone } = bench;
  const sha = await commit("webapp", { "web.js": stubborn });
  const doomed = spawnDrone(t, bench);
  hub.assign({ repo: "webapp", commit: sha });
  const before = await inPhase(hub, sha, "ready");
  const child = Number(await (await fetch(`http://127.0.0.1:${before.port}`)).text());
  const records = hub.endpoints;

  doomed.kill("SIGKILL");
  await once(doomed, "exit");
  hub.instances.clear();
  assert.ok(await isAlive(before.pid), "instances outlive their drone");
  const next = await drone({ stopTimeoutMs: 300 });

  const after = await inPhase(hub, sha, "ready");
  assert.deepEqual([after.process, after.pid], [before.process, before.pid]);
  assert.equal(hub.instances.size, 1);
  await until("registered as before", async () => {
    const report = hub.instances.get(after.process);
    return report?.port === before.port && report?.services[0] === "web";
  });
  assert.deepEqual(hub.endpoints, records);
  await next.stop();
  assert.deepEqual([await isAlive(before.pid), await isAlive(child)], [false, false]);
  assert.deepEqual(hub.endpoints, []);
});

test("leaves instances running when it is asked to, and restarts one that ended meanwhile", async (t) => {
  const { hub, commit, drone } = await openBench(t);
  const sha = await commit("webapp", { "web.js": webApp });
  const first = await drone();
  hub.assign({ repo: "webapp", commit: sha });
  const before = await inPhase(hub, sha, "ready");
  await first.stop({ instances: "keep" });
  assert.equal(hub.hasLeft, "running");
  assert.equal((await fetch(`http://127.0.0.1:${before.port}`)).status, 200);
  assert.equal(hub.endpoints.length, 1);

  process.kill(before.pid ?? 0, "SIGKILL");
  await until("gone", async () => !(await isAlive(before.pid)));
  hub.instances.clear();
  await drone();
  const after = await until("runs again", () => {
    const report = hub.instances.get(before.process);
    return report?.phase === "ready" && report.pid !== before.pid && report;
  });
  assert.equal(after.port, before.port);
  assert.deepEqual(
    hub.endpoints.map(({ port }) => port),
    [before.port],
  );
});

test("starts what should run when nothing of it is left and the hub is away", async (t) => {
  const { hub, commit, drone, folder } = await openBench(t);
  const sha = await commit("webapp", { "web.js": `process.env.PID = process.pid;${webApp}` });
  const wish = { repo: "webapp", commit: sha, release: 7 };
  const config = { GREETING: "hello from the settings" };
  hub.specifications.set(assignmentOf(wish).id, { services: [], config });
  const first = await drone();
  hub.assign(wish);
  const before = await inPhase(hub, sha, "ready");
  await first.stop();
  assert.equal(await isAlive(before.pid), false);
  await hub.stop();
  hub.said.length = 0;

  const next = await drone();

  const given = await until("an answer, without a hub", () => askOnlyOne(join(folder, "drone")));
  assert.deepEqual([hub.joins, hub.said.length, hub.instances.size], [1, 0, 0]);
  assert.deepEqual(
    [given["COMMIT"], given["RELEASE"], given["GREETING"], given["DRONE_ID"]],
    [sha, "7", config.GREETING, "one"],
  );

  // The hub that comes back finds it as it is.
  await hub.start();
  const after = await inPhase(hub, sha, "ready");
  assert.equal(after.process, given["PROCESS_ID"]);
  assert.equal(after.pid, Number(given["PID"]));
  await next.stop();
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
  const folders = [one, two].map(({ dataFolder }) => dataFolder.slice(folder.length));
  // Before their folder is taken away.
  await Promise.all([one.stop(), two.stop()]);
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
  hub.assign({ repo: "webapp", commit: sha });
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

/** What the one instance of a drone answers, by what is noted of it: its environment. */
async function askOnlyOne(folder: string): Promise<Record<string, string> | undefined> {
  const [process] = await readdir(join(folder, "run"));
  if (process === undefined) return undefined;
  // Its folder is there a moment before what is in it.
  const path = join(folder, "run", process, "note.json");
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const { note } = JSON.parse(text) as { readonly note: InstanceNote };
  const answer = await fetch(`http://127.0.0.1:${note.ports["port"]}`).catch(() => undefined);
  return answer?.json() as Promise<Record<string, string>> | undefined;
}

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
