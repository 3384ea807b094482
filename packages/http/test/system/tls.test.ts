import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { connect as connectPlain, createServer, type Server, type Socket } from "node:net";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import { after, before, beforeEach, describe, it } from "node:test";
import { makeCertificate, makeCertificateKey } from "@propagit/runtime";
import { TlsFront, type TlsFrontOptions, type TlsProblem } from "../../src/system/tls.js";
import { makeAuthority } from "../support/certificates.js";

const authority = makeAuthority();
const shop = authority.give("shop.test");
const blog = authority.give("*.blog.test", "blog.test");
const ticketKeys = "5e".repeat(48);

/** A front on a port, that answers each secured connection with what it knows of it. */
class Bench {
  readonly problems: TlsProblem[] = [];
  readonly front: TlsFront;
  readonly server: Server;
  port = 0;

  constructor(options: Partial<TlsFrontOptions> = {}) {
    this.front = new TlsFront({
      protocols: ["h2", "http/1.1"],
      onSecure: (connection, protocol) => answer(connection, protocol),
      onProblem: (problem) => this.problems.push(problem),
      handshakeMs: 60_000,
      ...options,
    });
    this.server = createServer((raw) => this.front.accept(raw));
  }

  async listen(): Promise<this> {
    this.server.listen(0, "127.0.0.1");
    await once(this.server, "listening");
    this.port = (this.server.address() as { port: number }).port;
    return this;
  }

  stop(): void {
    this.front.close();
    this.server.close();
  }

  /** What a client is answered. @throws when no connection comes about */
  async ask(options: ConnectionOptions = {}): Promise<string> {
    const { text } = await this.visit(options);
    return text;
  }

  async visit(options: ConnectionOptions): Promise<{ text: string; session: Buffer | undefined }> {
    const client = connect({
      port: this.port,
      host: "127.0.0.1",
      ca: authority.certificate,
      servername: "shop.test",
      ...options,
    });
    let session: Buffer | undefined;
    client.on("session", (ticket) => (session = ticket));
    let text = "";
    client.setEncoding("utf8").on("data", (part: string) => (text += part));
    await once(client, "close");
    return { text, session };
  }
}

function answer(connection: TLSSocket, protocol: string): void {
  connection.on("error", () => undefined);
  const { servername } = connection as { servername?: string };
  const reused = connection.isSessionReused() ? " again" : "";
  connection.end(`${protocol} ${servername || "nobody"} ${connection.getProtocol()}${reused}`);
}

/** Everything that comes on a plain socket. */
async function plain(port: number, bytes: string | Buffer): Promise<Buffer> {
  const socket = connectPlain(port, "127.0.0.1");
  const parts: Buffer[] = [];
  socket.on("data", (part: Buffer) => parts.push(part)).on("error", () => undefined);
  socket.write(bytes);
  await once(socket, "close");
  return Buffer.concat(parts);
}

/** What a client says first. */
async function helloOf(servername: string): Promise<Buffer> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const client = connect({ port, host: "127.0.0.1", servername });
  client.on("error", () => undefined);
  const [socket] = (await once(server, "connection")) as [Socket];
  const [hello] = (await once(socket, "data")) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return hello;
}

describe("TLS in front", () => {
  let bench: Bench;
  before(async () => {
    bench = await new Bench().listen();
  });
  after(() => bench.stop());
  beforeEach(() => {
    bench.problems.length = 0;
    bench.front.use({ certificates: [shop, blog], challenges: [], ticketKeys });
  });

  it("serves each host with its own certificate", async () => {
    assert.equal(await bench.ask({ servername: "shop.test" }), "http/1.1 shop.test TLSv1.3");
    assert.equal(await bench.ask({ servername: "a.blog.test" }), "http/1.1 a.blog.test TLSv1.3");
    assert.equal(await bench.ask({ servername: "SHOP.test" }), "http/1.1 SHOP.test TLSv1.3");
  });

  it("speaks what both sides know, and HTTP/1.1 with those who do not say", async () => {
    assert.match(await bench.ask({ ALPNProtocols: ["http/1.1", "h2"] }), /^h2 /);
    assert.match(await bench.ask({ ALPNProtocols: ["http/1.1"] }), /^http\/1\.1 /);
    assert.match(await bench.ask({ ALPNProtocols: ["http/1.0"] }), /^http\/1\.1 /);
    await assert.rejects(bench.ask({ ALPNProtocols: ["spdy/3"] }), /no application protocol/i);
  });

  it("takes TLS 1.2 and 1.3, and nothing older", async () => {
    assert.match(await bench.ask({ maxVersion: "TLSv1.2" }), /TLSv1\.2$/);
    const old = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "ALL:@SECLEVEL=0" } as const;
    await assert.rejects(bench.ask(old), /protocol version/i);
    assert.deepEqual(
      bench.problems.map(({ kind }) => kind),
      ["failed"],
    );
  });

  it("refuses a host without a certificate with an alert that says so", async () => {
    await assert.rejects(bench.ask({ servername: "other.test" }), /unrecognized name/i);
    await assert.rejects(bench.ask({ servername: "" }), /unrecognized name/i);
    assert.deepEqual(
      bench.problems.map(({ kind, reason }) => `${kind}: ${reason}`),
      [
        "unknown-name: there is no certificate for other.test",
        "unknown-name: there is no certificate for no name",
      ],
    );
  });

  it("shows the fallback to those who name no host or an unknown one", async () => {
    bench.front.use({ certificates: [blog], challenges: [], fallback: shop });
    const certificateOf = async (servername: string) => {
      const client = connect({ port: bench.port, servername, rejectUnauthorized: false });
      await once(client, "secureConnect");
      const { subjectaltname } = client.getPeerCertificate();
      client.destroy();
      return subjectaltname;
    };
    assert.equal(await certificateOf(""), "DNS:shop.test");
    assert.equal(await certificateOf("other.test"), "DNS:shop.test");
    assert.equal(await certificateOf("blog.test"), "DNS:*.blog.test, DNS:blog.test");
  });

  it("gives new handshakes new certificates, and no longer the fallback that is gone", async () => {
    bench.front.use({ certificates: [], challenges: [], fallback: shop });
    await bench.ask({ servername: "shop.test" });
    bench.front.use({ certificates: [blog], challenges: [] });
    await assert.rejects(bench.ask({ servername: "shop.test" }), /unrecognized name/i);
    await assert.rejects(bench.ask({ servername: "" }), /unrecognized name/i);
  });

  it("resumes sessions, also those of another front with the same keys", async () => {
    for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
      const { session } = await bench.visit({ maxVersion });
      assert.ok(session);
      assert.match(await bench.ask({ maxVersion, session }), / again$/);
      const other = await new Bench().listen();
      other.front.use({ certificates: [shop], challenges: [], ticketKeys });
      assert.match(await other.ask({ maxVersion, session }), / again$/);
      other.front.use({ certificates: [shop], challenges: [], ticketKeys: "a1".repeat(48) });
      assert.doesNotMatch(await other.ask({ maxVersion, session }), / again$/);
      other.stop();
    }
  });

  it("answers plain HTTP with words", async () => {
    const text = String(await plain(bench.port, "GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n"));
    assert.match(text, /^HTTP\/1\.1 400 Bad Request\r\n/);
    assert.match(text, /\r\n\r\nBAD_REQUEST: this port speaks TLS, .* write https:\/\/\n$/);
    const long = String(await plain(bench.port, `POST / HTTP/1.1\r\n\r\n${"x".repeat(500_000)}`));
    assert.match(long, /^HTTP\/1\.1 400 /);
  });

  it("cuts what is no TLS with an alert, and goes on", async () => {
    assert.deepEqual([...(await plain(bench.port, "\0\0\0"))], [21, 3, 1, 0, 2, 2, 50]);
    const broken = Buffer.from([22, 3, 1, 0, 5, 1, 0, 0, 1, 3]);
    assert.deepEqual([...(await plain(bench.port, broken))], [21, 3, 1, 0, 2, 2, 50]);
    assert.deepEqual(
      bench.problems.map(({ kind }) => kind),
      ["foreign", "foreign"],
    );
    assert.match(await bench.ask(), /^http\/1\.1 shop\.test/);
    assert.equal(bench.front.counts().underWay, 0);
  });

  it("says that a certificate cannot be used, and serves the others", async () => {
    const { key } = blog;
    bench.front.use({ certificates: [{ ...shop, key }, blog], challenges: [] });
    await assert.rejects(bench.ask({ servername: "shop.test" }), /internal error/i);
    assert.match(await bench.ask({ servername: "blog.test" }), /^http\/1\.1 blog\.test/);
    assert.match(bench.problems[0]?.reason ?? "", /^shop\.test: .*key values mismatch/i);
  });

  it("shows an authority the certificate of its challenge, and nobody else", async () => {
    const key = makeCertificateKey();
    const acmeProof = createHash("sha256").update("token.thumbprint").digest();
    const life = { notBefore: Date.now() - 1_000, notAfter: Date.now() + 1_000_000 };
    const certificate = makeCertificate({ ...life, names: ["shop.test"], key, acmeProof });
    const challenge = { names: ["shop.test"], certificate, key };
    bench.front.use({ certificates: [shop], challenges: [challenge] });
    const shown = connect({
      port: bench.port,
      servername: "shop.test",
      ALPNProtocols: ["acme-tls/1"],
      rejectUnauthorized: false,
    });
    await once(shown, "secureConnect");
    assert.equal(shown.alpnProtocol, "acme-tls/1");
    const { raw } = shown.getPeerCertificate();
    assert.ok(raw.includes(acmeProof));
    await once(shown.resume(), "close");
    assert.equal(bench.front.counts().challenges, 1);
    assert.match(await bench.ask(), /^http\/1\.1 shop\.test/);
    const ask = bench.ask({ servername: "blog.test", ALPNProtocols: ["acme-tls/1"] });
    await assert.rejects(ask, /unrecognized name/i);
  });

  it("is HTTPS to Node's own client", async () => {
    const web = new Bench({
      onSecure: (connection, protocol, raw) => {
        assert.equal(protocol, "http/1.1");
        assert.equal(raw.remotePort, connection.remotePort);
        connection.once("data", () =>
          connection.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
        );
      },
    });
    await web.listen();
    web.front.use({ certificates: [shop], challenges: [] });
    const asked = request({ port: web.port, servername: "shop.test", ca: authority.certificate });
    asked.setHeader("Host", "shop.test");
    asked.end();
    const [answered] = (await once(asked, "response")) as [IncomingMessage];
    assert.equal(answered.statusCode, 200);
    answered.resume();
    await once(answered, "end");
    web.stop();
  });
});

describe("TLS in front, within bounds", () => {
  it("takes what was read of a socket and put back before", async () => {
    const bench = new Bench();
    bench.server.removeAllListeners("connection");
    bench.server.on("connection", (raw: Socket) => {
      raw.once("data", (bytes: Buffer) => {
        raw.pause();
        raw.unshift(bytes);
        bench.front.accept(raw);
      });
    });
    await bench.listen();
    bench.front.use({ certificates: [shop], challenges: [] });
    assert.match(await bench.ask(), /^http\/1\.1 shop\.test/);
    bench.stop();
  });

  it("cuts those who send no hello, or no more after it, in time", async () => {
    const bench = await new Bench({ handshakeMs: 150 }).listen();
    bench.front.use({ certificates: [shop], challenges: [] });
    await plain(bench.port, Buffer.from([22, 3]));
    // Said by somebody who then says nothing more.
    const hello = await helloOf("shop.test");
    await plain(bench.port, hello);
    assert.deepEqual(
      bench.problems.map(({ kind, reason }) => `${kind}: ${reason}`),
      ["slow: no hello came in time", "slow: the handshake took too long"],
    );
    while (bench.front.counts().underWay > 0) await new Promise(setImmediate);
    bench.stop();
  });

  it("cuts the oldest of more handshakes at once than it may have", async () => {
    const bench = await new Bench({ handshakesMax: 2 }).listen();
    bench.front.use({ certificates: [shop], challenges: [] });
    const waiting = [1, 2].map(() => connectPlain(bench.port, "127.0.0.1"));
    await Promise.all(waiting.map((socket) => once(socket, "connect")));
    while (bench.front.counts().underWay < 2) await new Promise(setImmediate);
    const cut = once(waiting[0] as Socket, "close");
    assert.match(await bench.ask(), /^http\/1\.1 shop\.test/);
    await cut;
    assert.equal(bench.problems.at(-1)?.kind, "overloaded");
    assert.equal(waiting[1]?.destroyed, false);
    for (const socket of waiting) socket.destroy();
    while (bench.front.counts().underWay > 0) await new Promise(setImmediate);
    bench.stop();
  });

  it("survives clients that go away at any moment", async () => {
    const bench = await new Bench().listen();
    bench.front.use({ certificates: [shop], challenges: [] });
    for (let after = 0; after < 40; after += 1) {
      const client = connect({ port: bench.port, servername: "shop.test" });
      client.on("error", () => undefined);
      for (let turn = 0; turn < after; turn += 1) await new Promise(setImmediate);
      client.destroy();
    }
    while (bench.front.counts().underWay > 0) await new Promise(setImmediate);
    assert.match(await bench.ask(), /^http\/1\.1 shop\.test/);
    bench.stop();
  });
});
