/** A proxy with a registry and no hub, as its command line says it: real processes, real requests. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Cluster, closeConnections, get, until, type DaemonProcess } from "@propagit/test-support";

const app = (text: string) =>
  `require("node:http").createServer((q, r) => r.end("${text} " + q.url)).listen(process.env.PORT)`;

describe("a proxy without a hub", () => {
  let cluster: Cluster;
  let proxy: DaemonProcess;
  let registry: DaemonProcess;

  before(async () => {
    cluster = await Cluster.create();
    registry = await cluster.startRegistry();
    startService("one", "http@1.4.2");
    startService("two", "http@2.0.0");
    startService("api", "api@0.1.0");
    proxy = await startProxy(["--workers=2"]);
    await until("both services are known", async () => {
      const answers = await Promise.all([ask("beep.example"), ask("beep.example", "/api")]);
      return answers.every(({ status }) => status === 200);
    });
  });

  after(async () => {
    closeConnections();
    await cluster.destroy();
  });

  function startService(text: string, service: string): DaemonProcess {
    const args = ["register", cluster.registryAddress, service, "--", "node", "-e", app(text)];
    return cluster.start(`service ${text}`, "registry", args);
  }

  async function startProxy(flags: readonly string[]): Promise<DaemonProcess> {
    const routes = ["beep.example=http@1.x", "beep.example/api=api", "*=http@^2"];
    const args = [
      "proxy",
      `--registry=${cluster.registryAddress}`,
      ...routes.map((route) => `--route=${route}`),
      `--port=${cluster.ports.proxy}`,
      ...flags,
    ];
    const daemon = cluster.start("proxy", "propagit", args);
    await daemon.said(/listening on/);
    return daemon;
  }

  const ask = (host: string, path = "/") => get(cluster.ports.proxy, { host, path });

  it("goes by host name, path and version", async () => {
    assert.equal((await ask("beep.example", "/a?b")).body, "one /a?b");
    assert.equal((await ask("beep.example", "/api/list")).body, "api /api/list");
    assert.equal((await ask("apish.example", "/api")).body, "two /api");
    assert.equal((await ask("127.0.0.1")).body, "two /");
  });

  it("follows the registry: services come and go", async () => {
    const second = startService("newer", "http@1.5.0");
    await until("the new one gets visitors, too", async () => {
      return (await ask("beep.example")).body.startsWith("newer");
    });
    await second.stop();
    const bodies = new Set<string>();
    for (let count = 1; count <= 20; count++) bodies.add((await ask("beep.example")).body);
    assert.deepEqual([...bodies], ["one /"]);
  });

  it("serves on while the registry is away, also after its own restart", async () => {
    registry.kill("SIGKILL");
    await proxy.said(/registry .* is away/);
    assert.equal((await ask("beep.example")).body, "one /");
    await proxy.stop("SIGTERM");
    proxy = await startProxy([]);
    assert.equal((await ask("beep.example")).body, "one /");
    await cluster.startRegistry();
    await proxy.said(/follows registry/);
    assert.equal((await ask("beep.example")).body, "one /");
  });

  it("says why nobody answers", async () => {
    const other = await Cluster.create();
    try {
      await other.startRegistry();
      const args = [
        "proxy",
        `--registry=${other.registryAddress}`,
        "--route=beep.example=http@1.x",
      ];
      await other
        .start("proxy", "propagit", [...args, `--port=${other.ports.proxy}`])
        .said(/follows registry/);
      const empty = await get(other.ports.proxy, { host: "beep.example" });
      assert.equal(empty.status, 503);
      assert.match(empty.body, /NO_ENDPOINT: .*http@1\.x/);
      const unknown = await get(other.ports.proxy, { host: "boop.example" });
      assert.equal(unknown.status, 404);
    } finally {
      closeConnections();
      await other.destroy();
    }
  });
});
