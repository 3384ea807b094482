/** The hub is killed with -9 in every phase of a deploy, and ends it as if nothing had happened. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { ReleaseSummary } from "@propagit/protocol";
import {
  closeConnections,
  Cluster,
  type DaemonProcess,
  type Gate,
  GatedApp,
  get,
  releasesOf,
  until,
  untilRelease,
  WorkTree,
} from "@propagit/test-support";

const phases: readonly (readonly [phase: ReleaseSummary["phase"], gate: Gate])[] = [
  ["building", "build"],
  ["testing", "test"],
  ["releasing", "release"],
  ["starting", "start"],
];

describe("a hub that is killed with -9", () => {
  let cluster: Cluster;
  let hub: DaemonProcess;
  let tree: WorkTree;
  let app: GatedApp;

  beforeEach(async () => {
    cluster = await Cluster.create();
    await cluster.startRegistry();
    hub = await cluster.startHub();
    await cluster.startDrone([], ["--name=a", `--data=${join(cluster.folder, "a")}`]);
    await cluster.startProxy();
    tree = await WorkTree.create(join(cluster.folder, "webapp"));
    app = new GatedApp({ folder: cluster.folder, tree });
    await app.open("build", "test", "release", "start");
    await release("one");
    await cluster.propagit("deploy", "webapp", "master");
    await until("the first release", async () => (await visit()) === "one");
  });

  afterEach(async () => {
    closeConnections();
    await cluster.destroy();
  });

  const release = (greeting: string) =>
    app.push(greeting, `http://localhost:${cluster.ports.hub}/webapp`);
  const visit = async () => (await get(cluster.ports.proxy, { host: "webapp.localhost" })).body;
  const restart = async () => {
    hub.kill("SIGKILL");
    await hub.exited;
    hub = await cluster.startHub();
  };

  for (const [phase, gate] of phases) {
    it(`while it is ${phase}, goes on with it, and each command ran once`, async () => {
      await app.close(gate);
      const commit = await release("two");
      await cluster.propagit("deploy", "webapp", commit, "--detach");
      await untilRelease(cluster, "webapp", 2, (one) => one.phase === phase);
      await app.began(gate, 2);
      await restart();
      assert.equal(await visit(), "one", "the old release answers all the time");
      await app.open(gate);
      const ended = await untilRelease(cluster, "webapp", 2, ({ state }) => state !== "deploying");
      assert.equal(ended.state, "ready", `${ended.reason ?? ""}\n${cluster.output}`);
      await until("visitors to get it", async () => (await visit()) === "two");
      for (const step of ["build", "test", "release"] as const) {
        assert.equal(await app.countOf(step), 2, `${step} ran once for each release`);
      }
    });
  }

  it("with releases in the queue, carries out all of them in their order", async () => {
    await app.close("build");
    for (const greeting of ["two", "three"]) {
      await cluster.propagit("deploy", "webapp", await release(greeting), "--detach");
    }
    await untilRelease(cluster, "webapp", 3, ({ phase }) => phase === "queued");
    await restart();
    await app.open("build");
    await untilRelease(cluster, "webapp", 3, ({ state }) => state === "ready");
    const [third, second] = await releasesOf(cluster, "webapp");
    assert.deepEqual([second?.state, third?.state, third?.current], ["ready", "ready", true]);
    await until("visitors to get the newest", async () => (await visit()) === "three");
  });

  it("again and again, loses and repeats nothing", async () => {
    const commit = await release("two");
    await app.close("start");
    await cluster.propagit("deploy", "webapp", commit, "--detach");
    for (let round = 0; round < 4; round++) await restart();
    await app.open("start");
    await untilRelease(cluster, "webapp", 2, ({ state }) => state === "ready");
    assert.deepEqual([await app.countOf("release"), await app.countOf("build")], [2, 2]);
    assert.equal((await releasesOf(cluster, "webapp")).length, 2);
  });
});
