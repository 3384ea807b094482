/**
 * Data folders of the first version, as it left them: a hub with two commits of one repository that run on
 * a drone with a command of its own, three visitors of four at the older one. Today's hub and drone take
 * them over; a hub that finds a future version's folder refuses.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { exitCodes, shortCommit } from "@propagit/protocol";
import { openSqliteStore } from "@propagit/store";
import { execa } from "execa";
import {
  closeConnections,
  Cluster,
  get,
  readyInstances,
  releasesOf,
  secret,
  until,
} from "@propagit/test-support";

const fixture = fileURLToPath(
  new URL("../../../test/fixtures/data-folders-0.1.tar.gz", import.meta.url),
);
const older = "edc7cf0507c8175c08c873378b846fe6e649169e";
const newer = "bba62cbc9a7c09828ea7a4fdced1397661e19315";

describe("data folders of the first version", () => {
  let cluster: Cluster;

  before(async () => {
    cluster = await Cluster.create();
    await execa("tar", ["xzf", fixture, "-C", cluster.folder]);
    await cluster.startHub({ ownRegistry: true, flags: [`--data=${join(cluster.folder, "hub")}`] });
    const data = `--data=${join(cluster.folder, "drone")}`;
    await cluster.startDrone(["node", "web.js"], ["--name=old", data]);
    await cluster.startProxy();
  });

  after(async () => {
    closeConnections();
    await cluster.destroy();
  });

  const visit = (host: string) => get(cluster.ports.proxy, { host });

  it("run what ran, on the drone that it was", async () => {
    await until("both commits", async () => (await readyInstances(cluster)).length === 2);
    const commits = (await readyInstances(cluster)).map(({ report }) => report.commit);
    assert.deepEqual(commits.sort(), [older, newer].sort());
    assert.deepEqual(
      (await readyInstances(cluster)).map(({ drone }) => drone),
      ["old", "old"],
    );
  });

  it("send visitors where they were sent, and know the releases that there are", async () => {
    await until("the proxy", async () => (await visit("webapp.localhost")).status === 200);
    assert.equal((await visit(`${shortCommit(newer)}--webapp.localhost`)).status, 200);
    const shares = (await readyInstances(cluster)).map(({ report, sharePercent }) => [
      report.commit,
      sharePercent,
    ]);
    assert.deepEqual(Object.fromEntries(shares), { [older]: 75, [newer]: 25 });
    const releases = await releasesOf(cluster, "webapp");
    assert.deepEqual(releases.map(({ commit }) => commit).sort(), [older, newer].sort());
  });

  it("keep their history of events", async () => {
    const { stdout } = await cluster.propagit("events");
    assert.match(stdout, /webapp edc7cf0 is ready on 1 drone/);
  });

  it("take new deploys", async () => {
    const { exitCode, stdout, stderr } = await cluster.propagit("deploy", "webapp", older);
    assert.equal(exitCode, 0, stdout + stderr + cluster.output);
  });
});

describe("a data folder of a future version", () => {
  it("is refused, with both versions, and left as it is", async () => {
    const cluster = await Cluster.create();
    try {
      const folder = join(cluster.folder, "hub");
      const hub = await cluster.startHub({ ownRegistry: true, flags: [`--data=${folder}`] });
      await hub.stop();
      const store = await openSqliteStore(join(folder, "hub.db"));
      await store.transact({ writes: [{ kind: "put", key: "format", value: 999 }] });
      await store.close();
      const flags = [`--port=${cluster.ports.hub}`, `--secret=${secret}`, `--data=${folder}`];
      const refused = cluster.start("hub", "propagit", ["hub", ...flags]);
      assert.equal(await refused.exited, exitCodes.machine, refused.output);
      assert.match(refused.output, /999/);
    } finally {
      await cluster.destroy();
    }
  });
});
