/** What retention stops and removes, and what it never touches. */
import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import {
  closeConnections,
  Cluster,
  get,
  readyInstances,
  releasesOf,
  until,
  WorkTree,
} from "@propagit/test-support";

describe("retention", () => {
  let cluster: Cluster;
  let tree: WorkTree;

  before(async () => {
    cluster = await Cluster.create();
    await cluster.startHub({ ownRegistry: true });
    await cluster.startDrone([], ["--name=a", `--data=${data()}`]);
    await cluster.startProxy();
    tree = await WorkTree.create(join(cluster.folder, "app"));
  });

  after(async () => {
    closeConnections();
    await cluster.destroy();
  });

  const data = () => join(cluster.folder, "a");
  const deploy = async (greeting: string) => {
    await tree.write("web.mjs", server(greeting));
    await tree.write("propagit.yaml", manifest);
    const commit = await tree.commit(greeting);
    await tree.git("push", "--quiet", `http://localhost:${cluster.ports.hub}/app`, "master");
    const { exitCode, stderr } = await cluster.propagit("deploy", "app", commit);
    assert.equal(exitCode, 0, stderr + cluster.output);
    return commit;
  };
  const presences = async () =>
    Object.fromEntries(
      (await releasesOf(cluster, "app")).map(({ number, presence }) => [number, presence]),
    );

  it("keeps the live one and as many warm ones as it is told, others on disk, then not at all", async () => {
    const commits: string[] = [];
    for (const greeting of ["one", "two", "three", "four", "five"]) {
      commits.push(await deploy(greeting));
    }
    await until("the older ones to go", async () => {
      const now = await presences();
      return now[1] === "removed" && now[3] === "kept";
    });
    assert.deepEqual(await presences(), {
      1: "removed",
      2: "removed",
      3: "kept",
      4: "running",
      5: "running",
    });
    await until("their files to be gone", async () => (await checkouts()).length === 3);
    assert.deepEqual(await checkouts(), commits.slice(2).sort());
    const running = (await readyInstances(cluster)).map(({ report }) => report.commit);
    assert.deepEqual(running.sort(), commits.slice(3).sort());
  });

  it("leaves a pinned release and one with visitors alone", async () => {
    await cluster.propagit("pin", "app", "4");
    const [five] = (await releasesOf(cluster, "app")).filter(({ number }) => number === 5);
    const six = await deploy("six");
    await cluster.propagit("split", "app", `${five?.commit ?? ""}=50`, `${six}=50`);
    await deploy("seven");
    await cluster.propagit("reap", "app");
    const now = await presences();
    assert.equal(now[4], "running", "pinned");
    assert.equal(now[7], "running", "live");
    const dry = await cluster.propagit("reap", "app", "--dry-run");
    assert.match(dry.stdout, /pinned/, dry.stdout + dry.stderr);
  });

  it("goes back to a release that is only on disk, without fetching", async (test) => {
    const kept = (await releasesOf(cluster, "app")).find(({ presence }) => presence === "kept");
    assert.ok(kept, "one is on disk");
    const began = performance.now();
    const { exitCode, stderr } = await cluster.propagit("rollback", "app", String(kept.number));
    assert.equal(exitCode, 0, stderr + cluster.output);
    await until("it to answer", async () => (await visit()) === kept.subject);
    test.diagnostic(`cold rollback: ${Math.round(performance.now() - began)} ms`);
  });

  const visit = async () => (await get(cluster.ports.proxy, { host: "app.localhost" })).body;
  const checkouts = async () =>
    (await readdir(join(data(), "commits", "app")))
      .filter((name) => /^[0-9a-f]{40}$/.test(name))
      .sort();
});

const manifest = `services:
  web: { command: node web.mjs }
keep: { releases: 3, warm: 1, for: 0s }
`;

function server(greeting: string): string {
  return `import { createServer } from "node:http";
createServer((_, response) => response.end(${JSON.stringify(greeting)})).listen(process.env.PORT);
`;
}
