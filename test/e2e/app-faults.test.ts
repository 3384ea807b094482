/** Applications that misbehave: none of them takes the drone with it, and nothing of them is left. */
import assert from "node:assert/strict";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import {
  closeConnections,
  Cluster,
  type DaemonProcess,
  get,
  instancesOf,
  processesIn,
  readyInstances,
  until,
  WorkTree,
} from "@propagit/test-support";

const listen =
  "import { createServer } from 'node:http';\n" +
  "const server = createServer((_, response) => response.end('here')).listen(process.env.PORT);\n";
const spawn = "import { spawn } from 'node:child_process';\n";

describe("an application", () => {
  let cluster: Cluster;
  let drone: DaemonProcess;
  let tree: WorkTree;

  before(async () => {
    cluster = await Cluster.create();
    await cluster.startHub({ ownRegistry: true });
    drone = await cluster.startDrone([], ["--name=a", `--data=${data()}`]);
    tree = await WorkTree.create(join(cluster.folder, "app"));
  });

  after(async () => {
    closeConnections();
    await cluster.destroy();
  });

  afterEach(async () => {
    assert.equal(drone.isOver, false, drone.output);
    for (const { report } of await instancesOf(cluster)) {
      await cluster.propagit("stop", report.repo, report.commit, "--force");
    }
    await until("nothing to be left of it", async () => (await processesIn(data())).length === 0);
  });

  const data = () => join(cluster.folder, "a");
  const logs = (...args: readonly string[]) => cluster.propagit("logs", "app", ...args);
  const deploy = async (script: string, service: readonly string[] = []) => {
    await tree.write("app.mjs", script);
    const lines = ["services:", "  web:", "    command: [node, app.mjs]"];
    const more = service.map((line) => `    ${line}`);
    await tree.write("propagit.yaml", [...lines, ...more, ""].join("\n"));
    const commit = await tree.commit("app");
    await tree.git("push", "--quiet", `http://localhost:${cluster.ports.hub}/app`, "master");
    return cluster.propagit("deploy", "app", commit);
  };
  const only = async () => {
    const [instance] = await readyInstances(cluster);
    assert.ok(instance, cluster.output);
    return instance.report;
  };

  it("that ignores SIGTERM is ended after its deadline", async () => {
    const script = `${listen}process.on('SIGTERM', () => undefined);`;
    await deploy(script, ["stop: { signal: SIGTERM, deadline: 1s }"]);
    const { pid = 0, commit } = await only();
    const { exitCode } = await cluster.propagit("stop", "app", commit, "--force");
    assert.equal(exitCode, 0, cluster.output);
    assert.equal(await isRunning(pid), false);
  });

  it("that has children leaves none of them behind", async () => {
    const child = "spawn('sleep', ['1000'], { stdio: 'ignore' });\n";
    const escaped = "spawn('sleep', ['1001'], { stdio: 'ignore', detached: true }).unref();\n";
    await deploy(`${spawn}${listen}${child}${escaped}`);
    await until("its children", async () => (await sleepers()).length >= 2);
    const { commit } = await only();
    await cluster.propagit("stop", "app", commit, "--force");
    await until("them to be gone", async () => (await sleepers()).length === 0);
  });

  it("whose child is killed is none the wiser; killed itself, it is started again", async () => {
    await deploy(`${spawn}${listen}spawn('sleep', ['1000'], { stdio: 'ignore' });\n`);
    await until("its child", async () => (await sleepers()).length === 1);
    const before = await only();
    for (const pid of await sleepers()) process.kill(pid, "SIGKILL");
    assert.equal((await get(before.port ?? 0)).body, "here");
    assert.equal((await only()).pid, before.pid);
    process.kill(before.pid ?? 0, "SIGKILL");
    await until("another process", async () => {
      const [instance] = await readyInstances(cluster);
      return instance !== undefined && instance.report.pid !== before.pid;
    });
    const after = await only();
    assert.deepEqual([after.port, after.restarts], [before.port, 1]);
    assert.equal((await get(after.port ?? 0)).body, "here");
  });

  it("that closes its output goes on", async () => {
    await deploy(`${listen}import { closeSync } from 'node:fs';\ncloseSync(1); closeSync(2);`);
    assert.equal((await get((await only()).port ?? 0)).body, "here");
  });

  it("that prints 100 MB in a second fills no disk and no memory", async () => {
    const script = `${listen}import { writeSync } from 'node:fs';
const line = 'x'.repeat(1000) + '\\n';
for (let index = 0; index < 100_000; index++) writeSync(1, line);
writeSync(1, 'the last line\\n');`;
    const { exitCode, stderr } = await deploy(script);
    assert.equal(exitCode, 0, stderr + cluster.output);
    await until("its end in the log", async () => (await logs()).stdout.includes("the last line"));
    await until("the log to be cut", async () => (await sizeOf(join(data(), "logs"))) < 60e6);
    const status = await readFile(`/proc/${drone.pid}/status`, "utf8");
    const peakKib = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]);
    assert.ok(peakKib < 400_000, `the drone needed ${peakKib} KiB`);
  });

  it("that holds its port after its end gets another one, and is told from then on", async () => {
    const script = `${spawn}${listen}
const hold = "require('net').createServer().listen(" + process.env.PORT + "); setTimeout(() => process.exit(), 10_000)";
process.on('SIGUSR2', () => server.close(() => {
  const env = { ...process.env, PROCESS_ID: '' };
  spawn(process.execPath, ['-e', hold], { stdio: 'ignore', detached: true, env, cwd: '/' }).unref();
  setTimeout(() => process.exit(1), 500);
}));`;
    await deploy(script);
    const before = await only();
    process.kill(before.pid ?? 0, "SIGUSR2");
    await until("it to be back", async () => {
      const [instance] = await readyInstances(cluster);
      return instance !== undefined && instance.report.pid !== before.pid;
    });
    const after = await only();
    assert.equal((await get(after.port ?? 0)).body, "here");
  });

  it("that crashes again and again is left stopped at last, and that is said", async () => {
    const script = "setTimeout(() => { console.log('no use'); process.exit(1); }, 100);";
    const restart = "restart: { policy: always, first: 0.1s, max: 0.2s, crashes: 4 }";
    const { exitCode, stdout, stderr } = await deploy(script, ["port: none", restart]);
    assert.equal(exitCode, 7, stdout + stderr);
    assert.match(stdout + stderr, /no use/);
  });

  it("that ends well under `restart: on-failure` is done", async () => {
    const script = "setTimeout(() => process.exit(0), 1500);";
    await deploy(script, ["port: none", "restart: on-failure"]);
    await until("it to be done", async () => {
      const instances = await instancesOf(cluster);
      return instances.every(({ report }) => report.phase !== "ready");
    });
  });
});

async function isRunning(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  return stat !== undefined;
}

/** `sleep 1000` and `sleep 1001`. */
async function sleepers(): Promise<readonly number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const lines = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")),
  );
  return pids.filter((_, index) => /^sleep\x00100[01]\x00$/.test(lines[index] ?? ""));
}

async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map((entry) =>
        stat(join(entry.parentPath, entry.name)).then(
          ({ size }) => size,
          () => 0,
        ),
      ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
