/**
 * The README's walk-through, step by step, through the built command lines: real git, real processes,
 * real sockets. The tests of this file are one story and run in order.
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { shortCommit } from "@propagit/protocol";
import {
  closeConnections,
  Cluster,
  type DaemonProcess,
  get,
  inParallel,
  until,
  WorkTree,
} from "@propagit/test-support";

const exampleFolder = fileURLToPath(new URL("../../../examples/cluster/", import.meta.url));

interface Endpoint {
  readonly host: string;
  readonly port: number;
}
type PortTable = Readonly<Record<string, Readonly<Record<string, readonly Endpoint[]>>>>;

describe("the walk-through", () => {
  let cluster: Cluster;
  let tree: WorkTree;
  let hub: DaemonProcess;
  let first = "";
  let second = "";

  before(async () => {
    // The walk-through's own port first, then others that `fetch` refuses to talk to, as it does that.
    cluster = await Cluster.create({ registry: [6_000, 6_566, 6_665, 6_666, 6_667] });
    await cluster.startRegistry();
    hub = await cluster.startHub();
    await cluster.startDrone(["node", "say.js"]);
    await cluster.startDrone(["node", "web.js"]);
    tree = await WorkTree.create(join(cluster.folder, "webapp"));
  });

  after(async () => {
    closeConnections();
    await cluster.destroy();
  });

  const show = async () =>
    JSON.parse((await cluster.registry("show", cluster.registryAddress)).stdout) as PortTable;
  const portOf = async (commit: string, service: string) => {
    const port = (await show())[commit]?.[service]?.[0]?.port;
    assert.ok(port, `${service} of ${commit} is in the registry`);
    return port;
  };
  const pushUrl = (port: number) => `http://localhost:${port}/webapp`;
  const visit = (host: string, cookie?: string) =>
    get(cluster.ports.proxy, { host, ...(cookie && { cookie }) });

  it("takes a push on the port after the hub's and deploys the commit", async () => {
    await tree.copyFrom(exampleFolder);
    first = await tree.commit("beep boop");
    await tree.git("push", "--quiet", pushUrl(cluster.ports.hub + 1), "master");
    const { exitCode, stdout } = await cluster.propagit("deploy", "webapp", first);
    assert.equal(exitCode, 0, stdout + cluster.output);
    const ready = stdout.split("\n").filter((line) => /ready on port \d+/.test(line));
    assert.equal(ready.length, 2, stdout);
    assert.match(stdout, /is ready on 2 drones; it is the first one, so visitors get it/);
  });

  it("shows who listens where in the ancestor's format, in both spellings", async () => {
    const table = await show();
    assert.deepEqual(Object.keys(table), [first]);
    assert.deepEqual(Object.keys(table[first] ?? {}).sort(), ["http", "say"]);
    const swapped = await cluster.registry(cluster.registryAddress, "show");
    assert.deepEqual(JSON.parse(swapped.stdout), table);
    assert.equal(table[first]?.["http"]?.[0]?.host, "127.0.0.1");
  });

  it("answers, and finds the service of its own commit", async () => {
    const port = await portOf(first, "http");
    assert.equal((await get(port)).body, "beep boop");
    assert.equal((await get(port, { path: "/HUG" })).body, "HUG ALL HUMANS");
  });

  it("deploys a second commit beside the first, which never stops answering", async () => {
    const port = await portOf(first, "http");
    const done = new AbortController();
    const asking = askUntil(done.signal, port);
    await tree.write("web.js", await changed());
    second = await tree.commit("beepity");
    await tree.git("push", "--quiet", pushUrl(cluster.ports.hub), "master");
    const { exitCode } = await cluster.propagit("deploy", "webapp", "master");
    done.abort();
    const asked = await asking;
    assert.equal(exitCode, 0, cluster.output);
    assert.ok(asked > 10, `the old commit was asked ${asked} times`);
    assert.deepEqual(Object.keys(await show()).sort(), [first, second].sort());
    assert.equal((await get(await portOf(second, "http"))).body, "beepity boop!");
    assert.equal((await get(port)).body, "beep boop");
  });

  it("says so and changes nothing when the commit runs already", async () => {
    const before = await show();
    const { exitCode, stdout } = await cluster.propagit("deploy", "webapp", shortCommit(first));
    assert.equal(exitCode, 0);
    assert.match(stdout, /runs already on 2 drones; nothing changed/);
    assert.deepEqual(await show(), before);
  });

  it("routes by host name: the promoted commit, and each commit by its own name", async () => {
    await cluster.startProxy();
    await until("the proxy to serve", async () => (await visit("webapp.localhost")).status === 200);
    assert.equal((await visit("webapp.localhost")).body, "beep boop");
    assert.equal((await visit(`${shortCommit(second)}--webapp.localhost`)).body, "beepity boop!");
    assert.equal((await visit(`${shortCommit(first)}--webapp.localhost`)).body, "beep boop");
    assert.equal((await visit("nobody.localhost")).status, 404);
  });

  it("holds the shares of a split within 2 % over 10,000 visitors, who keep their variant", async () => {
    const shares = [`${shortCommit(first)}=90`, `${shortCommit(second)}=10`];
    const { exitCode, stdout } = await cluster.propagit("split", "webapp", ...shares);
    assert.equal(exitCode, 0);
    assert.match(stdout, /90 %.*10 %/);
    await until("a cookie", async () => (await visit("webapp.localhost")).cookie !== undefined);
    const visits = await inParallel(10_000, () => visit("webapp.localhost"));
    const newer = visits.filter(({ commit }) => commit === second).length;
    assert.ok(Math.abs(newer / visits.length - 0.1) < 0.02, `${newer} of 10,000 got the new one`);
    const again = await inParallel(500, (index) =>
      visit("webapp.localhost", visits[index]?.cookie),
    );
    for (const [index, { commit }] of again.entries()) assert.equal(commit, visits[index]?.commit);
  });

  it("lets a drone that joins late catch up by itself", async () => {
    const late = await cluster.startDrone(["node", "web.js"], ["--name=late"]);
    const instancesOf = async (name: string) => {
      const { stdout } = await cluster.propagit("ps", "--json");
      const rows = JSON.parse(stdout) as { drone: string; report: { phase: string } }[];
      return rows.filter(({ drone, report }) => drone === name && report.phase === "ready").length;
    };
    await until("both commits on the late drone", async () => (await instancesOf("late")) === 2);
    assert.equal((await show())[second]?.["http"]?.length, 2);
    // Interrupted, it ends its instances; ended by SIGTERM it would leave them to its next life.
    await late.stop("SIGINT");
    assert.equal((await show())[second]?.["http"]?.length, 1);
  });

  it("keeps drones, deploys and the split across a restart of the hub", async () => {
    await hub.stop();
    assert.equal((await visit("webapp.localhost")).status, 200);
    hub = await cluster.startHub();
    await bothDronesAreBack();
    const { stdout } = await cluster.propagit("ps", "--json");
    const shares = (JSON.parse(stdout) as { sharePercent: number }[]).map(
      (row) => row.sharePercent,
    );
    assert.deepEqual(
      shares.sort((left, right) => left - right),
      [10, 10, 90, 90],
    );
    const { exitCode, stdout: deployed } = await cluster.propagit("deploy", "webapp", second);
    assert.equal(exitCode, 0);
    assert.match(deployed, /nothing changed/);
  });

  it("kill -9 of the hub loses nothing that was acknowledged", async () => {
    hub.kill("SIGKILL");
    await hub.exited;
    hub = await cluster.startHub();
    await bothDronesAreBack();
    const { stdout } = await cluster.propagit("ps", "--json");
    assert.equal((JSON.parse(stdout) as unknown[]).length, 4);
  });

  it("refuses to stop what visitors are sent to, and stops the old one after a promote", async () => {
    const refused = await cluster.propagit("stop", "webapp", shortCommit(first));
    assert.equal(refused.exitCode, 6);
    assert.match(refused.stderr, /promote another/);
    assert.equal((await cluster.propagit("promote", "webapp", shortCommit(second))).exitCode, 0);
    const port = await portOf(first, "http");
    const stopped = await cluster.propagit("stop", "webapp", shortCommit(first));
    assert.equal(stopped.exitCode, 0, stopped.stderr);
    await assert.rejects(get(port), /ECONNREFUSED/);
    assert.deepEqual(Object.keys(await show()), [second]);
    await until("the proxy to follow", async () => {
      return (await visit("webapp.localhost")).body === "beepity boop!";
    });
  });

  it("lists what runs where and what happened", async () => {
    const { stdout: ps } = await cluster.propagit("ps");
    assert.match(ps, /^INSTANCE +STATE +ADDRESS +VISITORS/);
    assert.match(ps, new RegExp(`production, release \\d+ \\(${shortCommit(second)}\\) +100 %`));
    const { stdout: flat } = await cluster.propagit("ps", "--flat");
    assert.match(flat, new RegExp(`webapp .*${shortCommit(second)} .*http .* ready .* 100 %`));
    const { stdout: drones } = await cluster.propagit("drones");
    assert.match(drones, /connected/);
    const { stdout: events } = await cluster.propagit("events", "-n", "100");
    for (const kind of ["pushed", "deployed", "promoted", "split", "stopped", "drone-joined"]) {
      assert.match(events, new RegExp(`  ${kind} `), events);
    }
  });

  it("never shows the secret in `ps`", async () => {
    const commandLine = await readFile(`/proc/${hub.pid}/cmdline`, "utf8");
    assert.match(commandLine, /propagit hub/);
    assert.doesNotMatch(commandLine, /beepboop/);
  });

  async function bothDronesAreBack(): Promise<void> {
    await until("both drones", async () => {
      const { stdout } = await cluster.propagit("drones", "--json");
      return stdout.split('"connected"').length === 3;
    });
  }

  /** Asks the first version all the time; how often it answered. */
  async function askUntil(done: AbortSignal, port: number): Promise<number> {
    let asked = 0;
    for (; !done.aborted; asked++) assert.equal((await get(port)).body, "beep boop");
    return asked;
  }

  async function changed(): Promise<string> {
    const source = await readFile(join(exampleFolder, "web.js"), "utf8");
    return source.replace('"beep boop"', '"beepity boop!"');
  }
});
