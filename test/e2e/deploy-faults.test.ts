/** What comes between a deploy and its end: a drone that cannot be reached, the same wish twice, a clock that jumps. */
import assert from "node:assert/strict";
import { readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { RolloutResult } from "@propagit/protocol";
import {
  closeConnections,
  Cluster,
  type DaemonProcess,
  GatedApp,
  get,
  readyInstances,
  releasesOf,
  until,
  untilRelease,
  WorkTree,
} from "@propagit/test-support";

describe("a deploy", () => {
  let cluster: Cluster;
  let tree: WorkTree;
  let app: GatedApp;
  const drones = new Map<string, DaemonProcess>();

  beforeEach(async () => {
    cluster = await Cluster.create();
    tree = await WorkTree.create(join(cluster.folder, "webapp"));
    app = new GatedApp({ folder: cluster.folder, tree, steps: ["release", "start"] });
    await app.open("release", "start");
  });

  afterEach(async () => {
    closeConnections();
    await cluster.destroy();
  });

  const start = async (hubEnv: Readonly<Record<string, string>> = {}) => {
    await cluster.startHub({ ownRegistry: true, flags: ["--drone-timeout=3"], env: hubEnv });
    for (const name of ["a", "b"]) {
      const flags = [`--name=${name}`, `--data=${join(cluster.folder, name)}`];
      drones.set(name, await cluster.startDrone([], flags));
    }
    await cluster.startProxy();
  };
  const release = (greeting: string) =>
    app.push(greeting, `http://localhost:${cluster.ports.hub}/webapp`);
  const deploy = async (commit: string): Promise<RolloutResult> => {
    const { exitCode, stdout, stderr } = await cluster.propagit(
      "deploy",
      "webapp",
      commit,
      "--json",
    );
    assert.equal(exitCode, 0, stderr + cluster.output);
    return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as RolloutResult;
  };
  const placesOf = async (commit: string) =>
    (await readyInstances(cluster))
      .filter(({ report }) => report.commit === commit)
      .map(({ drone }) => drone)
      .sort();
  const visit = async () => (await get(cluster.ports.proxy, { host: "webapp.localhost" })).body;

  it("goes on without a drone that cannot be reached, which catches up when it is back", async () => {
    await start();
    await deploy(await release("one"));
    await app.close("start");
    const commit = await release("two");
    await cluster.propagit("deploy", "webapp", commit, "--detach");
    await app.began("start", 4);
    // It is there and says nothing, as behind a line that swallows everything.
    drones.get("b")?.kill("SIGSTOP");
    await app.open("start");
    const ended = await untilRelease(cluster, "webapp", 2, ({ state }) => state !== "deploying");
    assert.equal(ended.state, "ready", `${ended.reason ?? ""}\n${cluster.output}`);
    await until("visitors to get it", async () => (await visit()) === "two");
    drones.get("b")?.kill("SIGCONT");
    await until("it to catch up", async () => (await placesOf(commit)).join() === "a,b");
  });

  it("that is sent twice at once is one release, and runs once", async () => {
    await start();
    const commit = await release("one");
    const results = await Promise.all([deploy(commit), deploy(commit), deploy(commit)]);
    assert.deepEqual(new Set(results.map((result) => result.release)), new Set([1]));
    assert.deepEqual(
      results.map(({ outcome }) => outcome === "ready" || outcome === "unchanged"),
      [true, true, true],
    );
    assert.equal((await releasesOf(cluster, "webapp")).length, 1);
    assert.equal(await app.countOf("release"), 1);
    assert.deepEqual(await placesOf(commit), ["a", "b"]);
  });

  it("and everything that runs outlive a clock that jumps by a day, both ways", async (test) => {
    const library = await findFaketime();
    if (library === undefined) return test.skip("libfaketime is not there");
    const clock = join(cluster.folder, "clock");
    await writeFile(clock, "+0");
    await start({
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: clock,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    });
    await deploy(await release("one"));
    const before = (await readyInstances(cluster)).map(({ report }) => report.process).sort();
    for (const [jump, greeting] of [
      ["+1d", "two"],
      ["-1d", "three"],
    ] as const) {
      await writeFile(clock, jump);
      const commit = await release(greeting);
      await deploy(commit);
      await until(`${greeting} to be live`, async () => (await visit()) === greeting);
      assert.deepEqual(await placesOf(commit), ["a", "b"]);
    }
    const after = (await readyInstances(cluster)).map(({ report }) => report.process);
    const lost = before.filter((process) => !after.includes(process));
    // Retention may stop what has had no visitors for a day; what is next for a rollback stays.
    assert.ok(lost.length === 0 || lost.length === before.length, lost.join());
    assert.ok((await visit()) === "three");
    return undefined;
  });
});

async function findFaketime(): Promise<string | undefined> {
  for (const folder of await readdir("/usr/lib")) {
    const path = join("/usr/lib", folder, "faketime/libfaketime.so.1");
    if (await stat(path).catch(() => undefined)) return path;
  }
  return undefined;
}
