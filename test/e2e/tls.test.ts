/**
 * Visitors come with TLS: one story through the built command lines, run in order. Two proxies, one of them
 * with several threads, certificates of the hub and of files, clients as they are.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { connect } from "node:tls";
import { after, before, describe, it } from "node:test";
import type { CertificateSummary } from "@propagit/protocol";
import { makeCertificate, makeCertificateKey } from "@propagit/runtime";
import {
  Cluster,
  freePort,
  get,
  closeConnections,
  GatedApp,
  pebbleMissing,
  startPebble,
  until,
  WorkTree,
  type DaemonProcess,
} from "@propagit/test-support";
import { execa } from "execa";

const hosts = [
  "deploy:",
  "  master: production",
  "routes:",
  "  - shop.test",
  "  - blog.test",
  "  - { host: lock.test, httpsOnly: true }",
  "  - { host: safe.test, httpsOnly: true, hsts: 365d }",
].join("\n");

const dayMs = 86_400_000;

class Authority {
  readonly #key = makeCertificateKey();
  readonly certificate: string;
  readonly #life = { notBefore: Date.now() - dayMs, notAfter: Date.now() + 90 * dayMs };

  constructor() {
    const wish = { ...this.#life, names: [], key: this.#key, authority: "test authority" };
    this.certificate = makeCertificate(wish);
  }

  give(...names: readonly string[]): { certificate: string; key: string } {
    const key = makeCertificateKey();
    const issuer = { name: "test authority", key: this.#key };
    return { certificate: makeCertificate({ ...this.#life, names, key, issuer }), key };
  }
}

describe("visitors with TLS", () => {
  const authority = new Authority();
  let cluster: Cluster;
  let hub: DaemonProcess;
  let second: { daemon: DaemonProcess; port: number; tlsPort: number };
  let tlsPort: number;
  let caFile: string;

  before(async () => {
    cluster = await Cluster.create();
    caFile = await file("ca.pem", authority.certificate);
    await write("blog", authority.give("blog.test"));
    hub = await cluster.startHub({ ownRegistry: true });
    await cluster.startDrone([], [`--data=${join(cluster.folder, "a")}`]);
    tlsPort = await freePort();
    await cluster.startProxy(proxyFlags("one", tlsPort));
    second = { port: await freePort(), tlsPort: await freePort(), daemon: hub };
    second.daemon = await startSecond();
    const tree = await WorkTree.create(join(cluster.folder, "webapp"));
    const app = new GatedApp({ folder: cluster.folder, tree, steps: [], more: hosts });
    await app.push("hello", `http://localhost:${cluster.ports.hub}/webapp`);
    await until(
      "visitors come",
      async () => (await get(cluster.ports.proxy, { host: "shop.test" })).status === 200,
    );
  });

  after(async () => {
    closeConnections();
    await cluster.destroy();
  });

  const file = async (name: string, content: string): Promise<string> => {
    const path = join(cluster.folder, name);
    // Whoever reads it in between has the old one or the new one.
    await writeFile(`${path}.new`, content);
    await rename(`${path}.new`, path);
    return path;
  };
  const write = async (
    name: string,
    { certificate, key }: { certificate: string; key: string },
  ) => {
    await file(`${name}.key`, key);
    return file(`${name}.pem`, certificate);
  };
  const proxyFlags = (name: string, tls: number) => [
    `--name=${name}`,
    `--data=${join(cluster.folder, name)}`,
    `--tls-port=${tls}`,
    `--certificate=blog.test=${join(cluster.folder, "blog.pem")},${join(cluster.folder, "blog.key")}`,
  ];
  const startSecond = async () => {
    const flags = [...cluster.hubFlags, `--port=${second.port}`, "--workers=2"];
    const args = ["proxy", ...flags, ...proxyFlags("two", second.tlsPort)];
    const daemon = cluster.start("second proxy", "propagit", args);
    await daemon.said(/listening on \d+, with TLS on \d+/);
    return daemon;
  };

  /** As curl sees it: exit code 0, status and body, or what it says. */
  const curl = async (host: string, port: number, ...more: readonly string[]) => {
    const place = [`https://${host}:${port}/about`, "--resolve", `${host}:${port}:127.0.0.1`];
    const { exitCode, stdout, stderr } = await execa(
      "curl",
      ["-sS", "--max-time", "20", "--cacert", caFile, ...place, ...more],
      { reject: false, env: { HOME: cluster.folder } },
    );
    return { exitCode, stdout, stderr };
  };
  const list = async () => {
    const { stdout } = await cluster.propagit("certificates", "ls", "--json");
    return JSON.parse(stdout) as { certificates: CertificateSummary[] };
  };
  /** A connection to the end of its handshake: certificate, and the session to resume. */
  const shake = async (port: number, servername: string, session?: Buffer) => {
    const ca = authority.certificate;
    const options = { port, host: "127.0.0.1", servername, ca, maxVersion: "TLSv1.2" } as const;
    const client = connect({ ...options, ...(session && { session }) });
    await once(client, "secureConnect");
    const { serialNumber } = client.getPeerCertificate();
    const made = client.getSession();
    const isResumed = client.isSessionReused();
    client.destroy();
    return { serialNumber, session: made, isResumed };
  };

  it("gives all proxies a certificate that was added to the hub", async () => {
    assert.match((await curl("shop.test", tlsPort)).stderr, /alert|unrecognized name/i);
    const pem = await write("shop", authority.give("shop.test", "*.shop.test"));
    const { stdout, exitCode, stderr } = await cluster.propagit(
      "certificates",
      "add",
      pem,
      pem.replace(".pem", ".key"),
    );
    assert.equal(exitCode, 0, stderr);
    assert.match(stdout, /shop\.test, \*\.shop\.test +valid +89d .*test authority/);
    for (const port of [tlsPort, second.tlsPort]) {
      await until("it is served", async () => (await curl("shop.test", port)).exitCode === 0);
    }
    const { names, source, state } = (await list()).certificates[0] ?? assert.fail();
    assert.deepEqual([names, source, state], [["shop.test", "*.shop.test"], "file", "valid"]);
  });

  it("tells the app that its visitor came with TLS", async () => {
    const { stdout, stderr } = await curl("shop.test", second.tlsPort);
    const { headers } = JSON.parse(stdout || "{}") as { headers?: Record<string, string> };
    assert.equal(headers?.["x-forwarded-proto"], "https", stdout + stderr);
    const plain = await get(cluster.ports.proxy, { host: "shop.test", path: "/about" });
    const told = JSON.parse(plain.body) as { headers: Record<string, string> };
    assert.equal(told.headers["x-forwarded-proto"], "http");
  });

  it("serves each host with its own certificate, of a file or of the hub", async () => {
    const [shop, blog] = [await shake(tlsPort, "shop.test"), await shake(tlsPort, "blog.test")];
    assert.notEqual(shop.serialNumber, blog.serialNumber);
    assert.equal((await curl("blog.test", second.tlsPort)).exitCode, 0);
    assert.equal((await curl("other.test", tlsPort)).exitCode, 35);
  });

  it("resumes a session that another proxy began", async () => {
    for (let turn = 0; turn < 4; turn += 1) {
      const { session } = await shake(tlsPort, "shop.test");
      assert.equal((await shake(second.tlsPort, "shop.test", session)).isResumed, true);
    }
  });

  it("takes nothing below TLS 1.2, and says so to those without TLS", async () => {
    const old = ["--tlsv1.0", "--tls-max", "1.1", "--ciphers", "ALL:@SECLEVEL=0"];
    const refused = await curl("shop.test", tlsPort, ...old);
    assert.equal(refused.exitCode, 35, refused.stderr);
    assert.match(refused.stderr, /protocol version/i);
    assert.equal((await curl("shop.test", tlsPort, "--tls-max", "1.2")).exitCode, 0);
    const plain = await get(tlsPort, { host: "shop.test" });
    assert.equal(plain.status, 400);
    assert.match(plain.body, /this port speaks TLS/);
  });

  it("reads files again when they change, and keeps the old one while the new one is wrong", async () => {
    const [one, two] = [tlsPort, second.tlsPort];
    const { serialNumber } = await shake(one, "blog.test");
    const next = authority.give("blog.test");
    await file("blog.pem", next.certificate);
    await until("the mismatch is said", () =>
      /blog\.pem: the key does not belong/.test(cluster.output),
    );
    assert.equal((await shake(one, "blog.test")).serialNumber, serialNumber);
    await file("blog.key", next.key);
    for (const port of [one, two]) {
      await until(
        "the new one is served",
        async () => (await shake(port, "blog.test")).serialNumber !== serialNumber,
      );
    }
  });

  it("sends visitors to https who must use it, on the port where it is", async () => {
    await cluster.propagit(
      "certificates",
      "add",
      await write("safe", authority.give("safe.test")),
      join(cluster.folder, "safe.key"),
    );
    await until("it is served", async () => (await curl("safe.test", tlsPort)).exitCode === 0);
    const place = ["--resolve", `safe.test:${cluster.ports.proxy}:127.0.0.1`];
    const { stdout } = await execa("curl", [
      "-sSi",
      `http://safe.test:${cluster.ports.proxy}/a?b`,
      ...place,
    ]);
    assert.match(stdout, /^HTTP\/1\.1 308 /);
    assert.match(stdout, new RegExp(`location: https://safe\\.test:${tlsPort}/a\\?b`, "i"));
    const secure = await curl("safe.test", tlsPort, "-i");
    assert.match(secure.stdout, /strict-transport-security: max-age=31536000/i);
  });

  it("serves on after a restart while the hub is gone", async () => {
    hub.kill("SIGKILL");
    await hub.exited;
    await second.daemon.stop("SIGTERM");
    second.daemon = await startSecond();
    assert.equal((await curl("shop.test", second.tlsPort)).exitCode, 0);
    hub = await cluster.startHub({ ownRegistry: true });
    await until("the proxy is back", () => /follows hub/.test(second.daemon.output));
  });

  it("no longer shows what was taken away", async () => {
    const { stdout } = await cluster.propagit("certificates", "rm", "*.shop.test");
    assert.match(stdout, /shop\.test/);
    for (const port of [tlsPort, second.tlsPort]) {
      await until("it is gone", async () => (await curl("shop.test", port)).exitCode === 35);
    }
    const { exitCode, stderr } = await cluster.propagit("certificates", "rm", "shop.test");
    assert.equal(exitCode, 5);
    assert.match(stderr, /there is no certificate for shop\.test/);
  });

  it(
    "gets a certificate of an authority, though its hub is killed in the middle",
    { skip: pebbleMissing },
    async (test) => {
      const pebble = await startPebble({
        folder: cluster.folder,
        httpPort: cluster.ports.proxy,
        tlsPort: second.tlsPort,
        // It takes its time to check, so that there is a middle.
        env: { PEBBLE_VA_NOSLEEP: "0", PEBBLE_VA_SLEEPTIME: "4" },
      });
      test.after(() => pebble.stop());
      const known = ["--directory", pebble.directory, "--ca", pebble.caFile, "--agree"];
      const asked = await cluster.propagit("certificates", "acme", ...known, "--allow", "*.test");
      assert.equal(asked.exitCode, 0, asked.stderr);
      await until("it is asked", () => /Pulled a task from the Tasks queue/.test(pebble.output));
      hub.kill("SIGKILL");
      await hub.exited;
      hub = await cluster.startHub({ ownRegistry: true });
      await until(
        "all that miss one have one",
        async () => {
          const { certificates } = await list();
          return certificates.every(({ state }) => state === "valid") && certificates.length > 3;
        },
        // The authority may look while there is no hub; then it is asked once more half a minute later.
        120_000,
      );
      caFile = await file("pebble-root.pem", await pebble.root());
      for (const port of [tlsPort, second.tlsPort]) {
        await until("it is served", async () => (await curl("shop.test", port)).exitCode === 0);
      }
      // That of safe.test is the hub's already. The one of lock.test was checked without TLS, which its
      // visitors must have.
      const { certificates } = await list();
      const acme = certificates.filter(({ source }) => source === "acme");
      assert.deepEqual(
        acme.map(({ names }) => names[0]),
        ["blog.test", "lock.test", "shop.test"],
      );
      const kinds = ["--challenge", "tls-alpn-01", "--host", "alpn.test"];
      assert.equal((await cluster.propagit("certificates", "acme", ...kinds)).exitCode, 0);
      await until(
        "alpn.test has one",
        async () => (await curl("alpn.test", tlsPort)).exitCode === 0,
        60_000,
      );
      const { stdout } = await cluster.propagit("events", "-n", "50");
      assert.match(stdout, /alpn\.test has a certificate of Pebble/);
    },
  );
});
