/**
 * What users see of a commit on its way to several drones: whoever pushes and deploys, `propagit swarm`, and
 * Prometheus. Lines are bounded, so that it takes more than a moment.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { SwarmView } from "@propagit/protocol";
import { Cluster, freePort, secret, WorkTree } from "@propagit/test-support";

const repo = "app";
const manifest = `services:
  idle:
    command: [/bin/sleep, "100000"]
    port: none
    ready: { when: alive, timeout: 120s }
`;
const drones = ["d1", "d2", "d3", "d4"] as const;
const bytes = 16e6;
const bound = "4MB";

describe("a commit on its way to several drones", () => {
  let cluster: Cluster;
  let tree: WorkTree;
  let metricsPort: number;
  let commit = "";

  before(async () => {
    cluster = await Cluster.create();
    metricsPort = await freePort();
    const flags = [`--swarm-upload=${bound}`, `--metrics-port=${metricsPort}`];
    await cluster.startHub({ ownRegistry: true, flags });
    for (const name of drones) {
      const data = `--data=${join(cluster.folder, name)}`;
      await cluster.startDrone([], [`--name=${name}`, data, `--swarm-download=${bound}`]);
    }
    tree = await WorkTree.create(join(cluster.folder, "tree"));
    await tree.write("propagit.yaml", manifest);
  });

  after(() => cluster.destroy());

  const next = async () => {
    await writeFile(join(tree.folder, "blob.bin"), randomBytes(bytes));
    commit = await tree.commit("random bytes");
  };
  const push = (...options: readonly string[]) => {
    const url = `http://git:${secret}@localhost:${cluster.ports.hub}/${repo}`;
    return tree.tryGit("push", ...options, url, "HEAD:refs/heads/master");
  };

  it("is told in lines to whoever deploys it where there is no terminal", async () => {
    await next();
    await push("--quiet", "--push-option=deploy=no");
    const { exitCode, stdout, stderr } = await cluster.propagit("deploy", repo, commit);
    assert.equal(exitCode, 0, stdout + stderr);
    assert.match(stdout, /^15 MiB for each of 4 drones: \d+ % in \d\.\d s, .*\/s/m);
    const end = /^4 drones have it: 15 MiB each in [\d.]+ s, .*; the hub sent ([\d.]+) × its size/m;
    const times = Number(end.exec(stdout)?.[1]);
    assert.ok(times >= 1 && times < 2, stdout);
    assert.doesNotMatch(stdout.replaceAll("\n", ""), /\p{Cc}/u);
  });

  it("is shown by propagit swarm: all in a table, everything about one, and as JSON", async () => {
    const all = await cluster.propagit("swarm", repo);
    assert.match(all.stdout, /^ARTIFACT +REPO +COMMIT/m);
    assert.match(
      all.stdout,
      new RegExp(`^[0-9a-f]{12} +${repo} +${commit.slice(0, 7)} .*4/4`, "m"),
    );
    const one = await cluster.propagit("swarm", "--artifact", commit.slice(0, 12));
    for (const name of drones) assert.match(one.stdout, new RegExp(`^${name} +done +100 %`, "m"));
    assert.match(one.stdout, /^hub +d\d +[\d.]+ MiB$/m);
    const { stdout } = await cluster.propagit("swarm", "--json", "--artifact", commit);
    const { artifacts } = JSON.parse(stdout) as { artifacts: readonly SwarmView[] };
    const [view] = artifacts;
    assert.equal(artifacts.length, 1);
    assert.deepEqual(
      view?.shares.map(({ report }) => report.state),
      drones.map(() => "used"),
    );
    assert.ok(view.hubSentBytes >= view.bytes && view.hubSentBytes < 2 * view.bytes);
  });

  it("is counted for Prometheus", async () => {
    const page = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    const sample = (name: string, labels = "") =>
      Number(
        new RegExp(`^propagit_hub_swarm_${name}\\{repo="${repo}"${labels}\\} (\\d+)$`, "m").exec(
          page,
        )?.[1],
      );
    assert.equal(sample("artifacts"), 1);
    assert.equal(sample("shares", ',state="used"'), drones.length);
    assert.ok(sample("received_bytes_total") >= drones.length * bytes);
    assert.ok(sample("hub_sent_bytes_total") >= bytes);
    assert.equal(sample("failures_total"), 0);
  });

  it("is told to whoever pushes it", async () => {
    await next();
    const { exitCode, stderr } = await push("--push-option=env=production");
    assert.equal(exitCode, 0, stderr);
    assert.match(stderr, /^remote: 15 MiB for each of 4 drones: \d+ %/m);
    assert.match(stderr, /^remote: 4 drones have it: 15 MiB each/m);
  });
});
