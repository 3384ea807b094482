import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CertificateUpdate } from "@propagit/protocol";
import { nodeCrypto, simulate, type Conversation, type World } from "@propagit/runtime";
import { Certificates, type CertificateState } from "../../src/system/certificates.js";

const sessionKey = "5e".repeat(32);
const hidden = (text: string) => nodeCrypto.encrypt(sessionKey, text);

function certificate(name: string, changes: { source?: "file" | "acme"; notAfter?: number } = {}) {
  const id = Buffer.from(name.padEnd(8).slice(0, 8)).toString("hex");
  const { source = "acme", notAfter = 100 } = changes;
  const names = [`${name}.test`];
  return { id, names, source, notAfter, certificate: `cert ${name}`, key: hidden(`key ${name}`) };
}

function update(changes: Partial<CertificateUpdate> = {}): CertificateUpdate {
  return { revision: 1, whole: false, certificates: [], dropped: [], challenges: [], ...changes };
}

/** A proxy's certificates on a hub that says what the test wants. */
class Bench {
  readonly world: World;
  readonly certificates: Certificates;
  readonly applied: CertificateState[] = [];
  /** Revisions that the hub was told. */
  readonly told: number[] = [];
  asked: unknown;
  tell: (update: CertificateUpdate) => void = () => assert.fail("nobody follows");

  constructor(
    options: {
      readonly world?: World;
      readonly clusterKey?: string;
      readonly hasTls?: boolean;
    } = {},
  ) {
    const { world = simulate(1).worldOf("proxy"), clusterKey = "k", hasTls = true } = options;
    this.world = world;
    this.certificates = new Certificates(world, { dataFolder: "/data", clusterKey, hasTls });
    this.certificates.onChange((state) => {
      this.applied.push(state);
      return Promise.resolve();
    });
  }

  follow(): void {
    this.certificates.follow({
      isOpen: true,
      peer: { sessionKey },
      call: (_: string, params: unknown, { onPart }: { onPart: Bench["tell"] }) => {
        this.asked = params;
        this.tell = onPart;
        return new Promise(() => undefined);
      },
      tell: (_: string, { revision }: { revision: number }) => void this.told.push(revision),
    } as unknown as Conversation);
  }

  get pairs(): readonly string[] {
    const { certificates } = this.certificates.state.material;
    return certificates.map(({ names, key }) => `${names.join()} ${key}`);
  }
}

describe("certificates of the hub", () => {
  it("are shown with their keys in clear, and confirmed once all who serve go by them", async () => {
    const bench = new Bench();
    await bench.certificates.load();
    bench.follow();
    assert.deepEqual(bench.asked, { keys: true });
    const tickets = "ab".repeat(48);
    bench.tell(update({ whole: true, certificates: [certificate("a")], more: true }));
    assert.equal(bench.applied.length, 0);
    bench.tell(update({ certificates: [certificate("b")], ticketKeys: hidden(tickets) }));
    assert.deepEqual(bench.told, []);
    await Promise.resolve();
    await bench.certificates.stop();
    assert.deepEqual(bench.told, [1]);
    assert.deepEqual(bench.pairs, ["a.test key a", "b.test key b"]);
    assert.equal(bench.applied[0]?.material.ticketKeys, tickets);
  });

  it("change by what is told, and begin anew with a whole one", async () => {
    const bench = new Bench();
    bench.follow();
    const [a, b] = [certificate("a"), certificate("b")];
    bench.tell(update({ whole: true, certificates: [a, b] }));
    bench.tell(update({ dropped: [a.id], certificates: [certificate("c")] }));
    assert.deepEqual(bench.pairs, ["b.test key b", "c.test key c"]);
    bench.tell(update({ whole: true, certificates: [a] }));
    assert.deepEqual(bench.pairs, ["a.test key a"]);
    await bench.certificates.stop();
  });

  it("that somebody gave come before those of an authority, those good for longer first", async () => {
    const bench = new Bench();
    bench.follow();
    const certificates = [
      certificate("acme", { notAfter: 300 }),
      certificate("old", { source: "file", notAfter: 100 }),
      certificate("new", { source: "file", notAfter: 200 }),
    ];
    bench.tell(update({ whole: true, certificates }));
    assert.deepEqual(
      bench.pairs.map((pair) => pair.split(".")[0]),
      ["new", "old", "acme"],
    );
    await bench.certificates.stop();
  });

  it("are there in the next life, hidden at rest, for whoever knows the secret", async () => {
    const bench = new Bench();
    bench.follow();
    bench.tell(update({ whole: true, certificates: [certificate("a")] }));
    await bench.certificates.stop();
    const content = (await bench.world.disk.read("/data/certificates")) ?? assert.fail();
    assert.doesNotMatch(content, /key a|cert a/);
    const next = new Bench({ world: bench.world });
    await next.certificates.load();
    assert.deepEqual(next.pairs, ["a.test key a"]);
    await next.certificates.stop();
    const stranger = new Bench({ world: bench.world, clusterKey: "other" });
    await stranger.certificates.load();
    assert.deepEqual(stranger.pairs, []);
    await stranger.certificates.stop();
  });

  it("come without keys to a proxy without TLS, which answers challenges all the same", async () => {
    const bench = new Bench({ hasTls: false });
    await bench.certificates.load();
    bench.follow();
    assert.deepEqual(bench.asked, { keys: false });
    const challenge = { host: "a.test", token: "t", keyAuthorization: "t.x" };
    const challenges = [
      { ...challenge, kind: "http-01" as const },
      {
        ...challenge,
        kind: "tls-alpn-01" as const,
        token: "u",
        certificate: "c",
        key: hidden("k"),
      },
    ];
    bench.tell(update({ whole: true, challenges }));
    const { answers, material } = bench.certificates.state;
    assert.deepEqual(answers, { t: "t.x", u: "t.x" });
    assert.deepEqual(material.challenges, [{ names: ["a.test"], certificate: "c", key: "k" }]);
    bench.tell(update());
    assert.deepEqual(bench.certificates.state.answers, {});
    await bench.certificates.stop();
    assert.equal(await bench.world.disk.read("/data/certificates"), undefined);
  });
});
