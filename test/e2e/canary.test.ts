/** A rollout by steps with real daemons and real visitors: a good commit gets them all, a bad one loses them. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { exitCodes, type Canary, type CanaryProgress } from "@propagit/protocol";
import { closeConnections, Cluster, get, until, WorkTree } from "@propagit/test-support";

/** Answers with its version; of version 3 three of ten answers are errors once there is a file `bad`. */
const app = (version: string, badFile: string) => `
import { createServer } from "node:http";
import { existsSync } from "node:fs";
const isBad = () => ${version === "3"} && existsSync(${JSON.stringify(badFile)}) && Math.random() < 0.3;
createServer((_, response) => {
  response.statusCode = isBad() ? 500 : 200;
  response.end("version ${version}");
}).listen(process.env.PORT);
`;
const manifest = "services:\n  web: { command: node web.mjs }\n";
const host = "webapp.localhost";
const flags = ["--steps=5%,25%,50%,100%", "--every=3s", "--min-requests=10"];

describe("propagit rollout", { timeout: 540_000 }, () => {
  let cluster: Cluster;
  let tree: WorkTree;
  let visitors: Visitors;
  let badFile: string;

  before(async () => {
    cluster = await Cluster.create();
    badFile = join(cluster.folder, "bad");
    await cluster.startHub({ ownRegistry: true });
    await cluster.startDrone([], ["--name=web-1"]);
    await cluster.startProxy([`--data=${join(cluster.folder, "edge")}`]);
    tree = await WorkTree.create(join(cluster.folder, "app"));
    await tree.write("propagit.yaml", manifest);
    await push("1");
    await deploy("HEAD");
    await until("version 1 answers", async () => (await visit()).body === "version 1");
    visitors = new Visitors(cluster.ports.proxy);
  });

  after(async () => {
    await visitors.stop();
    closeConnections();
    await cluster.destroy();
  });

  async function push(version: string): Promise<string> {
    await tree.write("web.mjs", app(version, badFile));
    const commit = await tree.commit(`version ${version}`);
    await tree.git("push", "--quiet", `http://localhost:${cluster.ports.hub}/webapp`, "master");
    return commit;
  }

  async function deploy(ref: string): Promise<void> {
    const { exitCode, stderr } = await cluster.propagit("deploy", "webapp", await revision(ref));
    assert.equal(exitCode, exitCodes.ok, stderr);
  }

  const revision = (ref: string) => tree.git("rev-parse", ref);
  const visit = () => get(cluster.ports.proxy, { host });

  async function status(): Promise<Canary> {
    const { stdout, stderr } = await cluster.propagit("rollout", "status", "webapp", "--json");
    assert.notEqual(stdout, "", stderr);
    return JSON.parse(stdout) as Canary;
  }

  it("deploys a commit, brings its visitors step by step, and ends with 0 when it has all", async () => {
    const commit = await push("2");
    const { exitCode, stdout, stderr } = await cluster.propagit(
      "rollout",
      "webapp",
      commit,
      ...flags,
      "--json",
    );
    assert.equal(exitCode, exitCodes.ok, `${stderr}\n${stdout.slice(-2_000)}`);
    const percents = stdout.split("\n").flatMap((line) => {
      const part = JSON.parse(line) as CanaryProgress;
      return part.kind === "canary" ? [part.canary.percent] : [];
    });
    assert.deepEqual([...new Set(percents)], [0, 5, 25, 50]);
    assert.equal((await status()).end?.outcome, "promoted");
    await until("all visitors", async () => (await visit()).body === "version 2");
    assert.equal(visitors.failed, 0, visitors.lastFailure);
  });

  it("takes a commit that begins to fail at 25 % back at once, and says why", async () => {
    const commit = await push("3");
    const rollout = cluster.propagit("rollout", "webapp", commit, ...flags, "--every=5m");
    await until("5 %", async () => (await status().catch(() => undefined))?.percent === 5);
    await cluster.propagit("rollout", "abort", "webapp");
    assert.equal((await rollout).exitCode, exitCodes.failed);

    // It stays at 25 % for as long as it is not found to fail.
    const slow = ["--steps=25%,100%", "--every=5m", "--max-p95=10x"];
    const second = cluster.propagit("rollout", "webapp", commit, ...flags, ...slow);
    await until("25 %", async () => (await status()).percent === 25);
    await writeFile(badFile, "");
    const { exitCode, stdout, stderr } = await second;
    const end = await status();
    assert.equal(exitCode, exitCodes.failed, stdout);
    assert.equal(end.end?.outcome, "aborted", stdout);
    assert.match(
      stderr,
      /release 3 \([0-9a-f]{7}\) fails \d+\.\d % of \d+ requests, [0-9a-f]{7} 0\.0 % of \d+; bound \+0\.5 points/,
    );
    // What the new one answered last, by the clock of this machine as the hub's.
    const lastAt = visitors.lastAnswerOf("version 3");
    assert.ok(lastAt - (end.end?.at ?? 0) < 30_000, `${lastAt - (end.end?.at ?? 0)} ms`);
    assert.equal((await visit()).body, "version 2");
  });

  it("begins by itself with a push when the manifest says so, and is promoted by hand", async () => {
    await tree.write("propagit.yaml", `${manifest}rollout: { steps: [50%, 100%], every: 10m }\n`);
    await push("4");
    const deployed = await cluster.propagit("deploy", "webapp", await revision("HEAD"));
    assert.match(deployed.stdout, /its visitors come step by step: 50 %, 100 %/);
    await until("50 %", async () => (await status()).phase === "measuring");
    const { stdout } = await cluster.propagit("rollout", "status", "webapp");
    assert.match(
      stdout,
      /^webapp [0-9a-f]{7}, release 4: 50 % of the visitors, beside [0-9a-f]{7}$/m,
    );
    const shown = await cluster.propagit("rollout", "pause", "webapp", "--dry-run");
    assert.match(
      shown.stdout,
      /would stay at its step \(the rollout of release 4 of webapp\)[^]*nothing was changed/,
    );
    assert.equal((await status()).phase, "measuring");
    const file = join(cluster.folder, "promote.json");
    const planned = await cluster.propagit(
      "plan",
      "rollout",
      "promote",
      "webapp",
      `--save=${file}`,
    );
    assert.match(planned.stdout, /would send all visitors to the new one now/, planned.stderr);
    const paused = await cluster.propagit("rollout", "pause", "webapp");
    assert.match(paused.stdout, /^paused: /m);
    const moved = await cluster.propagit("apply", file);
    assert.match(moved.stderr, /has changed since: rollout webapp\/production/);
    await cluster.propagit("rollout", "resume", "webapp");
    await until("50 % again", async () => (await status()).phase === "measuring");
    const applied = await cluster.propagit("apply", file);
    assert.equal(applied.exitCode, exitCodes.ok, applied.stdout + applied.stderr);
    await until("all visitors", async () => (await visit()).body === "version 4");
    const again = await cluster.propagit("rollout", "promote", "webapp");
    assert.equal(again.exitCode, exitCodes.conflict);
    assert.match(again.stderr, /webapp has no rollout by steps under way/);
  });
});

/** About a hundred visits a second, each by somebody new. */
class Visitors {
  failed = 0;
  lastFailure = "";
  readonly #lastAnswers = new Map<string, number>();
  readonly #port: number;
  readonly #loops: readonly Promise<void>[];
  #isStopped = false;

  constructor(port: number) {
    this.#port = port;
    this.#loops = Array.from({ length: 4 }, () => this.#visit());
  }

  lastAnswerOf(body: string): number {
    return this.#lastAnswers.get(body) ?? 0;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#loops);
  }

  async #visit(): Promise<void> {
    while (!this.#isStopped) {
      const { status, body } = await get(this.#port, { host }).catch((thrown: unknown) => ({
        status: 0,
        body: String(thrown),
      }));
      this.#lastAnswers.set(body, Date.now());
      if (status !== 200) {
        this.failed += 1;
        this.lastFailure = `${status} ${body}`;
      }
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  }
}
