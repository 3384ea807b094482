import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { exitsAtOnce, neverListens, stubborn, webApp, worker } from "../support/apps.js";
import { inPhase, isAlive, openBench } from "../support/bench.js";
import { until } from "../support/until.js";

test("says at once that a command does not exist, and outlives it", async (t) => {
  const { hub, drone, commit } = await openBench(t);
  const sha = await commit("webapp", { "web.js": webApp });
  await drone({ command: ["no-such-command"] });
  hub.assign({ repo: "webapp", commit: sha });

  const { reason, restarts } = await inPhase(hub, sha, "failed");

  assert.equal(reason, "command not found: no-such-command");
  assert.equal(restarts, 0);
});

test("says that a command is not executable, or lacks its interpreter", async (t) => {
  const { hub, drone, commit, folder } = await openBench(t);
  const sha = await commit("webapp", {
    "bin/plain": "just text\n",
    "bin/lost": "#!/no/such/interpreter\n",
  });
  await drone({ command: ["./bin/plain"] });
  hub.assign({ repo: "webapp", commit: sha });
  const plain = await inPhase(hub, sha, "failed");
  assert.equal(plain.reason, "./bin/plain cannot be run: it is not executable");

  const other = await openBench(t);
  await other.drone({ command: ["./bin/lost"], dataFolder: `${folder}/other` });
  const lost = await other.commit("webapp", { "bin/lost": "#!/no/such/interpreter\n" });
  other.hub.assign({ repo: "webapp", commit: lost });
  assert.equal(
    (await inPhase(other.hub, lost, "failed")).reason,
    "./bin/lost cannot be run: the interpreter in its first line is missing",
  );
});

test("finds programs of the checkout's node_modules", async (t) => {
  const { hub, drone, commit } = await openBench(t);
  const program = `#!/usr/bin/env node\n${webApp}`;
  const sha = await commit("webapp", { "node_modules/.bin/serve": program });
  await drone({ command: ["serve"] });
  hub.assign({ repo: "webapp", commit: sha });
  assert.deepEqual((await inPhase(hub, sha, "ready")).services, ["serve"]);
});

test("fails a program that exits three times before it was ready, with its last lines", async (t) => {
  const { hub, drone, commit } = await openBench(t);
  const sha = await commit("webapp", { "web.js": exitsAtOnce });
  await drone();
  hub.assign({ repo: "webapp", commit: sha });

  const { reason, lastLines, restarts } = await inPhase(hub, sha, "failed");

  assert.equal(reason, "exited with code 3, 3 times in a row before it was ready");
  assert.deepEqual(lastLines, ["reading config", "no such file: config.json"]);
  assert.equal(restarts, 2);
});

test("tries what failed again at once when somebody deploys again", async (t) => {
  const { hub, drone, commit } = await openBench(t);
  const sha = await commit("webapp", { "web.js": exitsAtOnce });
  await drone();
  hub.assign({ repo: "webapp", commit: sha });
  await inPhase(hub, sha, "failed");
  const before = hub.said.length;

  hub.assign({ repo: "webapp", commit: sha });

  await until("failed again", () => {
    const phases = hub.said.slice(before).map(({ instance }) => instance.phase);
    return phases[0] === "starting" && phases.at(-1) === "failed";
  });
});

test("fails a program that never listens, lets it live, and takes it when it listens later", async (t) => {
  const { hub, drone, commit } = await openBench(t);
  const late = `process.once("SIGUSR2", () => {\n${webApp}\n}); console.log("warming up"); setInterval(() => {}, 1000);`;
  const sha = await commit("webapp", { "web.js": late });
  await drone({ readyTimeoutMs: 3_000 });
  hub.assign({ repo: "webapp", commit: sha });

  const failed = await inPhase(hub, sha, "failed");
  assert.match(
    failed.reason ?? "",
    /^did not listen on port \d+ within 3 s; is it a worker\? start the drone with --worker, or give its service "port: none"$/,
  );
  assert.deepEqual(failed.lastLines, ["warming up"]);
  process.kill(failed.pid ?? 0, "SIGUSR2");

  const ready = await inPhase(hub, sha, "ready");
  assert.equal(ready.pid, failed.pid);
});

test("takes a worker as ready when it has lived for a second", async (t) => {
  const { hub, drone, commit } = await openBench(t);
  const sha = await commit("webapp", { "work.js": worker });
  await drone({ command: ["node", "work.js"], worker: true });
  hub.assign({ repo: "webapp", commit: sha });

  const { port, services } = await inPhase(hub, sha, "ready");

  assert.equal(port, undefined);
  assert.deepEqual(services, []);
  assert.deepEqual(hub.endpoints, []);
});

test("restarts what crashed, on the same port, with the same environment, registered again", async (t) => {
  const { hub, drone, commit } = await openBench(t);
  const sha = await commit("webapp", {
    "web.js": `${webApp}\nprocess.on("SIGUSR2", () => process.exit(7));`,
  });
  await drone();
  hub.assign({ repo: "webapp", commit: sha });
  const first = await inPhase(hub, sha, "ready");

  process.kill(first.pid ?? 0, "SIGUSR2");
  const resting = await inPhase(hub, sha, "restarting");
  assert.equal(resting.reason, "exited with code 7");
  assert.deepEqual(resting.services, []);
  assert.deepEqual(resting.lastLines, ["starting"]);
  const second = await inPhase(hub, sha, "ready");

  assert.notEqual(second.pid, first.pid);
  assert.equal(second.port, first.port);
  assert.equal(second.process, first.process);
  assert.equal(second.restarts, 1);
  const answer = await fetch(`http://127.0.0.1:${second.port}`);
  const env = (await answer.json()) as Record<string, string>;
  assert.equal(env["PROCESS_ID"], first.process);
  assert.equal(hub.endpoints.length, 1);
});

test("kills the whole group of a program that ignores SIGTERM, as does its child", async (t) => {
  const { hub, drone, commit } = await openBench(t);
  const sha = await commit("webapp", { "web.js": stubborn });
  const running = await drone({ stopTimeoutMs: 300 });
  hub.assign({ repo: "webapp", commit: sha });
  const { pid, port } = await inPhase(hub, sha, "ready");
  const child = Number(await (await fetch(`http://127.0.0.1:${port}`)).text());
  assert.ok(await isAlive(child));

  await running.stop();

  assert.deepEqual([await isAlive(child), await isAlive(pid)], [false, false]);
});

test("ends children that outlive a crashed leader before it starts again", async (t) => {
  const { hub, drone, commit } = await openBench(t);
  const sha = await commit("webapp", {
    "web.js": `${stubborn}\nif (process.argv[2] !== "child") process.on("SIGUSR2", () => process.exit(1));`,
  });
  await drone({ stopTimeoutMs: 300 });
  hub.assign({ repo: "webapp", commit: sha });
  const first = await inPhase(hub, sha, "ready");
  const child = Number(await (await fetch(`http://127.0.0.1:${first.port}`)).text());

  process.kill(first.pid ?? 0, "SIGUSR2");
  await inPhase(hub, sha, "restarting");
  assert.ok(!(await isAlive(child)));
  assert.equal((await inPhase(hub, sha, "ready")).restarts, 1);
});

test("keeps to its range of ports, and says when it is full", async (t) => {
  const { hub, drone, commit } = await openBench(t);
  const one = await commit("webapp", { "web.js": webApp });
  const two = await commit("webapp", { "web.js": `${webApp}//` });
  const low = 20_000 + Math.floor(Math.random() * 10_000);
  await drone({ portRange: { low, high: low } });
  hub.assign({ repo: "webapp", commit: one });
  assert.equal((await inPhase(hub, one, "ready")).port, low);

  hub.assign({ repo: "webapp", commit: one }, { repo: "webapp", commit: two });

  const { reason } = await inPhase(hub, two, "failed");
  assert.equal(reason, `no port from ${low} to ${low} is free`);
  assert.equal((await inPhase(hub, one, "ready")).port, low);
});

test("cuts the output of a program that writes without end, and lets it write on", async (t) => {
  const { hub, drone, commit, folder } = await openBench(t);
  const sha = await commit("webapp", {
    "web.js": `${webApp}\nsetInterval(() => console.log("x".repeat(1000)), 2);`,
  });
  await drone({ logBytesMax: 20_000 });
  hub.assign({ repo: "webapp", commit: sha });
  const { pid, process: id } = await inPhase(hub, sha, "ready");
  const log = join(folder, "drone", "logs", "webapp", "production", `web.1-${id}.log`);
  const size = async (path: string) => (await stat(path).catch(() => undefined))?.size ?? 0;

  await until("a part before", async () => (await size(`${log}.1`)) > 0);
  await until("a cut after it has grown anew", async () => {
    const before = await size(log);
    return before > 0 && until("the next look", async () => (await size(log)) < before);
  });

  // Half of the bound, and at most as much again that it wrote while it was copied.
  assert.ok((await size(`${log}.1`)) <= 20_000);
  assert.ok(await isAlive(pid));
});

test("fails with neither listening nor announcing within its time, though neither ends", async (t) => {
  const { hub, drone, commit } = await openBench(t);
  const sha = await commit("webapp", { "web.js": neverListens });
  const running = await drone({ readyTimeoutMs: 200 });
  hub.assign({ repo: "webapp", commit: sha });
  const { pid } = await inPhase(hub, sha, "failed");
  await running.stop();
  assert.ok(!(await isAlive(pid)));
});
