/** Parts of parts: a relay hands on to one behind it, with real processes, also while there is no hub. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Cluster, freePort, PartPlaces, type DaemonProcess } from "@propagit/test-support";

const yaml = `
targets:
  mytarget: { dc1-head: { forward: all } }
  slow: { dc1-head: { forward: slow } }
relays:
  dc1-head:
    all: { dc1-web: now, dc2-head: { forward: all, after: 3s } }
    slow: { dc2-head: { forward: slow } }
  dc2-head:
    all: { dc2-web1: now, dc2-web2: 3s }
    slow: { dc2-web1: now, dc2-web2: 10m }
`;
const everybody = ["dc1-head", "dc1-web", "dc2-head", "dc2-web1", "dc2-web2"];
/** A relay tries again after a minute what it found away for half of one. */
const triedAgainMs = 150_000;

//     hub === dc1-head --- dc1-web
//                \=== dc2-head --- dc2-web1, dc2-web2
describe("a part of a plan on a relay behind a relay", () => {
  let cluster: Cluster;
  let places: PartPlaces;
  let hub: DaemonProcess;
  let outer: number;
  let inner: number;
  let deep: DaemonProcess;
  let webs: readonly DaemonProcess[] = [];

  before(async () => {
    cluster = await Cluster.create();
    places = new PartPlaces(cluster);
    hub = await cluster.startHub({ ownRegistry: true });
    [outer, inner] = [await freePort(), await freePort()];
    const head = await places.startRelay("dc1-head", { zone: "b", port: outer });
    await head.said(/connected to the hub/);
    deep = await startDeep();
    await deep.said(/connected to the hub/);
    await places.startDrone("dc1-web", outer);
    webs = [await places.startDrone("dc2-web1", inner), await places.startDrone("dc2-web2", inner)];
    await places.writeTargets(yaml);
  });

  after(async () => {
    // What stands still hears no signal to end.
    for (const web of webs) web.kill("SIGCONT");
    await cluster.destroy();
  });

  const startDeep = () => places.startRelay("dc2-head", { zone: "c", port: inner, hub: outer });
  const partOn = async (run: string, relay: string) =>
    (await places.partsOf(run)).find((part) => part.relay === relay);

  it("arrives everywhere without the hub, and all of it is told afterwards", async () => {
    const folder = (await places.source("folder", { "index.html": "one" })).slice(0, -1);
    const file = join(cluster.folder, "file");
    await writeFile(file, "beside");
    const run = await places.pushOver(folder, file, "mytarget:~/");
    // What a drone has not got by then it cannot get without a hub.
    await deep.said(/files \w+ are here, for when relay dc1-head asks/);
    for (const web of webs) {
      await web.said(/files \w+ are here, for when relay dc2-head asks/);
      web.kill("SIGSTOP");
    }
    await places.untilOn("dc1-web", "file", "beside");
    hub.kill("SIGKILL");
    await hub.stop();
    for (const web of webs) web.kill("SIGCONT");
    for (const drone of everybody) {
      await places.untilOn(drone, "folder/index.html", "one", triedAgainMs);
      await places.untilOn(drone, "file", "beside");
    }
    hub = await cluster.startHub({ ownRegistry: true });
    await places.untilOver(run);
    const { outcome, counts } = await places.statusOf(run);
    assert.deepEqual([outcome, counts.failed], ["done", 0], cluster.output);
    for (const relay of ["dc1-head", "dc2-head"]) {
      const part = await partOn(run, relay);
      assert.deepEqual([part?.plan.outcome, part?.plan.counts.failed], ["done", 0], relay);
    }
    const log = (await cluster.propagit("plans", "status", run, "--events")).stdout;
    assert.match(log, /^.*\[\*\] starting plan: files to mytarget:/, log);
    for (const line of [
      /\[put-files +\] \[dc1-web by dc1-head\] (?:done|unchanged)/,
      /\[delegate +\] \[dc2-head by dc1-head\] done/,
      /\[dc2-head\] starting stage: each at its time/,
      /\[put-files +\] \[dc2-web1 by dc2-head\] (?:done|unchanged)/,
      /\[put-files +\] \[dc2-web2 by dc2-head\] (?:done|unchanged)/,
      /\[\*\] finished plan: files to mytarget:.*$/,
    ]) {
      assert.match(log, line, log);
    }
  });

  it("hears that it is to stop, also when it was away as that was asked", async () => {
    const pushSlow = async (name: string) => {
      const source = await places.source(name, { "index.html": name });
      const run = await places.pushOver(source, `slow:~/${name}`);
      await places.untilOn("dc2-web1", join(name, "index.html"), name);
      return run;
    };
    const stopped = async (run: string, name: string) => {
      await places.untilOver(run);
      assert.equal((await places.statusOf(run)).outcome, "stopped");
      const part = await partOn(run, "dc2-head");
      assert.deepEqual([part?.plan.outcome, part?.plan.counts.neverRun], ["stopped", 1]);
      assert.equal(await places.textOn("dc2-web2", join(name, "index.html")), undefined);
    };
    const run = await pushSlow("there");
    assert.equal((await cluster.propagit("plans", "stop", run)).exitCode, 0);
    await stopped(run, "there");

    const later = await pushSlow("away");
    deep.kill("SIGKILL");
    await deep.stop();
    assert.equal((await cluster.propagit("plans", "stop", later)).exitCode, 0);
    assert.equal((await places.statusOf(later)).state, "stopping");
    deep = await startDeep();
    await stopped(later, "away");
  });
});
