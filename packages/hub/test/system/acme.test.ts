/** The hub against a real authority: pebble. */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import type { CertificateSummary } from "@propagit/protocol";
import type { Conversation } from "@propagit/runtime";
import {
  pebbleMissing,
  startPebble,
  type Pebble,
  type PebbleOptions,
} from "@propagit/test-support";
import { startAcmeProxy, type AcmeProxy } from "../support/acme-proxy.js";
import { makeBench, until, type Bench } from "../support/real-hub.js";

interface Setting {
  readonly bench: Bench;
  readonly proxy: AcmeProxy;
  readonly pebble: Pebble;
  readonly hub: Conversation;
}

async function setUp(test: TestContext, options: Partial<PebbleOptions> = {}): Promise<Setting> {
  const bench = await makeBench(test);
  const proxy = await startAcmeProxy(test);
  const folder = join(bench.folder, "pebble");
  await mkdir(folder);
  const { httpPort, tlsPort } = proxy;
  const pebble = await startPebble({ folder, httpPort, tlsPort, ...options });
  test.after(() => pebble.stop());
  const hub = await bench.connect();
  return { bench, proxy, pebble, hub };
}

function acme(
  { hub, pebble }: Pick<Setting, "hub" | "pebble">,
  wish: { hosts?: string[]; challenge?: "http-01" | "tls-alpn-01" } = {},
) {
  const { hosts: addHosts = ["shop.test"], challenge = "http-01" } = wish;
  const nothing = { dropHosts: [], addAllow: [], dropAllow: [] };
  const place = { directory: pebble.directory, authority: pebble.ca, agree: true };
  const whole = { ...place, ...nothing, addHosts, challenge, email: "ann@shop.test", by: "ann" };
  return hub.call("hub.acme", whole, { limitMs: 30_000 });
}

async function listed(hub: Conversation): Promise<readonly CertificateSummary[]> {
  return (await hub.call("hub.certificates", {})).certificates;
}

async function untilListed(
  hub: Conversation,
  what: string,
  isTrue: (all: readonly CertificateSummary[]) => boolean,
): Promise<readonly CertificateSummary[]> {
  let all: readonly CertificateSummary[] = [];
  await until(what, async () => isTrue((all = await listed(hub)))).catch((thrown: unknown) => {
    throw new Error(`${String(thrown)}: ${JSON.stringify(all)}`);
  });
  return all;
}

const areValid = (count: number) => (all: readonly CertificateSummary[]) =>
  all.filter(({ state }) => state === "valid").length === count;

describe("a hub and an authority", { skip: pebbleMissing }, () => {
  for (const challenge of ["http-01", "tls-alpn-01"] as const) {
    it(`gets certificates by ${challenge} and tells proxies`, async (test) => {
      const setting = await setUp(test);
      const { proxy, hub, bench, pebble } = setting;
      proxy.follow(await bench.connect());
      const { directory, hosts } = await acme(setting, {
        hosts: ["shop.test", "blog.test", "a.b.test"],
        challenge,
      });
      assert.deepEqual([directory, hosts.length], [pebble.directory, 3]);
      const all = await untilListed(hub, "there are three", areValid(3));
      assert.deepEqual(
        all.map(({ names, source, by }) => `${names.join()} ${source} ${by}`),
        ["a.b.test acme ann", "blog.test acme ann", "shop.test acme ann"],
      );
      assert.match(all[0]?.issuer ?? "", /Pebble Intermediate/);
      await until("the proxy has them", () => proxy.certificates.size === 3);
      await until("challenges are over", () => proxy.challenges.length === 0);
      const root = new X509Certificate(await pebble.root());
      for (const { certificate, key } of proxy.certificates.values()) {
        const [leaf, ...chain] = certificate
          .split(/(?=-----BEGIN)/)
          .map((pem) => new X509Certificate(pem));
        assert.ok(chain.at(-1)?.checkIssued(root));
        assert.match(key, /BEGIN PRIVATE KEY/);
        assert.ok(leaf);
      }
      const kinds = (await bench.events()).map(({ kind }) => kind);
      assert.equal(kinds.filter((kind) => kind === "certificate-renewed").length, 3);
    });
  }

  it("gives no keys to a proxy without TLS, and challenges all the same", async (test) => {
    const setting = await setUp(test);
    const { proxy, hub, bench } = setting;
    proxy.follow(await bench.connect(), { keys: false });
    await acme(setting);
    await untilListed(hub, "there is one", areValid(1));
    assert.equal(proxy.certificates.size, 0);
    assert.match(proxy.asked[0] ?? "", /^\/\.well-known\/acme-challenge\/./);
  });

  it("renews what is short-lived by itself, with a new key", async (test) => {
    const setting = await setUp(test, { lifeSeconds: 12 });
    const { proxy, bench, hub } = setting;
    proxy.follow(await bench.connect());
    await acme(setting);
    await untilListed(hub, "there is one", areValid(1));
    const former = [...proxy.certificates.values()];
    await until("it is renewed", () => {
      const now = [...proxy.certificates.values()];
      return now.length === 1 && now[0]?.id !== former[0]?.id;
    });
    assert.notEqual([...proxy.certificates.values()][0]?.key, former[0]?.key);
  });

  it("renews at once when it is asked to", async (test) => {
    const setting = await setUp(test);
    const { proxy, bench, hub } = setting;
    proxy.follow(await bench.connect());
    await acme(setting);
    const [former] = await untilListed(hub, "there is one", areValid(1));
    await hub.call("hub.certificate-renew", { hosts: ["shop.test"], by: "bea" });
    const [now] = await untilListed(hub, "another one", ([one]) => one?.id !== former?.id);
    assert.equal(now?.by, "bea");
    const strange = hub.call("hub.certificate-renew", { hosts: ["other.test"] });
    await assert.rejects(strange, { code: "NO_CERTIFICATE" });
  });

  it("says why the authority does not believe it, and waits before it asks again", async (test) => {
    const setting = await setUp(test, { httpPort: 1 });
    const { proxy, bench, hub } = setting;
    proxy.follow(await bench.connect());
    const now = Date.now();
    await acme(setting);
    const [failed] = await untilListed(hub, "it failed", ([one]) => one?.state === "failing");
    assert.match(failed?.error ?? "", /does not believe that the host is ours: .*\(connection\)$/);
    assert.equal(failed?.failures, 1);
    assert.ok((failed?.nextAt ?? 0) > now + 90_000);
    const events = (await bench.events()).filter(({ kind }) => kind === "certificate-failed");
    assert.equal(events.length, 1);
    assert.equal(proxy.challenges.length, 0);
  });

  it("asks the authority for nothing while no proxy could answer, and at once when one comes", async (test) => {
    const setting = await setUp(test);
    const { proxy, bench, hub, pebble } = setting;
    await acme(setting);
    const [waiting] = await untilListed(hub, "it waits", ([one]) => one?.error !== undefined);
    assert.match(waiting?.error ?? "", /^no proxy is connected/);
    assert.doesNotMatch(pebble.output, /order-plz/);
    proxy.follow(await bench.connect());
    await untilListed(hub, "there is one", areValid(1));
  });

  it("waits for every proxy before the authority is told to look", async (test) => {
    const setting = await setUp(test);
    const { proxy, bench, hub } = setting;
    proxy.follow(await bench.connect(), { confirms: false });
    await acme(setting);
    await until("the challenge is shown", () => proxy.challenges.length === 1);
    assert.deepEqual(proxy.asked, []);
    const [failed] = await untilListed(hub, "it gives up", ([one]) => one?.error !== undefined);
    assert.match(failed?.error ?? "", /^proxies did not take the challenge in time: /);
    assert.deepEqual(proxy.asked, []);
  });

  it("goes on with an order that it began in its former life", async (test) => {
    const setting = await setUp(test);
    const { proxy, bench, pebble } = setting;
    proxy.follow(await bench.connect(), { confirms: false });
    await acme(setting);
    await until("the challenge is shown", () => proxy.challenges.length === 1);
    const [{ token } = { token: "" }] = proxy.challenges;
    await bench.restart();
    proxy.follow(await bench.connect());
    await untilListed(await bench.connect(), "there is one", areValid(1));
    assert.equal(pebble.output.match(/There are now \d+ orders in the db/g)?.length, 1);
    assert.ok(proxy.asked.some((path) => path.endsWith(token)));
  });

  it("keeps accounts, and says what is wrong with a wish at once", async (test) => {
    const setting = await setUp(test);
    const { hub, pebble } = setting;
    const nothing = { addHosts: [], dropHosts: [], addAllow: [], dropAllow: [] };
    const place = { directory: pebble.directory, authority: pebble.ca };
    const wish = (more: object) => hub.call("hub.acme", { ...nothing, ...place, ...more });
    await assert.rejects(wish({}), {
      code: "BAD_USAGE",
      message: /^the authority has terms: data:text/,
    });
    const untrusted = { directory: pebble.directory, ...nothing, agree: true };
    await assert.rejects(hub.call("hub.acme", untrusted), {
      code: "CERTIFICATE_FAILED",
      message: /cannot be reached: (?:self-signed|unable to (?:get|verify))/,
    });
    await assert.rejects(wish({ authority: "x" }), { code: "BAD_CERTIFICATE" });
    await assert.rejects(wish({ directory: "http://localhost/dir" }), { code: "BAD_USAGE" });
    await assert.rejects(wish({ addHosts: ["1.2.3.4"] }), { code: "BAD_USAGE" });
    const mistaken = wish({ agree: true, email: "ann@example.com bob" });
    await assert.rejects(mistaken, { code: "CERTIFICATE_FAILED" });
    await wish({ agree: true, email: "ann@shop.test" });
    await hub.call("hub.acme", { ...nothing, addAllow: ["*.shop.test"] });
    const { acme: set } = await hub.call("hub.certificates", {});
    assert.deepEqual([set?.allow, set?.email], [["*.shop.test"], "ann@shop.test"]);
    await hub.call("hub.acme", { ...nothing, email: "bea@shop.test" });
    assert.equal(pebble.output.match(/There are now \d+ accounts in memory/g)?.length, 1);
  });
});
