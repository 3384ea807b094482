/**
 * Two machines: network namespaces that this test makes, a line between them. The hub with its own
 * registry is on one, the drone on the other; so addresses, tokens and passwords are the real ones.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { DaemonProcess, runCli, until, WorkTree, type Program } from "@propagit/test-support";

const exampleFolder = fileURLToPath(new URL("../../../examples/cluster/", import.meta.url));
const secret = "beepboop";
const hubHost = "10.211.77.1";
const droneHost = "10.211.77.2";
const flags = [`--hub=${hubHost}:6001`, `--secret=${secret}`];

describe("on two machines", () => {
  const [hubMachine, droneMachine] = [`pg-hub-${process.pid}`, `pg-drone-${process.pid}`];
  const daemons: DaemonProcess[] = [];
  let folder: string;
  let problem: string | undefined;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "propagit-machines-"));
    problem = makeMachines(hubMachine, droneMachine);
  });

  after(async () => {
    for (const daemon of daemons.reverse()) await daemon.stop("SIGINT");
    if (problem === undefined) {
      for (const machine of [hubMachine, droneMachine]) ip(["netns", "delete", machine]);
    }
    await rm(folder, { recursive: true, force: true });
  });

  const on = (machine: string) => ["ip", "netns", "exec", machine];
  const start = (machine: string, name: string, args: readonly string[]) => {
    const env = { PROPAGIT_HOME: join(folder, machine) };
    const daemon = new DaemonProcess(name, "propagit", args, env, on(machine));
    daemons.push(daemon);
    return daemon;
  };
  const run = (program: Program, ...args: string[]) => runCli(program, args, {}, on(hubMachine));
  const curl = (...args: string[]) => {
    const [ip = "", ...words] = [
      ...on(hubMachine),
      "curl",
      "--silent",
      "--max-time",
      "10",
      ...args,
    ];
    return execFileSync(ip, words).toString();
  };
  const skips = (t: TestContext) => {
    if (problem !== undefined) t.skip(problem);
    return problem !== undefined;
  };

  it("runs what is pushed on one machine on the other, at an address that others reach", async (t) => {
    if (skips(t)) return;
    await start(hubMachine, "hub", ["hub", "--port=6001", `--secret=${secret}`]).said(/listening/);
    for (const script of ["say.js", "web.js"]) {
      const drone = start(droneMachine, script, ["drone", ...flags, "--", "node", script]);
      await drone.said(/connected to the hub/);
    }
    const tree = await WorkTree.create(join(folder, "webapp"));
    await tree.copyFrom(exampleFolder);
    const commit = await tree.commit("beep boop");
    // The hub's bare repository is reached as from any machine; git itself runs on the hub's.
    const url = `http://git:${secret}@${hubHost}:6002/webapp`;
    execFileSync("ip", [
      ...on(hubMachine).slice(1),
      "git",
      "-C",
      tree.folder,
      "push",
      "-q",
      url,
      "master",
    ]);
    const deployed = await run("propagit", "deploy", ...flags, "webapp", commit);
    assert.equal(
      deployed.exitCode,
      0,
      deployed.stdout + deployed.stderr + daemons.map((it) => it.output).join("\n"),
    );

    const shown = await run("registry", "show", `${hubHost}:6001`, `--secret=${secret}`);
    const table = JSON.parse(shown.stdout) as Record<
      string,
      Record<string, { host: string; port: number }[]>
    >;
    const [endpoint] = table[commit]?.["http"] ?? [];
    assert.equal(endpoint?.host, droneHost);
    assert.equal(curl(`http://${droneHost}:${endpoint?.port}/HUG`), "HUG ALL HUMANS");
  });

  it("sends visitors of one machine to the other", async (t) => {
    if (skips(t)) return;
    await start(hubMachine, "proxy", ["proxy", ...flags, "--port=8000"]).said(/listening/);
    const visit = () => curl("--header", "Host: webapp.localhost", `http://${hubHost}:8000/`);
    await until("the proxy to serve", () => visit() === "beep boop");
  });

  it("keeps serving while the line is cut, and is one cluster again after that", async (t) => {
    if (skips(t)) return;
    ip(["-n", droneMachine, "link", "set", "line", "down"]);
    const state = async () => {
      const { stdout } = await run("propagit", "drones", ...flags, "--json");
      return (JSON.parse(stdout) as { state: string }[]).map((drone) => drone.state).join();
    };
    await until("the drones to be away", async () => (await state()) === "away,away", 180_000);
    const pids = execFileSync("ip", ["netns", "pids", droneMachine]).toString().split("\n").length;
    assert.ok(pids >= 4, "drones and instances run on");
    ip(["-n", droneMachine, "link", "set", "line", "up"]);
    await until(
      "the drones to be back",
      async () => (await state()) === "connected,connected",
      180_000,
    );
    const deployed = await run("propagit", "deploy", ...flags, "webapp", "master");
    assert.equal(deployed.exitCode, 0, deployed.stdout + deployed.stderr);
    const visit = () => curl("--header", "Host: webapp.localhost", `http://${hubHost}:8000/HUG`);
    await until("visitors to be served again", () => visit() === "HUG ALL HUMANS", 180_000);
  });
});

/** @returns why that cannot be done here, or undefined when it is done */
function makeMachines(hub: string, drone: string): string | undefined {
  try {
    for (const machine of [hub, drone]) {
      ip(["netns", "add", machine]);
      ip(["-n", machine, "link", "set", "lo", "up"]);
    }
    ip(["-n", hub, "link", "add", "line", "type", "veth", "peer", "name", "line", "netns", drone]);
    ip(["-n", hub, "address", "add", `${hubHost}/24`, "dev", "line"]);
    ip(["-n", drone, "address", "add", `${droneHost}/24`, "dev", "line"]);
    for (const machine of [hub, drone]) ip(["-n", machine, "link", "set", "line", "up"]);
    return undefined;
  } catch {
    return "making network namespaces needs root and iproute2";
  }
}

function ip(args: readonly string[]): void {
  execFileSync("ip", args, { stdio: "pipe" });
}
