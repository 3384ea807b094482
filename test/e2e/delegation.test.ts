/** Parts of plans that a relay carries out, with real processes: also while there is no hub, and after kill -9. */
import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
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
  all: { a: now, head: { forward: all, after: 1s } }
  slow: { head: { forward: slow } }
relays:
  head:
    all: { w1: now, w2: 4s }
    slow: { w1: now, w2: 10m }
`;

describe("a part of a plan on a relay", () => {
  let cluster: Cluster;
  let places: FilesPlaces;
  let targets: string;
  let hub: DaemonProcess;
  let relay: DaemonProcess;
  let w2: DaemonProcess;
  let port: number;

  before(async () => {
    cluster = await Cluster.create();
    places = new FilesPlaces(cluster);
    hub = await cluster.startHub({ ownRegistry: true });
    port = await freePort();
    relay = await startRelay();
    await relay.said(/connected to the hub/);
    await places.startDrone("a");
    await places.startDrone("w1", port);
    w2 = await places.startDrone("w2", port);
    targets = join(cluster.folder, "targets.yaml");
    await writeFile(targets, yaml);
  });

  after(() => cluster.destroy());

  async function startRelay(): Promise<DaemonProcess> {
    await mkdir(places.home("head"), { recursive: true });
    const place = [`--hub=localhost:${cluster.ports.hub}`, `--secret=${secret}`, `--port=${port}`];
    const flags = ["--name=head", "--zone=b", "--host=127.0.0.1", "--no-instances"];
    const words = ["relay", ...place, ...flags, `--data=${join(cluster.folder, "head")}`];
    return cluster.start("head", "propagit", words, { HOME: places.home("head") });
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
    await untilOn("w1", "site", "one");
    // What a drone has not got by then it cannot get without a hub.
    await w2.said(/files \w+ are here, for when relay head asks/);
    hub.kill("SIGKILL");
    relay.kill("SIGKILL");
    await Promise.all([hub.stop(), relay.stop()]);
    assert.equal(await textOn("w2", "site"), undefined);
    relay = await startRelay();
    await untilOn("w2", "site", "one");
    hub = await cluster.startHub({ ownRegistry: true });
    await untilOver(run);
    const { outcome, counts } = await statusOf(run);
    assert.deepEqual([outcome, counts.failed], ["done", 0], cluster.output);
    const [part] = await partsOf(run);
    assert.equal(part?.relay, "head");
    // What was under way when the relay was killed was done again, and was there already.
    const { done, unchanged } = part.plan.counts;
    assert.deepEqual([part.plan.outcome, done + unchanged], ["done", 2]);
  });

  it("hears that it is to stop when the line is back", async () => {
    const run = await push("slow", "slow", "two");
    await untilOn("w1", "slow", "two");
    relay.kill("SIGKILL");
    await relay.stop();
    const stopped = await cluster.propagit("plans", "stop", run);
    assert.equal(stopped.exitCode, 0, stopped.stderr);
    assert.equal((await statusOf(run)).state, "stopping");
    relay = await startRelay();
    await untilOver(run);
    const [part] = await partsOf(run);
    assert.deepEqual([part?.plan.outcome, part?.plan.counts.neverRun], ["stopped", 1]);
    assert.equal(await textOn("w2", "slow"), undefined);
  });
});
