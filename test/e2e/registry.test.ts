/** The `registry` command line: run, register, query, watch, show. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Cluster, closeConnections, get, until, type DaemonProcess } from "@propagit/test-support";

const app = `
  const port = process.argv.at(-1);
  if (port !== process.env.PORT) throw new Error("two ports");
  require("node:http").createServer((q, r) => r.end("here")).listen(port);
`;

describe("the registry's command line", () => {
  let cluster: Cluster;
  let watch: DaemonProcess;
  let address = "";

  before(async () => {
    cluster = await Cluster.create();
    address = cluster.registryAddress;
    await cluster.startRegistry();
    watch = cluster.start("watch", "registry", ["watch", address]);
  });

  after(async () => {
    closeConnections();
    await cluster.destroy();
  });

  it("runs a command on a free port and registers it while it listens there", async () => {
    const args = ["register", address, "api@1.4.2", "--meta=zone=eu", "--", "node", "-e", app];
    const running = cluster.start("register", "registry", args);
    await watch.said(/up +api@1\.4\.2 at 127\.0\.0\.1:\d+/);
    const { stdout } = await cluster.registry("query", address, "api@^1.2");
    const [endpoint] = JSON.parse(stdout) as { port: number; meta: Record<string, string> }[];
    assert.ok(endpoint);
    assert.equal(endpoint.meta["zone"], "eu");
    assert.equal((await get(endpoint.port)).body, "here");
    const shown = JSON.parse((await cluster.registry(address, "show")).stdout) as object;
    assert.deepEqual(shown, { "-": { api: [{ host: "127.0.0.1", port: endpoint.port }] } });

    await running.stop();
    await watch.said(/down +api@1\.4\.2 .*freed/);
    await assert.rejects(get(endpoint.port), /ECONNREFUSED/);
    assert.equal((await cluster.registry("query", address, "api")).stdout, "[]");
  });

  it("finds nothing for a range that nobody fits, and refuses what is no range", async () => {
    assert.equal((await cluster.registry(address, "query", "api@^9")).stdout, "[]");
    const refused = await cluster.registry("query", address, "api@x@y");
    assert.equal(refused.exitCode, 2);
    assert.match(refused.stderr, /is not a range/);
  });

  it("starts a command again that ended, and says so", async () => {
    const dies = "setTimeout(() => process.exit(4), 50)";
    const args = ["register", address, "short@1.0.0", "--", "node", "-e", dies];
    const running = cluster.start("register", "registry", args);
    await until("a second start", () => running.output.split(/code 4/).length > 2);
    await running.stop();
  });
});
