/**
 * Relays with real processes: a hub, two relays of zone b, one of zone c behind one of them, and drones that
 * find them, lose them, and deploy all the while.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import {
  closeConnections,
  Cluster,
  type DaemonProcess,
  freePort,
  get,
  runCli,
  secret,
  until,
  WorkTree,
} from "@propagit/test-support";

interface Drone {
  readonly name: string;
  readonly state: string;
  readonly instances: number;
  readonly through?: string;
  readonly relay?: { readonly address: string; readonly carriesOnly?: boolean };
}

interface Artifact {
  readonly bytes: number;
  readonly hubSentBytes: number;
  readonly shares: readonly {
    readonly drone: string;
    readonly role: string;
    readonly zone?: string;
    readonly report: { readonly state: string; readonly lines?: readonly object[] };
  }[];
}

const isRelay = ({ role, report }: Artifact["shares"][number]) =>
  role === "relay" && (report.state === "whole" || report.state === "used");

const web = `require("node:http")
  .createServer((request, response) => response.end("VERSION"))
  .listen(process.env.PORT, process.env.HOST);
`;

describe("relays", () => {
  let cluster: Cluster;
  let hub: DaemonProcess;
  let tree: WorkTree;
  const relays = new Map<string, { readonly port: number; daemon: DaemonProcess }>();

  before(async () => {
    cluster = await Cluster.create();
    hub = await cluster.startHub({ ownRegistry: true });
    tree = await WorkTree.create(join(cluster.folder, "webapp"));
  });

  after(async () => {
    closeConnections();
    await cluster.destroy();
  });

  const startRelay = async (name: string, zone: string, to: number, port?: number) => {
    const own = port ?? (await freePort());
    const place = [`--hub=localhost:${to}`, `--secret=${secret}`, `--port=${own}`];
    const flags = [`--name=${name}`, `--zone=${zone}`, "--host=127.0.0.1", "--no-instances"];
    const data = `--data=${join(cluster.folder, name)}`;
    const daemon = cluster.start(name, "propagit", ["relay", ...place, ...flags, data]);
    await daemon.said(/connected to the hub/);
    relays.set(name, { port: own, daemon });
  };
  const portOf = (name: string) => relays.get(name)?.port ?? 0;
  const startDrone = (name: string, zone: string, to: number) => {
    const flags = [`--hub=localhost:${to}`, `--secret=${secret}`, `--name=${name}`];
    const data = `--data=${join(cluster.folder, name)}`;
    return cluster.start(name, "propagit", ["drone", ...flags, `--label=zone=${zone}`, data]);
  };
  const drones = async () => {
    const { stdout, stderr } = await cluster.propagit("drones", "--json");
    assert.equal(stderr, "");
    return JSON.parse(stdout) as readonly Drone[];
  };
  const through = async () => {
    const connected = (await drones()).filter(({ state }) => state === "connected");
    return new Map(connected.map((drone) => [drone.name, drone.through]));
  };
  /** Waits until each of these is connected through one of those. */
  const untilThrough = (names: readonly string[], ways: readonly (string | undefined)[]) =>
    until(`${names.join()} to be connected through ${ways.join()}\n${cluster.output}`, async () => {
      const now = await through();
      return names.every((name) => now.has(name) && ways.includes(now.get(name)));
    });
  const at = (port: number, command: string, ...args: string[]) => {
    const flags = [`--hub=localhost:${port}`, `--secret=${secret}`];
    return runCli("propagit", [command, ...flags, ...args], cluster.env);
  };
  /** Deploys a new version with git and the command line at a port; it has to run on four drones. */
  const deploy = async (version: string, port: number) => {
    await tree.write("web.js", web.replace("VERSION", version));
    await tree.write("Procfile", "web: node web.js\n");
    const commit = await tree.commit(version);
    await tree.git("push", "--quiet", `http://localhost:${port}/webapp`, "master");
    const deployed = await at(port, "deploy", "webapp", commit).catch((thrown: unknown) => {
      throw new Error(cluster.output, { cause: thrown });
    });
    assert.equal(deployed.exitCode, 0, deployed.stdout + deployed.stderr + cluster.output);
    const ps = await at(port, "ps", "--json");
    const instances = JSON.parse(ps.stdout) as {
      readonly drone: string;
      readonly report: { readonly commit: string; readonly phase: string; readonly port: number };
    }[];
    const ready = instances.filter(
      ({ report }) => report.commit === commit && report.phase === "ready",
    );
    assert.deepEqual(ready.map(({ drone }) => drone).sort(), ["d1", "d2", "d3", "d4"]);
    return ready;
  };

  it("are found by the drones of their zone, and take those in that name them", async () => {
    const hubPort = cluster.ports.hub;
    for (const name of ["d1", "d2"]) await startDrone(name, "b", hubPort).said(/connected to/);
    await startRelay("b1", "b", hubPort);
    await startRelay("b2", "b", hubPort);
    await startRelay("c1", "c", portOf("b2"));
    await startDrone("d3", "b", portOf("b1")).said(/connected to the hub/);
    await startDrone("d4", "c", portOf("c1")).said(/connected to the hub/);
    await untilThrough(["d1", "d2", "d3"], ["b1", "b2"]);
    await untilThrough(["d4"], ["c1"]);
    await untilThrough(["c1"], ["b2"]);
    const shown = await cluster.propagit("drones");
    assert.match(shown.stdout, /THROUGH/);
    assert.match(shown.stdout, /b1 .*a relay/);
  });

  it("carry pushes, deploys and what the registry says, also through two of them", async () => {
    const ready = await deploy("one", portOf("c1"));
    for (const { report } of ready) assert.equal((await get(report.port)).body, "one");
    const address = `localhost:${portOf("c1")}`;
    await until("the registry to show all four", async () => {
      const { stdout } = await cluster.registry("query", address, "web", `--secret=${secret}`);
      return stdout.trim().split("\n").length >= 4;
    });
    const relay = (await drones()).find(({ name }) => name === "b1");
    assert.deepEqual([relay?.instances, relay?.relay?.carriesOnly], [0, true]);
  });

  it("take part in an artifact for their zone, which crosses the line to it once", async () => {
    await tree.write("large.bin", randomBytes(12_000_000).toString("latin1"));
    await deploy("large", cluster.ports.hub);
    const { stdout } = await cluster.propagit("swarm", "webapp", "--all", "--json");
    const { artifacts } = JSON.parse(stdout) as { readonly artifacts: readonly Artifact[] };
    const [artifact] = [...artifacts].sort((left, right) => right.bytes - left.bytes);
    assert.ok(artifact && artifact.bytes > 12_000_000, stdout);
    const shown = JSON.stringify(artifact, undefined, 1);
    const zones = new Set(artifact.shares.filter(isRelay).map(({ zone }) => zone));
    assert.deepEqual(zones, new Set(["b", "c"]), shown);
    assert.ok(artifact.hubSentBytes < 1.5 * artifact.bytes, shown);
  });

  it("refuse nobody themselves: the hub says that a secret is wrong", async () => {
    const flags = [`--hub=localhost:${portOf("c1")}`, "--secret=wrong"];
    const { exitCode, stderr } = await runCli("propagit", ["ps", ...flags], cluster.env);
    assert.equal(exitCode, 3);
    assert.match(stderr, /the secret is wrong/);
    const stranger = await WorkTree.create(join(cluster.folder, "stranger"), "wrong");
    await stranger.commit("mine");
    const pushed = await stranger.tryGit(
      "push",
      `http://localhost:${portOf("b1")}/webapp`,
      "master:x",
    );
    assert.notEqual(pushed.exitCode, 0);
    assert.match(pushed.stderr, /Authentication failed|401/);
  });

  it("may be killed: their drones are back by another way, and a deploy goes on", async (test) => {
    const [gone, other] =
      (await through()).get("d1") === "b1" ? (["b1", "b2"] as const) : (["b2", "b1"] as const);
    const killedAt = performance.now();
    relays.get(gone)?.daemon.kill("SIGKILL");
    await untilThrough(["d1", "d2", "d3"], [other, undefined]);
    await untilThrough(["d4"], ["c1"]);
    test.diagnostic(`all were back after ${Math.round(performance.now() - killedAt)} ms`);
    await deploy("two", portOf(other));
    await startRelay(gone, "b", cluster.ports.hub, portOf(gone));
  });

  it("say that their hub is away, and bring everybody back with it", async () => {
    await hub.stop();
    const asked = await at(portOf("c1"), "ps");
    assert.equal(asked.exitCode, 4, asked.stderr);
    assert.match(asked.stderr, /relay c1 has no connection to the hub/);
    const plain = await get(portOf("b1"), { path: "/webapp/info/refs" });
    assert.equal(plain.status, 502);
    assert.match(plain.body, /relay b1 has no connection to the hub/);
    hub = await cluster.startHub({ ownRegistry: true });
    await untilThrough(["d1", "d2", "d3", "d4"], ["b1", "b2", "c1", undefined]);
    await deploy("three", portOf("c1"));
  });

  it("notice that they lead to one another", async () => {
    const [one, two] = [await freePort(), await freePort()];
    const start = (name: string, port: number, to: number) =>
      cluster.start(name, "propagit", [
        "relay",
        `--hub=localhost:${to}`,
        `--secret=${secret}`,
        "--zone=x",
        `--name=${name}`,
        `--port=${port}`,
        `--data=${join(cluster.folder, name)}`,
      ]);
    const daemons = [start("x1", one, two), start("x2", two, one)];
    await until("one of them to say so", () =>
      daemons.some(({ output }) => /comes back to itself/.test(output)),
    );
    const asked = await at(one, "ps");
    assert.match(asked.stderr, /comes back to itself|has no connection to the hub/);
  });
});
