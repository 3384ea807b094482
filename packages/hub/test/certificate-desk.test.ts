import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  makeCertificate,
  makeCertificateKey,
  nodeCrypto,
  readCertificateChain,
  readCertificatePair,
  simulate,
  type Conversation,
} from "@propagit/runtime";
import { openMemoryStore } from "@propagit/store";
import { CertificateDesk } from "../src/certificate-desk.js";
import { Ledger } from "../src/ledger.js";
import { SimAuthority } from "./support/sim-authority.js";
import { SimRepositories } from "./support/sim-repositories.js";
import { simPlanMeans } from "./support/plan-means.js";

const sessionKey = "5e".repeat(32);
const conversation = { peer: { sessionKey } } as unknown as Conversation;
const dayMs = 86_400_000;
const nothing = { addHosts: [], dropHosts: [], addAllow: [], dropAllow: [] };
const { signal } = new AbortController();

async function open() {
  const { clock, worldOf } = ((sim) => ({ clock: sim.clock, worldOf: () => sim.worldOf("hub") }))(
    simulate(1),
  );
  const store = openMemoryStore();
  const ledger = await Ledger.open(store, clock);
  const authority = new SimAuthority(clock);
  const certificates = {
    ...authority.means,
    read: readCertificatePair,
    readAlone: readCertificateChain,
  };
  const settingsKey = "a1".repeat(32);
  const repositories = new SimRepositories();
  const own = { store, settingsKey, repositories, plans: simPlanMeans };
  const desk = new CertificateDesk({ ...worldOf(), ...own, certificates }, ledger);
  const list = () => desk.list({ part: () => undefined });
  const give = (names: readonly string[], days = 90) => {
    const key = makeCertificateKey();
    const now = clock.now();
    const life = { notBefore: now - dayMs, notAfter: now + days * dayMs };
    return { certificate: makeCertificate({ ...life, names, key }), key };
  };
  const opened = (key: string) => desk.keyOf({ key }, { conversation });
  const add = ({ certificate, key }: { certificate: string; key: string }) =>
    desk.add({ certificate, key: opened(nodeCrypto.encrypt(sessionKey, key)), by: "ann" });
  return { desk, ledger, store, list, give, add };
}

describe("the desk of certificates", () => {
  it("keeps a certificate, and its key only hidden", async () => {
    const { add, give, list, store, ledger } = await open();
    const pair = give(["shop.test", "*.shop.test"]);
    const { state, source, by } = await add(pair);
    assert.deepEqual([state, source, by], ["valid", "file", "ann"]);
    assert.deepEqual(list().certificates[0]?.names, ["shop.test", "*.shop.test"]);
    const onDisk = JSON.stringify(await store.list(""));
    const secret = pair.key.split("\n")[1] ?? assert.fail();
    assert.ok(!onDisk.includes(secret));
    assert.ok(onDisk.includes("BEGIN CERTIFICATE"));
    const [event] = await ledger.events(1);
    assert.match(event?.text ?? "", /^ann added a certificate of shop\.test for shop\.test, \*\./);
  });

  it("replaces what was added for just the same hosts, and nothing else", async () => {
    const { add, give, list } = await open();
    const first = await add(give(["a.test", "b.test"]));
    const other = await add(give(["a.test"]));
    const second = await add(give(["b.test", "a.test"]));
    const ids = list().certificates.map(({ id }) => id);
    assert.ok(!ids.includes(first.id ?? ""));
    assert.deepEqual(new Set(ids), new Set([other.id, second.id]));
  });

  it("refuses what cannot be used, and says why", async () => {
    const { add, desk, give } = await open();
    const refused = { code: "BAD_CERTIFICATE" };
    await assert.rejects(add(give(["a.test"], -1)), { ...refused, message: /was over on 20/ });
    const [one, two] = [give(["a.test"]), give(["a.test"])];
    const mixed = { certificate: one.certificate, key: two.key };
    await assert.rejects(add(mixed), { ...refused, message: /does not belong/ });
    assert.throws(() => desk.keyOf(one, { conversation }), {
      ...refused,
      message: /not hidden under the session's key/,
    });
  });

  it("takes away what is for a name, by its id too, and asks no authority for it any more", async () => {
    const { add, desk, give, list } = await open();
    await add(give(["a.test", "b.test"]));
    const { id = "" } = await add(give(["c.test"]));
    await desk.acme({ ...nothing, agree: true, addHosts: ["d.test"] }, { signal });
    assert.equal((await desk.remove({ name: "b.test" })).removed.length, 1);
    assert.equal((await desk.remove({ name: id })).removed[0]?.names[0], "c.test");
    assert.deepEqual((await desk.remove({ name: "d.test" })).removed, []);
    assert.deepEqual([list().certificates, list().acme?.hosts], [[], []]);
    await assert.rejects(desk.remove({ name: "a.test" }), { code: "NO_CERTIFICATE" });
  });

  it("sets up an authority once its terms are agreed to, and changes what it is asked for", async () => {
    const { desk } = await open();
    await assert.rejects(desk.acme({ ...nothing }, { signal }), {
      code: "BAD_USAGE",
      message: "the authority has terms: https://authority.test/terms",
    });
    const first = await desk.acme({ ...nothing, agree: true, addHosts: ["a.test"] }, { signal });
    assert.equal(first.directory, "https://acme-v02.api.letsencrypt.org/directory");
    const change = { addHosts: ["b.test"], dropHosts: ["a.test"], addAllow: ["*"], dropAllow: [] };
    const { hosts, allow, challenge } = await desk.acme(
      { ...change, challenge: "tls-alpn-01" },
      { signal },
    );
    assert.deepEqual([hosts, allow, challenge], [["b.test"], ["*"], "tls-alpn-01"]);
    for (const addHosts of [["10.0.0.1"], ["localhost"]]) {
      const asked = desk.acme({ ...nothing, addHosts }, { signal });
      await assert.rejects(asked, { code: "BAD_USAGE", message: /can check whether/ });
    }
  });
});
