/**
 * The drone is killed with -9 in every step of a deploy and while it serves: what runs goes on answering,
 * under the same pid and port, and the next life of the drone takes it over.
 */
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import {
  closeConnections,
  Cluster,
  type DaemonProcess,
  type Gate,
  GatedApp,
  get,
  instancesOf,
  processesIn,
  readyInstances,
  until,
  untilRelease,
  WorkTree,
} from "@propagit/test-support";

describe("a drone", () => {
  let cluster: Cluster;
  let registry: DaemonProcess;
  let drone: DaemonProcess;
  let tree: WorkTree;
  let app: GatedApp;

  beforeEach(async () => {
    cluster = await Cluster.create();
    registry = await cluster.startRegistry();
    await cluster.startHub();
    drone = await startDrone();
    await cluster.startProxy();
    tree = await WorkTree.create(join(cluster.folder, "webapp"));
    app = new GatedApp({ folder: cluster.folder, tree });
    await app.open("build", "test", "release", "start");
  });

  afterEach(async () => {
    closeConnections();
    await cluster.destroy();
  });

  const data = () => join(cluster.folder, "a");
  const startDrone = (...flags: string[]) =>
    cluster.startDrone([], ["--name=a", `--data=${data()}`, ...flags]);
  const visit = async () => (await get(cluster.ports.proxy, { host: "webapp.localhost" })).body;
  const release = (greeting: string) =>
    app.push(greeting, `http://localhost:${cluster.ports.hub}/webapp`);
  const deploy = async (greeting: string) => {
    const commit = await release(greeting);
    const { exitCode, stderr } = await cluster.propagit("deploy", "webapp", commit);
    assert.equal(exitCode, 0, stderr + cluster.output);
    await until(`${greeting} to be live`, async () => (await visit()) === greeting);
  };
  const killDrone = async () => {
    drone.kill("SIGKILL");
    await drone.exited;
  };
  const only = async () => {
    const instances = await readyInstances(cluster);
    assert.equal(instances.length, 1, JSON.stringify(instances) + cluster.output);
    return instances[0]?.report;
  };

  it("that is killed while it serves leaves its instances answering, and adopts them", async () => {
    await deploy("one");
    const before = await only();
    await killDrone();
    assert.equal(await visit(), "one");
    drone = await startDrone();
    await until("it to report", async () => (await readyInstances(cluster)).length === 1);
    const after = await only();
    assert.deepEqual(
      [after?.process, after?.pid, after?.port, after?.restarts],
      [before?.process, before?.pid, before?.port, 0],
    );
    assert.equal(await visit(), "one");
  });

  it("that is killed keeps nobody waiting: no request fails through death and rebirth", async () => {
    await deploy("one");
    let failed = 0;
    let asked = 0;
    const done = new AbortController();
    const asking = (async () => {
      while (!done.signal.aborted) {
        asked++;
        if ((await visit().catch(() => "")) !== "one") failed++;
      }
    })();
    for (let round = 0; round < 3; round++) {
      await killDrone();
      drone = await startDrone();
      await until("it to be back", async () => (await readyInstances(cluster)).length === 1);
    }
    done.abort();
    await asking;
    assert.ok(asked > 20, `${asked} requests`);
    assert.equal(failed, 0, `${failed} of ${asked} requests failed`);
  });

  it("that ends in order leaves its instances running too; the next life ends them when asked", async () => {
    await deploy("one");
    const before = await only();
    await drone.stop();
    assert.equal(await visit(), "one");
    drone = await startDrone();
    await until("it to report", async () => (await readyInstances(cluster)).length === 1);
    assert.equal((await only())?.pid, before?.pid);
    await drone.stop("SIGINT");
    const left = (await processesIn(data())).length;
    assert.equal(left, 0, "a drone that is interrupted ends its instances");
  });

  it("that is told otherwise by --on-exit leaves its instances at ^C, and ends them at SIGTERM", async () => {
    await deploy("one");
    const before = await only();
    await drone.stop();
    drone = await startDrone("--on-exit=keep");
    await until("it to report", async () => (await readyInstances(cluster)).length === 1);
    await drone.stop("SIGINT");
    assert.equal(await visit(), "one");
    drone = await startDrone("--on-exit=stop");
    await until("it to report", async () => (await readyInstances(cluster)).length === 1);
    assert.equal((await only())?.pid, before?.pid);
    await drone.stop();
    assert.equal((await processesIn(data())).length, 0);
  });

  it("notices what ended while it was away, and starts it again", async () => {
    await deploy("one");
    const before = await only();
    await killDrone();
    process.kill(before?.pid ?? 0, "SIGKILL");
    drone = await startDrone();
    await until("a new process", async () => {
      const [instance] = await readyInstances(cluster);
      return instance !== undefined && instance.report.pid !== before?.pid;
    });
    const after = await only();
    assert.deepEqual([after?.process, after?.port], [before?.process, before?.port]);
  });

  it("ends what nobody wants any more when it comes back", async () => {
    await deploy("one");
    const [commit = ""] = (await tree.git("rev-parse", "HEAD")).split("\n");
    await killDrone();
    // The hub gives up on the drone at its time limit; the stop is wanted from now on all the same.
    const stopping = cluster.propagit("stop", "webapp", commit, "--force");
    drone = await startDrone();
    await stopping;
    await until("nothing of it to be left", async () => {
      const folders = await readdir(join(data(), "run")).catch(() => []);
      return folders.length === 0 && (await instancesOf(cluster)).length === 0;
    });
  });

  for (const gate of ["build", "test", "start"] as const satisfies readonly Gate[]) {
    it(`that is killed during ${gate} comes back, and the deploy ends well`, async () => {
      await deploy("one");
      await app.close(gate);
      const commit = await release("two");
      await cluster.propagit("deploy", "webapp", commit, "--detach");
      await app.began(gate, 2);
      await killDrone();
      assert.equal(await visit(), "one");
      drone = await startDrone();
      await app.open(gate);
      const ended = await untilRelease(cluster, "webapp", 2, ({ state }) => state !== "deploying");
      assert.equal(ended.state, "ready", `${ended.reason ?? ""}\n${cluster.output}`);
      await until("visitors to get it", async () => (await visit()) === "two");
    });
  }

  it("that is killed during the release command never runs it a second time by itself", async () => {
    await deploy("one");
    await app.close("release");
    const commit = await release("two");
    await cluster.propagit("deploy", "webapp", commit, "--detach");
    await app.began("release", 2);
    await killDrone();
    drone = await startDrone();
    await app.open("release");
    const ended = await untilRelease(cluster, "webapp", 2, ({ state }) => state !== "deploying");
    assert.equal(await app.countOf("release"), 2, ended.reason);
    // Either it was seen to its end, or it is said that nobody knows how it went.
    if (ended.state !== "ready") {
      assert.match(ended.reason ?? "", /interrupted/);
      assert.equal(await visit(), "one");
    }
  });

  it("that is killed at any moment of fetch and checkout is whole again afterwards", async () => {
    for (let index = 0; index < 400; index++) {
      await tree.write(`file-${index}.txt`, `${index}\n`.repeat(2_000));
    }
    const commit = await release("one");
    for (const afterMs of [0, 150, 300, 450, 600]) {
      await cluster.propagit("deploy", "webapp", commit, "--detach");
      await new Promise((resolve) => {
        setTimeout(resolve, afterMs);
      });
      await killDrone();
      drone = await startDrone();
    }
    await until("it to be live", async () => (await visit()) === "one");
    const report = await only();
    const about = JSON.parse((await get(report?.port ?? 0, { path: "/about" })).body) as {
      folder: string;
    };
    const text = await readFile(join(about.folder, "file-399.txt"), "utf8");
    assert.equal(text, "399\n".repeat(2_000));
  });

  it("outlives the registry: killed and started again, it knows everything within seconds", async () => {
    await deploy("one");
    registry.kill("SIGKILL");
    await registry.exited;
    assert.equal(await visit(), "one");
    registry = await cluster.startRegistry();
    await until("the record", async () => {
      const { stdout } = await cluster.registry("show", cluster.registryAddress);
      return stdout.includes('"web"');
    });
    assert.equal(await visit(), "one");
  });
});
