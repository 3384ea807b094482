import assert from "node:assert/strict";
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { makeCertificate, makeCertificateKey, SimClock } from "@propagit/runtime";
import {
  CertificateFiles,
  type CertificateFilesOptions,
} from "../../src/system/certificates-files.js";
import { challengeAnswer } from "../../src/system/certificates-challenge.js";
import { pairFiles } from "../../src/system/certificates-pairs.js";

const dayMs = 86_400_000;

function give(names: readonly string[], days = 90): { certificate: string; key: string } {
  const key = makeCertificateKey();
  const notAfter = Date.now() + days * dayMs;
  const life = { notBefore: Date.now() - 2 * dayMs, notAfter };
  return { certificate: makeCertificate({ ...life, names, key }), key };
}

class Bench {
  readonly said: string[] = [];
  readonly clock = new SimClock(Date.now());
  readonly folder: string;
  files!: CertificateFiles;
  changes = 0;

  constructor(folder: string) {
    this.folder = folder;
  }

  static async make(test: TestContext): Promise<Bench> {
    const folder = await mkdtemp(join(tmpdir(), "propagit-certificates-"));
    const bench = new Bench(folder);
    test.after(async () => {
      await bench.files?.stop();
      await rm(folder, { recursive: true, force: true });
    });
    return bench;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  async write(name: string, content: string): Promise<void> {
    await writeFile(this.path(`${name}.new`), content);
    await rename(this.path(`${name}.new`), this.path(name));
  }

  async put(name: string, { certificate, key }: { certificate: string; key: string }) {
    await this.write(`${name}.pem`, certificate);
    await this.write(`${name}.key`, key);
  }

  open(options: Partial<CertificateFilesOptions>): Promise<void> {
    const world = {
      clock: this.clock,
      log: {
        info: (message: string) => void this.said.push(message),
        warn: (message: string) => void this.said.push(message),
      },
    };
    this.files = new CertificateFiles(world, { pairs: [], ...options }, () => (this.changes += 1));
    return this.files.load();
  }

  pair(name: string, ...hosts: readonly string[]) {
    return { hosts, certificate: this.path(`${name}.pem`), key: this.path(`${name}.key`) };
  }

  /** The next look, to its end. */
  async look(): Promise<void> {
    await this.clock.advance(2_000);
    await this.files.settled();
  }

  get names(): readonly string[] {
    return this.files.certificates.map(({ names }) => names.join());
  }
}

describe("certificates of files", () => {
  it("are for the hosts that they name, or for those that are said", async (test) => {
    const bench = await Bench.make(test);
    await bench.put("shop", give(["shop.test", "*.shop.test"]));
    await bench.open({
      pairs: [
        bench.pair("shop"),
        bench.pair("shop", "a.shop.test"),
        { ...bench.pair("shop", "*"), key: bench.path("shop.key") },
      ],
    });
    // The same files three times are one; the first one counts.
    assert.deepEqual(bench.names, ["shop.test,*.shop.test"]);
    assert.deepEqual(bench.said, []);
  });

  it("may be the fallback of hosts without one", async (test) => {
    const bench = await Bench.make(test);
    await bench.put("any", give(["shop.test"]));
    await bench.open({ pairs: [bench.pair("any", "*")] });
    assert.deepEqual(
      bench.files.certificates.map(({ names, isFallback }) => [names, isFallback]),
      [[[], true]],
    );
  });

  it("that are named and wrong are said at once, with file and reason", async (test) => {
    const bench = await Bench.make(test);
    const pair = give(["shop.test"]);
    await bench.put("shop", pair);
    const opened = (...hosts: string[]) => bench.open({ pairs: [bench.pair("shop", ...hosts)] });
    const failing = async (message: RegExp, work: Promise<void>) => {
      await assert.rejects(work, { code: "BAD_CERTIFICATE", message });
      await bench.files.stop();
    };
    await failing(/shop\.pem: it is for shop\.test, and not for blog\.test$/, opened("blog.test"));
    await bench.write("shop.key", give(["x"]).key);
    await failing(/shop\.pem: the key does not belong to the certificate$/, opened());
    await rm(bench.path("shop.key"));
    await failing(/shop\.key cannot be read: ENOENT$/, opened());
    await bench.write("shop.key", pair.key);
    await opened("shop.test");
  });

  it("are read again when they change; the old one stays until the new one is whole", async (test) => {
    const bench = await Bench.make(test);
    await bench.put("shop", give(["shop.test"]));
    await bench.open({ pairs: [bench.pair("shop")] });
    const [former] = bench.files.certificates;
    const next = give(["shop.test", "new.test"]);
    await bench.write("shop.pem", next.certificate.slice(0, 100));
    await bench.look();
    assert.deepEqual([bench.files.certificates[0], bench.changes, bench.said], [former, 0, []]);
    await bench.look();
    assert.match(bench.said[0] ?? "", /shop\.pem: there is no certificate in it .* goes on with/);
    await bench.look();
    assert.equal(bench.said.length, 1);
    await bench.write("shop.pem", next.certificate);
    await bench.look();
    assert.deepEqual(bench.files.certificates[0], former);
    await bench.write("shop.key", next.key);
    await bench.look();
    assert.deepEqual([bench.names, bench.changes], [["shop.test,new.test"], 1]);
    const until = new Date(bench.files.certificates[0]?.notAfter ?? 0).toISOString().slice(0, 10);
    const taken = `is shown from now on: for shop.test, new.test, until ${until}`;
    assert.equal(bench.said.at(-1), `certificate ${bench.path("shop.pem")} ${taken}`);
    const { length } = bench.said;
    await bench.look();
    // Written again as it is: nothing new.
    await bench.write("shop.pem", next.certificate);
    await bench.look();
    assert.deepEqual([bench.changes, bench.said.length], [1, length]);
  });

  it("of a folder come and go with their files", async (test) => {
    const bench = await Bench.make(test);
    await bench.open({ folder: bench.folder });
    assert.deepEqual(bench.names, []);
    await bench.put("a", give(["a.test"]));
    await mkdir(bench.path("b.test"));
    const b = give(["b.test"]);
    await bench.write("b.test/fullchain.pem", b.certificate);
    await bench.write("b.test/privkey.pem", b.key);
    await bench.look();
    assert.deepEqual(
      bench.names.toSorted((left, right) => (left < right ? -1 : 1)),
      ["a.test", "b.test"],
    );
    await rm(bench.path("a.pem"));
    await bench.look();
    assert.equal(bench.names.length, 2, "a moment is not for ever");
    await bench.look();
    assert.deepEqual([bench.names, bench.changes], [["b.test"], 2]);
    assert.equal(
      bench.said.at(-1),
      `certificate ${bench.path("a.pem")} is gone, and shown no more`,
    );
  });

  it("are wanted from a folder that is there, with files or none", async (test) => {
    const bench = await Bench.make(test);
    const opened = bench.open({ folder: bench.path("nowhere") });
    const message = `the folder ${bench.path("nowhere")} cannot be read: ENOENT`;
    await assert.rejects(opened, { code: "BAD_CERTIFICATE", message });
    await mkdir(bench.path("empty"));
    await bench.open({ folder: bench.path("empty") });
    assert.deepEqual(bench.said, []);
  });

  it("of a folder stay while a key is replaced in two steps, or the folder is gone for a moment", async (test) => {
    const bench = await Bench.make(test);
    await mkdir(bench.path("one"));
    await bench.put("one/a", give(["a.test"]));
    await symlink(bench.path("one"), bench.path("live"));
    await bench.open({ folder: bench.path("live") });
    await rm(bench.path("one/a.key"));
    await bench.look();
    assert.deepEqual(bench.names, ["a.test"]);
    await rm(bench.path("live"));
    await bench.look();
    await bench.look();
    assert.deepEqual(bench.names, ["a.test"]);
    assert.match(bench.said.join("\n"), /live cannot be read: ENOENT; keeps those it has/);
    await mkdir(bench.path("two"));
    await bench.put("two/a", give(["a.test", "b.test"]));
    await symlink(bench.path("two"), bench.path("live"));
    await bench.look();
    assert.deepEqual(bench.names, ["a.test,b.test"]);
  });

  it("that end soon are said once a day", async (test) => {
    const bench = await Bench.make(test);
    await bench.put("soon", give(["soon.test"], 3));
    await bench.put("over", give(["over.test"], -1));
    await bench.open({ folder: bench.folder });
    assert.match(bench.said.join("\n"), /soon\.test ends on 20/);
    assert.match(bench.said.join("\n"), /over\.test is over since 20/);
    await bench.look();
    assert.equal(bench.said.length, 2);
  });
});

describe("files of a folder", () => {
  it("belong together as the usual tools name them", () => {
    const files = [
      "a.pem",
      "a.key",
      "b.crt",
      "b.key.pem",
      "c.pem",
      "c-key.pem",
      "both.pem",
      "notes.txt",
      ".hidden.pem",
      "live/cert.pem",
      "live/chain.pem",
      "live/fullchain.pem",
      "live/privkey.pem",
    ];
    assert.deepEqual(
      pairFiles(files).map(({ certificate, key }) => `${certificate} ${key}`),
      [
        "a.pem a.key",
        "b.crt b.key.pem",
        "both.pem both.pem",
        "c.pem c-key.pem",
        "live/fullchain.pem live/privkey.pem",
      ],
    );
  });
});

describe("the answer to a challenge", () => {
  const answers = { "token-1": "token-1.thumbprint" };

  it("is the key authorization, for tokens of ours only", () => {
    const place = "/.well-known/acme-challenge/";
    const body = (target: string) => challengeAnswer(answers, target)?.body;
    assert.equal(body(`${place}token-1`), "token-1.thumbprint");
    assert.equal(body(`${place}token-1?x=1`), "token-1.thumbprint");
    for (const target of ["token-2", "", "toString", "__proto__", "token-1/x"]) {
      assert.equal(challengeAnswer(answers, `${place}${target}`), undefined, target);
    }
    assert.equal(challengeAnswer(answers, "/token-1"), undefined);
  });
});
