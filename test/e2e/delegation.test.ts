/** Parts of plans that a relay carries out, with real processes: also while there is no hub, and after kill -9. */
import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { PlanDelegation, PlanSummary } from "@propagit/protocol";
import {
  Cluster,
  FilesPlaces,
  freePort,
  runCli,
  secret,
  until,
  type DaemonProcess,
} from "@propagit/test-support";

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
  let places: FilesPlaces;
  let targets: string;
  let hub: DaemonProcess;
  let relay: DaemonProcess;
  let web2: DaemonProcess;
  let port: number;

  before(async () => {
    cluster = await Cluster.create();
    places = new FilesPlaces(cluster);
    hub = await cluster.startHub({ ownRegistry: true });
    port = await freePort();
    relay = await startRelay();
    await relay.said(/connected to the hub/);
    await places.startDrone("dc1-head");
    await places.startDrone("dc2-web1", port);
    web2 = await places.startDrone("dc2-web2", port);
    targets = join(cluster.folder, "targets.yaml");
    await writeFile(targets, yaml);
  });

  after(() => cluster.destroy());

  async function startRelay(): Promise<DaemonProcess> {
    await mkdir(places.home("dc2-head"), { recursive: true });
    const place = [`--hub=localhost:${cluster.ports.hub}`, `--secret=${secret}`, `--port=${port}`];
    const flags = ["--name=dc2-head", "--zone=b", "--host=127.0.0.1", "--no-instances"];
    const words = ["relay", ...place, ...flags, `--data=${join(cluster.folder, "dc2-head")}`];
    return cluster.start("dc2-head", "propagit", words, { HOME: places.home("dc2-head") });
  }

  const push = async (target: string, name: string, text: string) => {
    const source = await places.source(name, { "index.html": text });
    const words = [`--targets=${targets}`, "--detach", source, `${target}:~/${name}`];
    const pushed = await places.push(...words);
    assert.equal(pushed.exitCode, 0, pushed.stderr + cluster.output);
    return (JSON.parse(pushed.stdout) as PlanSummary).run;
  };
  const textOn = (drone: string, name: string) =>
    readFile(join(places.home(drone), name, "index.html"), "utf8").catch(() => undefined);
  const untilOn = (drone: string, name: string, text: string) =>
    until(
      `${text} on ${drone}\n${cluster.output}`,
      async () => (await textOn(drone, name)) === text,
    );
  const statusOf = async (run: string) => {
    const { stdout } = await cluster.propagit("plans", "status", run, "--json");
    return JSON.parse(stdout || "{}") as PlanSummary;
  };
  const partsOf = async (run: string) => {
    const words = ["status", `--hub=localhost:${cluster.ports.hub}`, `--secret=${secret}`, run];
    const { stdout, stderr } = await runCli("propagit", ["files", ...words, "--json"], cluster.env);
    assert.notEqual(stdout, "", stderr);
    return (JSON.parse(stdout) as { readonly parts: readonly PlanDelegation[] }).parts;
  };
  const untilOver = (run: string) =>
    until("the plan is over", async () => (await statusOf(run)).state === "over");

  it("goes on while hub and relay are killed, and what happened is told afterwards", async () => {
    const run = await push("all", "site", "one");
    // What a drone has not got by then it cannot get without a hub. Its turn comes when both are dead.
    await web2.said(/files \w+ are here, for when relay dc2-head asks/);
    web2.kill("SIGSTOP");
    await untilOn("dc2-web1", "site", "one");
    hub.kill("SIGKILL");
    relay.kill("SIGKILL");
    await Promise.all([hub.stop(), relay.stop()]);
    assert.equal(await textOn("dc2-web2", "site"), undefined);
    web2.kill("SIGCONT");
    relay = await startRelay();
    await untilOn("dc2-web2", "site", "one");
    hub = await cluster.startHub({ ownRegistry: true });
    await untilOver(run);
    const { outcome, counts } = await statusOf(run);
    assert.deepEqual([outcome, counts.failed], ["done", 0], cluster.output);
    const [part] = await partsOf(run);
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
    await untilOn("dc2-web1", "slow", "two");
    relay.kill("SIGKILL");
    await relay.stop();
    const stopped = await cluster.propagit("plans", "stop", run);
    assert.equal(stopped.exitCode, 0, stopped.stderr);
    assert.equal((await statusOf(run)).state, "stopping");
    relay = await startRelay();
    await untilOver(run);
    const [part] = await partsOf(run);
    assert.deepEqual([part?.plan.outcome, part?.plan.counts.neverRun], ["stopped", 1]);
    assert.equal(await textOn("dc2-web2", "slow"), undefined);
  });

  it("hears that its next delay is not waited for", async () => {
    const run = await push("slow", "aged", "four");
    await untilOn("dc2-web1", "aged", "four");
    const place = [`--hub=localhost:${cluster.ports.hub}`, `--secret=${secret}`];
    const aged = await runCli("propagit", ["files", "age", ...place, run], cluster.env);
    assert.equal(aged.exitCode, 0, aged.stderr + cluster.output);
    await untilOn("dc2-web2", "aged", "four");
    await untilOver(run);
    assert.equal((await statusOf(run)).outcome, "done", cluster.output);
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
});
