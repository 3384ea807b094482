/** Something nobody here wrote: Node-RED with its node_modules checked in, through the proxy. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import {
  closeConnections,
  Cluster,
  get,
  placeRealApp,
  realAppCommand,
  until,
  WorkTree,
} from "@propagit/test-support";
import { WebSocket } from "ws";

describe("a real application from the npm registry", () => {
  let cluster: Cluster;
  let tree: WorkTree;
  let problem: string | undefined;

  before(async () => {
    cluster = await Cluster.create();
    tree = await WorkTree.create(join(cluster.folder, "flows"));
    problem = await placeRealApp(tree.folder);
    await cluster.startHub({ ownRegistry: true });
    await cluster.startProxy();
    const data = `--env=DATA=${join(cluster.folder, "data")}`;
    await cluster.startDrone(realAppCommand, ["--service=http", data]);
  });

  after(async () => {
    closeConnections();
    await cluster.destroy();
  });

  it("is pushed with thousands of files, deployed, and answers through the proxy", async (t) => {
    if (skipped(t)) return;
    const commit = await tree.commit("node_modules checked in");
    const files = (await tree.git("ls-files")).split("\n").length;
    assert.ok(files > 5_000, `${files} files`);
    await tree.git("push", "--quiet", `http://localhost:${cluster.ports.hub}/flows.git`, "master");
    const { exitCode, stdout } = await cluster.propagit("deploy", "flows", commit.slice(0, 12));
    assert.equal(exitCode, 0, stdout + cluster.output);
    const visit = () => get(cluster.ports.proxy, { host: "flows.localhost" });
    await until("the proxy to serve it", async () => (await visit()).status === 200);
    const page = await visit();
    assert.match(page.body, /<title>Node-RED<\/title>/);
    assert.equal(page.commit, commit);
  });

  it("keeps its websocket through the proxy", async (t) => {
    if (skipped(t)) return;
    const socket = new WebSocket(`ws://localhost:${cluster.ports.proxy}/comms`, {
      headers: { host: "flows.localhost" },
    });
    const message = await new Promise<string>((resolve, reject) => {
      socket.once("error", reject);
      socket.once("open", () => socket.send(JSON.stringify({ subscribe: "#" })));
      socket.once("message", (data: Buffer) => resolve(data.toString()));
    });
    socket.close();
    assert.ok(message.length > 0);
  });

  function skipped(t: TestContext): boolean {
    if (problem !== undefined) t.skip(problem);
    return problem !== undefined;
  }
});
