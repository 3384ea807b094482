/** Which drones run what: by label, in total or on each; what happens when one goes, and comes back. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { exitCodes } from "@propagit/protocol";
import {
  closeConnections,
  Cluster,
  type DaemonProcess,
  instancesOf,
  readyInstances,
  until,
  WorkTree,
} from "@propagit/test-support";

const manifest = `services:
  web:
    command: node web.mjs
    instances: 1
    on: role=web
  total:
    command: node web.mjs
    instances: { total: 3 }
    port: none
`;

describe("placement", () => {
  let cluster: Cluster;
  let tree: WorkTree;
  const drones = new Map<string, DaemonProcess>();

  before(async () => {
    cluster = await Cluster.create();
    await cluster.startHub({ ownRegistry: true, flags: ["--drone-timeout=2"] });
    for (const [name, role] of [
      ["a", "web"],
      ["b", "web"],
      ["c", "db"],
    ] as const) {
      drones.set(name, await startDrone(name, role));
    }
    tree = await WorkTree.create(join(cluster.folder, "app"));
    await tree.write(
      "web.mjs",
      "setInterval(() => {}, 1000); await import('node:http').then((http) => http.createServer((_, response) => response.end('here')).listen(process.env.PORT ?? 0));",
    );
    await tree.write("propagit.yaml", manifest);
    await tree.commit("app");
    await tree.git("push", "--quiet", `http://localhost:${cluster.ports.hub}/app`, "master");
  });

  after(async () => {
    closeConnections();
    await cluster.destroy();
  });

  const startDrone = (name: string, role: string) =>
    cluster.startDrone(
      [],
      [`--name=${name}`, `--label=role=${role}`, `--data=${join(cluster.folder, name)}`],
    );
  /** Drones of a service's instances, in order. */
  const placesOf = async (service: string) =>
    (await readyInstances(cluster))
      .filter(({ report }) => report.service === service)
      .map(({ drone }) => drone)
      .sort();

  it("follows labels and counts", async () => {
    const { exitCode, stderr } = await cluster.propagit("deploy", "app", "master");
    assert.equal(exitCode, 0, stderr + cluster.output);
    assert.deepEqual(await placesOf("web"), ["a", "b"]);
    assert.deepEqual(await placesOf("total"), ["a", "b", "c"]);
  });

  it("moves what counts in total when a drone is gone, and never runs more than that", async () => {
    const gone = drones.get("c");
    gone?.kill("SIGKILL");
    await gone?.exited;
    await until("the others to take over", async () => {
      const places = await placesOf("total");
      assert.ok(places.length <= 3, places.join());
      return places.length === 3 && !places.includes("c");
    });
    assert.deepEqual(await placesOf("web"), ["a", "b"]);
  });

  it("is calm when the drone comes back: what it was left with ends, nothing else moves", async () => {
    const before = (await readyInstances(cluster)).map(({ report }) => report.process).sort();
    drones.set("c", await startDrone("c", "db"));
    await until("the drone's leftover to end", async () => {
      const onC = (await instancesOf(cluster)).filter(({ drone }) => drone === "c");
      return onC.length === 0;
    });
    const after = (await readyInstances(cluster)).map(({ report }) => report.process).sort();
    assert.deepEqual(after, before);
  });

  it("scales without restarting what runs", async () => {
    const before = (await readyInstances(cluster)).map(({ report }) => report.process);
    const { exitCode, stderr } = await cluster.propagit("scale", "app", "total=5");
    assert.equal(exitCode, 0, stderr + cluster.output);
    assert.equal((await placesOf("total")).length, 5);
    const after = (await readyInstances(cluster)).map(({ report }) => report.process);
    assert.ok(before.every((process) => after.includes(process)));
    await cluster.propagit("scale", "app", "total=-");
    await until("three again", async () => (await placesOf("total")).length === 3);
  });

  it("drains a drone: nothing of it is left, what counts in total moves, and it may come back", async () => {
    const { exitCode, stderr } = await cluster.propagit("drone", "drain", "a");
    assert.equal(exitCode, 0, stderr + cluster.output);
    await until("the drone to be empty", async () => {
      const onA = (await instancesOf(cluster)).filter(({ drone }) => drone === "a");
      return onA.length === 0;
    });
    await until("three elsewhere", async () => (await placesOf("total")).length === 3);
    assert.deepEqual(await placesOf("web"), ["b"]);
    await cluster.propagit("drone", "undrain", "a");
    await until("web on both again", async () => (await placesOf("web")).join() === "a,b");
  });

  it("follows labels that are changed while it runs", async () => {
    await cluster.propagit("drone", "label", "c", "role=web");
    await until("web on all three", async () => (await placesOf("web")).join() === "a,b,c");
    await cluster.propagit("drone", "label", "c", "role=db");
    await until("web on two", async () => (await placesOf("web")).join() === "a,b");
  });

  it("says which selector no drone fits, before anything starts", async () => {
    await tree.write("propagit.yaml", manifest.replace("role=web", "role=nobody"));
    const commit = await tree.commit("nowhere");
    await tree.git("push", "--quiet", `http://localhost:${cluster.ports.hub}/app`, "master");
    const { exitCode, stderr } = await cluster.propagit("deploy", "app", commit);
    assert.equal(exitCode, exitCodes.notFound, stderr);
    assert.match(stderr, /role=nobody/);
  });
});
