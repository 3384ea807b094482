/** Parts of plans that a relay carries out, with real processes: also while there is no hub, and after kill -9. */
import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { FilesRow } from "@propagit/protocol";
import { Cluster, freePort, PartPlaces, until, type DaemonProcess } from "@propagit/test-support";

const yaml = `
targets:
  all: { dc1-head: now, dc2-head: { forward: all, after: 1s } }
  slow: { dc2-head: { forward: slow } }
relays:
  dc2-head:
    all: { dc2-web1: now, dc2-web2: 4s }
    slow: { dc2-web1: now, dc2-web2: 10m }
`;

describe("a part of a plan on a relay", () => {
  let cluster: Cluster;
  let places: PartPlaces;
  let hub: DaemonProcess;
  let relay: DaemonProcess;
  let web2: DaemonProcess;
  let port: number;

  before(async () => {
    cluster = await Cluster.create();
    places = new PartPlaces(cluster);
    hub = await cluster.startHub({ ownRegistry: true });
    port = await freePort();
    relay = await startRelay();
    await relay.said(/connected to the hub/);
    await places.startDrone("dc1-head");
    await places.startDrone("dc2-web1", port);
    web2 = await places.startDrone("dc2-web2", port);
    await places.writeTargets(yaml);
  });

  after(() => cluster.destroy());

  const startRelay = () => places.startRelay("dc2-head", { zone: "b", port });
  const push = async (target: string, name: string, text: string) => {
    const source = await places.source(name, { "index.html": text });
    return places.pushOver(source, `${target}:~/${name}`);
  };
  const page = (name: string) => join(name, "index.html");

  it("goes on while hub and relay are killed, and what happened is told afterwards", async () => {
    const run = await push("all", "site", "one");
    // What a drone has not got by then it cannot get without a hub. Its turn comes when both are dead.
    await web2.said(/files \w+ are here, for when relay dc2-head asks/);
    web2.kill("SIGSTOP");
    await places.untilOn("dc2-web1", page("site"), "one");
    hub.kill("SIGKILL");
    relay.kill("SIGKILL");
    await Promise.all([hub.stop(), relay.stop()]);
    assert.equal(await places.textOn("dc2-web2", page("site")), undefined);
    web2.kill("SIGCONT");
    relay = await startRelay();
    await places.untilOn("dc2-web2", page("site"), "one");
    hub = await cluster.startHub({ ownRegistry: true });
    await places.untilOver(run);
    const { outcome, counts } = await places.statusOf(run);
    assert.deepEqual([outcome, counts.failed], ["done", 0], cluster.output);
    const [part] = await places.partsOf(run);
    assert.equal(part?.relay, "dc2-head");
    // What was under way when the relay was killed was done again, and was there already.
    const { done, unchanged } = part.plan.counts;
    assert.deepEqual([part.plan.outcome, done + unchanged], ["done", 2]);
    // Below the task that handed it on, with what its drones did.
    const { stdout } = await cluster.propagit("plans", "status", run, "--all");
    assert.match(stdout, / dc2-head +delegate [^]*✓ 1\. [^]* dc2-web2 +put-files /, stdout);
    const log = (await cluster.propagit("plans", "status", run, "--events")).stdout;
    assert.match(log, /\[\*\] starting plan: files to all:[^]*\[dc1-head\] done/, log);
    assert.match(log, /\[dc2-head\] starting stage: each at its time/, log);
    assert.match(log, /\[put-files +\] \[dc2-web2 by dc2-head\] (?:done|unchanged)/, log);
    assert.match(log, /\[\*\] finished plan: files to all:.*$/, log);
  });

  it("hears that it is to stop when the line is back", async () => {
    const run = await push("slow", "slow", "two");
    await places.untilOn("dc2-web1", page("slow"), "two");
    relay.kill("SIGKILL");
    await relay.stop();
    const stopped = await cluster.propagit("plans", "stop", run);
    assert.equal(stopped.exitCode, 0, stopped.stderr);
    assert.equal((await places.statusOf(run)).state, "stopping");
    relay = await startRelay();
    await places.untilOver(run);
    const [part] = await places.partsOf(run);
    assert.deepEqual([part?.plan.outcome, part?.plan.counts.neverRun], ["stopped", 1]);
    assert.equal(await places.textOn("dc2-web2", page("slow")), undefined);
  });

  it("hears that its next delay is not waited for", async () => {
    const run = await push("slow", "aged", "four");
    await places.untilOn("dc2-web1", page("aged"), "four");
    const aged = await places.run("age", run);
    assert.equal(aged.exitCode, 0, aged.stderr + cluster.output);
    await places.untilOn("dc2-web2", page("aged"), "four");
    await places.untilOver(run);
    assert.equal((await places.statusOf(run)).outcome, "done", cluster.output);
  });

  it("fails when its relay has forgotten it, and is not begun anew", async () => {
    const run = await push("slow", "lost", "five");
    await places.untilOn("dc2-web1", page("lost"), "five");
    const isHeard = async () => (await places.partsOf(run))[0]?.plan.counts.done === 1;
    await until("the hub to hear of it", isHeard);
    relay.kill("SIGKILL");
    await relay.stop();
    await rm(join(cluster.folder, "dc2-head", "plans"), { recursive: true });
    relay = await startRelay();
    await places.untilOver(run);
    assert.equal((await places.statusOf(run)).outcome, "failed");
    const log = (await cluster.propagit("plans", "status", run, "--events")).stdout;
    assert.match(log, /relay dc2-head no longer has its part of the plan/);
  });

  it("is what the example's files of deploy-in-stages say, in one line", async () => {
    const folder = fileURLToPath(new URL("../../../examples/deploy-in-stages/", import.meta.url));
    const own = `--targets=${folder}targets.json`;
    const far = `--targets=dc2-head=${folder}dc2-targets.json`;
    const shown = await cluster.propagit("targets", own, far, "all");
    assert.equal(
      shown.stdout,
      [
        "all  4 drones, the last after 1m",
        "   dc1-head  at once",
        "   dc2-head  after 1m  hands on all:",
        "      dc2-web1  after 1m",
        "      dc2-web2  after 1m",
      ].join("\n"),
      shown.stderr,
    );
    const source = await places.source("folder", { "deep/data.txt": "three" });
    const file = join(cluster.folder, "file");
    await writeFile(file, "beside");
    const queued = await places.run("queue", own, far, source.slice(0, -1), file, "quick:~/data");
    assert.equal(queued.exitCode, 0, queued.stderr);
    for (const drone of ["dc1-head", "dc2-head", "dc2-web1", "dc2-web2"]) {
      await until(`the data is on ${drone}`, async () => {
        const data = join(places.home(drone), "data");
        const texts = ["folder/deep/data.txt", "file"].map((path) =>
          readFile(join(data, path), "utf8").catch(() => ""),
        );
        return (await Promise.all(texts)).join(" ") === "three beside";
      });
    }
  });

  it("has the hub know what its drones hold, also when they cannot be asked", async () => {
    const source = await places.source("known", { "index.html": "six" });
    const run = await places.pushOver(source.slice(0, -1), "all:~/");
    await places.untilOver(run);
    web2.kill("SIGKILL");
    await web2.stop();
    await until("the hub to miss it", async () => {
      const { stdout } = await cluster.propagit("files", "list", "--json", "dc2-web2:~/known");
      const [row] = JSON.parse(stdout) as FilesRow[];
      return row?.path === "~/known" && row.reason !== undefined && row.commit !== undefined;
    });
  });
});
