/** Waves that propagit.yaml says: by zone, the canary first, enough of each service up; a push, a deploy, a redeploy. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { exitCodes, type InstanceSummary } from "@propagit/protocol";
import { closeConnections, Cluster, instancesOf, runCli, WorkTree } from "@propagit/test-support";

const zones = { a: "x", b: "x", c: "y", d: "y" };

const isOf = (release: number) => (instance: InstanceSummary) =>
  instance.report.release === release;

const manifest = (minUp: string) => `services:
  web: { command: sleep 1d, port: none, minUp: ${minUp} }
  job: { command: sleep 1d, port: none, after: web }
waves: { by: zone, canary: d }
deploy: { master: production }
`;

describe("waves of a manifest", () => {
  let cluster: Cluster;
  let tree: WorkTree;

  before(async () => {
    cluster = await Cluster.create();
    await cluster.startHub({ ownRegistry: true });
    for (const [name, zone] of Object.entries(zones)) {
      const data = `--data=${join(cluster.folder, name)}`;
      await cluster.startDrone([], [`--name=${name}`, `--label=zone=${zone}`, data]);
    }
    tree = await WorkTree.create(join(cluster.folder, "app"));
  });

  after(async () => {
    closeConnections();
    await cluster.destroy();
  });

  const push = (branch = "master") =>
    tree.git("push", `http://localhost:${cluster.ports.hub}/app`, `HEAD:${branch}`);

  async function commit(minUp: string, text: string): Promise<void> {
    await tree.write("propagit.yaml", manifest(minUp));
    await tree.write("text", text);
    await tree.commit(text);
  }

  /** Stages of the newest plan. */
  async function newestPlan(): Promise<string> {
    const { stdout } = await cluster.propagit("plans", "--json");
    const [{ run } = { run: "" }] = JSON.parse(stdout) as { run: string }[];
    return (await cluster.propagit("plans", "status", run)).stdout;
  }

  it("bring a push to the drones, each wave ready before the next, those of later waves fetching ahead", async () => {
    await commit("50%", "one");
    await push();
    await commit("50%", "two");
    await push();
    const shown = await newestPlan();
    assert.match(
      shown,
      /distribute[^]*start 1: canary d[^]*start 2: zone x[^]*start 3: zone y[^]*visitors/,
    );
    assert.equal((await instancesOf(cluster)).filter(isOf(2)).length, 8);
  });

  it("are split by minUp, in what a plan shows as well", async () => {
    await commit("3", "three");
    await push("next");
    const words = ["plan", "deploy", "app", "next", "--environment", "production"];
    const shown = await runCli("propagit", [...words, ...cluster.hubFlags], cluster.env);
    assert.equal(shown.exitCode, exitCodes.ok, shown.stderr);
    assert.match(
      shown.stdout,
      /start 1: canary d[^]*start 2: zone x, 1 of 2[^]*start 3: zone x, 2 of 2[^]*start 4: zone y/,
    );
    const flags = await cluster.propagit("deploy", "app", "next", "--waves=50,100", "--dry-run");
    assert.match(flags.stdout, /start 1: 50%, 1 of 2[^]*start 4: 100%, 2 of 2/);
  });

  it("are refused where too much is to stay up, unless they are forced", async () => {
    await commit("4", "four");
    await push("strict");
    const refused = await cluster.propagit("deploy", "app", "strict");
    assert.equal(refused.exitCode, exitCodes.usage, refused.stdout);
    assert.match(
      refused.stderr,
      /service web keeps 4 of 4 instances up, so none may be replaced[^]*--force/,
    );
    const forced = await cluster.propagit("deploy", "app", "strict", "--force");
    assert.equal(forced.exitCode, exitCodes.ok, forced.stdout + forced.stderr);
    await tree.write(
      "propagit.yaml",
      "services: { web: { command: x, instances: 2 total, minUp: 2 } }\n",
    );
    const checked = await runCli("propagit", ["check", tree.folder], cluster.env);
    assert.equal(checked.exitCode, exitCodes.usage, checked.stdout);
    assert.match(checked.stderr, /propagit\.yaml:1:\d+: `services\.web` keeps 2 of 2 instances up/);
  });

  it("restart what runs already on demand only", async () => {
    const pids = async () =>
      new Map((await instancesOf(cluster)).map(({ report }) => [report.process, report.pid]));
    const before = await pids();
    const same = await cluster.propagit("deploy", "app", "strict");
    assert.match(same.stdout, /runs|unchanged/);
    assert.deepEqual(await pids(), before);
    const again = await cluster.propagit("deploy", "app", "strict", "--redeploy", "--force");
    assert.equal(again.exitCode, exitCodes.ok, again.stdout + again.stderr);
    assert.match(await newestPlan(), /restart-release|start 4: zone y/);
    const now = await pids();
    const strict = (await instancesOf(cluster)).filter(isOf(3));
    assert.equal(strict.length, 8);
    for (const { report } of strict)
      assert.notEqual(now.get(report.process), before.get(report.process));
  });
});
