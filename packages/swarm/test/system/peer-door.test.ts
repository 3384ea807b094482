/** Who is let in, who is not, and what strangers learn and can use up. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer as createPlain, type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";
import {
  connect as connectTls,
  createServer,
  type ConnectionOptions,
  type TLSSocket,
} from "node:tls";
import { describe, it, type TestContext } from "node:test";
import { PropagitError } from "@propagit/protocol";
import { makeCertificate, makeCertificateKey } from "@propagit/runtime";
import { temporaryFolder } from "../support/folders.js";
import { secureOptions } from "../../src/system/tls-options.js";
import {
  claim,
  dial,
  Ear,
  encodeClaim,
  keyOf,
  lineThrough,
  openDoor,
  stranger,
} from "../support/lines.js";

const expired = { ...claim, expiresAt: Date.now() - 1 };
const foreign = { ...claim, artifact: "b".repeat(64) };

describe("the door", () => {
  const wrong = {
    "a wrong key": () => [claim, "0".repeat(64)] as const,
    "a claim that has expired": () => [expired, keyOf(expired)] as const,
    "an expired claim that was made longer": () => [claim, keyOf(expired)] as const,
    "a claim of another holder": () => [{ ...claim, holder: "web-2" }, keyOf(claim)] as const,
    "an artifact that is not here": () => [foreign, keyOf(foreign)] as const,
  };
  /** Peers that are early or late do the same: nothing to be told of a few. */
  const isUnknown = new Set(["a claim that has expired", "an artifact that is not here"]);
  for (const [what, made] of Object.entries(wrong)) {
    it(`refuses ${what}, and says the same as to everybody`, async (test) => {
      const { port, accepted, warnings } = await openDoor(test);
      const [as, key] = made();
      const error = await dial(port, as, key).catch((thrown: unknown) => thrown);
      assert.ok(error instanceof PropagitError, String(error));
      assert.equal(error.code, "DENIED", error.message);
      assert.match(error.message, /does not take the grant/);
      assert.equal(accepted.length, 0);
      const told = "refused a connection for pieces from 127.0.0.1: its key is wrong";
      assert.deepEqual(warnings, isUnknown.has(what) ? [] : [told]);
      // Nobody can ask which artifacts there are.
      const known = await answerTo(port, encodeClaim(claim), "1".repeat(64));
      assert.deepEqual(await answerTo(port, encodeClaim(as), "2".repeat(64)), known);
    });
  }

  const noise: Record<string, string | Buffer> = {
    "plain HTTP": "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    garbage: Buffer.alloc(5_000, 0x99),
    "a record of TLS with garbage in it": Buffer.from([0x16, 3, 1, 2, 0, ...Array(512).fill(7)]),
    "a record that is too long": Buffer.from([0x16, 3, 1, 0xff, 0xff, ...Array(70_000).fill(1)]),
  };
  for (const [what, bytes] of Object.entries(noise)) {
    it(`ends ${what}, and has given nothing away`, async (test) => {
      const { port, accepted } = await openDoor(test);
      const { socket, ended } = await stranger(port);
      socket.write(bytes);
      const heard = await ended;
      assert.ok(heard.length <= 7, `it heard ${heard.toString("hex")}`);
      assert.equal(accepted.length, 0);
    });
  }

  it("ends a stranger who speaks TLS but has no key", async (test) => {
    const { port, accepted } = await openDoor(test);
    const socket = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false });
    const [error] = (await once(socket, "error")) as [Error];
    assert.match(error.message, /handshake failure|alert/i);
    assert.equal(accepted.length, 0);
  });

  const slow: Record<string, number> = {
    "who says nothing": 0,
    "with half a handshake": 120,
    "who says one byte and no more": 1,
  };
  for (const [what, count] of Object.entries(slow)) {
    it(`ends somebody ${what} when his time is over`, async (test) => {
      const { port, warnings } = await openDoor(test, { limitMs: 300 });
      const { socket, ended } = await stranger(port);
      socket.write((await helloOf()).subarray(0, count));
      assert.equal((await ended).length, 0);
      assert.match(warnings.join(), /was too slow/);
    });
  }

  it("ends somebody who goes on byte by byte when his time is over", async (test) => {
    const { port, warnings } = await openDoor(test, { limitMs: 400 });
    const { socket, ended } = await stranger(port);
    const hello = await helloOf();
    let at = 0;
    const trickle = setInterval(() => socket.write(hello.subarray(at, ++at)), 10);
    await ended;
    clearInterval(trickle);
    assert.match(warnings.join(), /was too slow/);
  });

  it("has room for a peer while strangers hold all they can, and says so only once a minute", async (test) => {
    const door = await openDoor(test, { totalMax: 8, perAddressMax: 4 });
    const strangers = await Promise.all(Array.from({ length: 40 }, () => stranger(door.port)));
    const { dialled, accepted } = await lineThrough(test, door);
    const ear = new Ear(accepted).listen();
    new Ear(dialled).listen();
    dialled.send(Buffer.from("here"));
    await ear.until(() => ear.bytes === 4);
    assert.equal(door.warnings.length, 1);
    assert.match(door.warnings[0] ?? "", /had to make room/);
    for (const { socket } of strangers) socket.destroy();
    await Promise.all(strangers.map(({ ended }) => ended));
  });

  it("keeps lines when it closes, and ends who waits", async (test) => {
    const door = await openDoor(test);
    const { dialled, accepted } = await lineThrough(test, door);
    const { ended } = await stranger(door.port);
    const { dialled: last } = await lineThrough(test, door);
    door.door.close();
    await ended;
    const ear = new Ear(accepted).listen();
    dialled.send(Buffer.from("still"));
    await ear.until(() => ear.bytes === 5);
    last.close();
  });
});

describe("who dials", () => {
  it("refuses somebody who shows a certificate instead of knowing the key", async (test) => {
    const { port } = await impostor(test);
    await assert.rejects(dial(port), { code: "DENIED" });
  });

  it("refuses him also when the process is told to believe everybody", async (test) => {
    const { port } = await impostor(test);
    const before = process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
    process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
    test.after(() => {
      if (before === undefined) delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
      else process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = before;
    });
    await assert.rejects(dial(port), { code: "DENIED" });
  });

  it("refuses him also when his certificate is of an authority that this machine believes", async (test) => {
    const { port, certificateFile } = await impostor(test);
    const program = `
      import { tlsNetwork } from ${JSON.stringify(new URL("../../src/system/tls-network.js", import.meta.url).href)};
      const claim = ${JSON.stringify(claim)};
      await tlsNetwork.dial({ host: "localhost", port: ${port} }, claim, "${keyOf(claim)}", 5000)
        .then(() => console.log("in"), (error) => console.log(error.code));
      process.exit();`;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
      env: { ...process.env, NODE_EXTRA_CA_CERTS: certificateFile },
    });
    let output = "";
    child.stdout.on("data", (bytes) => (output += bytes));
    child.stderr.on("data", (bytes) => (output += bytes));
    await once(child, "close");
    assert.equal(output, "DENIED\n");
  });
});

describe("a line's secrets", () => {
  it("are of TLS 1.3, made afresh for each line, with AES-128-GCM", async (test) => {
    const { port } = await openDoor(test);
    const socket = await secured(test, port);
    assert.equal(socket.getProtocol(), "TLSv1.3");
    assert.equal(socket.getCipher().name, "TLS_AES_128_GCM_SHA256");
    const { type, name } = socket.getEphemeralKeyInfo() as { type: string; name: string };
    assert.deepEqual({ type, name }, { type: "ECDH", name: "X25519" });
    assert.equal(socket.isSessionReused(), true, "the key of the claim is what proves both");
    assert.deepEqual(socket.getPeerCertificate(), {});
  });

  it("do not survive it: a session that is shown again opens nothing", async (test) => {
    const { port, accepted, next } = await openDoor(test);
    const sessions: Buffer[] = [];
    const socket = await secured(test, port, {}, (bytes) => sessions.push(bytes));
    // Tickets would come with the first bytes of the other side, as would these.
    const heard = once(socket, "data");
    (await next()).send(Buffer.from("hello"));
    await heard;
    const shown = [...sessions, socket.getSession()].filter((it) => it !== undefined);
    assert.ok(shown.length > 0, "there is something to show");
    for (const session of shown) {
      const again = connectTls({ ...options(port), session, pskCallback: () => null });
      const [error] = (await once(again, "error")) as [Error];
      assert.match(error.message, /alert|disconnected|reset/i);
    }
    assert.equal(accepted.length, 1);
  });

  it("are made afresh although a client would go without", async (test) => {
    const { port, next } = await openDoor(test);
    void next().then((line) => line.send(Buffer.from("hello")));
    const session = await openssl(port, "-psk", keyOf(claim), "-psk_identity", encodeClaim(claim));
    if (session === undefined) return test.skip("openssl is not here");
    assert.match(session, /Temp Key: X25519/);
    assert.match(session, /Reused, TLSv1\.3/, "the key was taken");
  });
});

/** What a client says that also offers to go without a fresh key exchange; undefined when there is none. */
function openssl(port: number, ...psk: string[]): Promise<string | undefined> {
  const args = [
    "s_client",
    "-connect",
    `127.0.0.1:${port}`,
    "-tls1_3",
    "-allow_no_dhe_kex",
    ...psk,
  ];
  const child = spawn("openssl", args);
  let output = "";
  const onData = (bytes: Buffer) => {
    output += bytes.toString();
    if (output.includes("hello")) child.kill();
  };
  child.stdout.on("data", onData);
  child.stderr.on("data", onData);
  const limit = setTimeout(() => child.kill(), 10_000);
  return new Promise((resolve) => {
    child.once("error", () => resolve(undefined));
    child.once("exit", () => clearTimeout(limit));
    child.once("close", () => resolve(output));
  });
}

/** A server of TLS with a certificate for every name, that knows no key. */
async function impostor(test: TestContext): Promise<{ port: number; certificateFile: string }> {
  const key = makeCertificateKey();
  const now = Date.now();
  const cert = makeCertificate({
    names: ["localhost", "127.0.0.1"],
    key,
    notBefore: now - 60_000,
    notAfter: now + 3_600_000,
  });
  const folder = await temporaryFolder(test);
  const certificateFile = join(folder, "certificate.pem");
  await writeFile(certificateFile, cert);
  const server = createServer({ key, cert, minVersion: "TLSv1.3" });
  server.on("secureConnection", (socket) => socket.on("error", () => undefined));
  server.on("tlsClientError", (_, socket) => socket.destroy());
  server.listen(0);
  await once(server, "listening");
  test.after(() => server.close());
  return { port: (server.address() as AddressInfo).port, certificateFile };
}

function options(port: number): ConnectionOptions {
  return {
    ...secureOptions,
    host: "127.0.0.1",
    port,
    checkServerIdentity: () => undefined,
  };
}

/** A client of TLS with the right key that is not ours, so that all can be asked of it. */
async function secured(
  test: TestContext,
  port: number,
  more: ConnectionOptions = {},
  session: (bytes: Buffer) => void = () => undefined,
): Promise<TLSSocket> {
  const psk = Buffer.from(keyOf(claim), "hex");
  const socket = connectTls({
    ...options(port),
    pskCallback: () => ({ psk, identity: encodeClaim(claim) }),
    ...more,
  });
  socket.on("session", session);
  socket.on("error", () => undefined);
  test.after(() => socket.destroy());
  await once(socket, "secureConnect");
  return socket;
}

/** What a stranger with this identity and key is answered, after the handshake's first message. */
async function answerTo(port: number, identity: string, key: string): Promise<string> {
  const socket = connectTls({
    ...options(port),
    pskCallback: () => ({ psk: Buffer.from(key, "hex"), identity }),
  });
  const [error] = (await once(socket, "error")) as [Error & { code?: string }];
  return `${error.code}`;
}

/** The first message of an honest peer. */
async function helloOf(): Promise<Buffer> {
  const server = createPlain().listen(0, "127.0.0.1");
  await once(server, "listening");
  const connecting = dial((server.address() as AddressInfo).port);
  connecting.catch(() => undefined);
  const [socket] = (await once(server, "connection")) as [Socket];
  const [bytes] = (await once(socket, "data")) as [Buffer];
  socket.destroy();
  server.close();
  await connecting.catch(() => undefined);
  return bytes;
}
