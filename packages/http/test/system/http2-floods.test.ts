/** Visitors of HTTP/2 who send what brings nothing, and those who only look like them. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { connect as connectHttp2, constants, type ClientHttp2Session } from "node:http2";
import { connect, type AddressInfo, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { setTimeout as pass } from "node:timers/promises";
import { describe, it, type TestContext } from "node:test";
import { Engine } from "../../src/engine.js";
import type { Direction } from "../../src/exchange.js";
import { makeAuthority } from "../support/certificates.js";
import { eventually, startEngine } from "./support/rig.js";

const own = { kind: "answer", status: 200, headers: [], body: "hi" } as const;
const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", "latin1");

/** RFC 9113, section 4.1. */
function frame(type: number, stream: number, payload: readonly number[]): Buffer {
  return Buffer.from([0, 0, payload.length, type, 0, 0, 0, 0, stream, ...payload]);
}

interface Flooding {
  /** A frame. */
  readonly bytes: Buffer;
  /** Of the answer that each asks for. */
  readonly answerBytes?: number;
}

const floods: Readonly<Record<string, Flooding>> = {
  PRIORITY: { bytes: frame(2, 3, [0, 0, 0, 0, 16]) },
  // Thirty times the same one.
  SETTINGS: {
    bytes: frame(4, 0, Array.from({ length: 30 }, () => [0, 4, 0, 1, 0, 0]).flat()),
    answerBytes: 9,
  },
  PING: { bytes: frame(6, 0, [1, 2, 3, 4, 5, 6, 7, 8]), answerBytes: 17 },
  WINDOW_UPDATE: { bytes: frame(8, 0, [0, 0, 0, 1]) },
  "frames nobody knows": { bytes: frame(0xee, 0, [1, 2, 3, 4]) },
};

/** When so many more wait for their answers, nghttp2 ends a connection by itself, and for another reason. */
const framesAtOnce = 500;

/** Sends the frame over and over until the other side ends. @returns all that it said */
async function flood(socket: Socket, { bytes, answerBytes = 0 }: Flooding): Promise<Buffer> {
  const said: Buffer[] = [];
  let saidBytes = 0;
  socket.on("error", () => undefined);
  socket.on("data", (part: Buffer) => {
    said.push(part);
    saidBytes += part.length;
  });
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.write(preface);
  const many = Buffer.concat(Array.from({ length: framesAtOnce }, () => bytes));
  const isOver = () => socket.destroyed || socket.readableEnded;
  for (let answersBytes = 0; !isOver();) {
    socket.write(many);
    answersBytes += framesAtOnce * answerBytes;
    const wanted = answersBytes;
    // Some 50,000 frames a second: a socket that is only written to would never hear the answer.
    await pass(10);
    await eventually(() => saidBytes >= wanted || isOver());
  }
  socket.destroy();
  await closed;
  return Buffer.concat(said);
}

/** Of the first GOAWAY. */
function goawayCodeOf(said: Buffer): number | undefined {
  for (let at = 0; at + 17 <= said.length; at += 9 + said.readUIntBE(at, 3)) {
    if (said[at + 3] === 7) return said.readUInt32BE(at + 13);
  }
  return undefined;
}

describe("a connection of HTTP/2 is ended that brings nothing but", () => {
  for (const [name, flooding] of Object.entries(floods)) {
    it(name, async (context) => {
      const { engine, port } = await startEngine(context, () => own, { acceptsPlainHttp2: true });
      const said = await flood(connect(port, "127.0.0.1"), flooding);
      assert.equal(goawayCodeOf(said), constants.NGHTTP2_ENHANCE_YOUR_CALM);
      await eventually(() => engine.counts().visitors === 0);
    });
  }

  it("PRIORITY, with TLS and a request under way", async (context) => {
    const authority = makeAuthority();
    const engine = new Engine({ director: { direct: async () => new Promise(() => undefined) } });
    context.after(async () => engine.stop({ graceMs: 0 }));
    engine.useCertificates({ certificates: [authority.give("a.example")], challenges: [] });
    const { port } = await engine.listen({ port: 0, host: "127.0.0.1", tls: true });
    const socket = connectTls({
      port,
      host: "127.0.0.1",
      ca: authority.certificate,
      servername: "a.example",
      ALPNProtocols: ["h2"],
    });
    await once(socket, "secureConnect");
    // :method GET, :scheme https, :path /, :authority a, by HPACK's own table.
    const request = Buffer.from([0, 0, 6, 1, 5, 0, 0, 0, 1, 0x82, 0x87, 0x84, 0x41, 1, 0x61]);
    const asks = eventually(() => engine.counts().requests === 1);
    const flooded = flood(socket, floods["PRIORITY"] ?? assert.fail());
    socket.write(request);
    await asks;
    assert.equal(goawayCodeOf(await flooded), constants.NGHTTP2_ENHANCE_YOUR_CALM);
    await eventually(() => engine.counts().visitors === 0);
  });
});

/** A visitor, and whether he was ever told to go. */
async function visit(
  context: TestContext,
  direct: string | (() => Direction),
): Promise<{
  readonly engine: Engine;
  readonly session: ClientHttp2Session;
  readonly wasEnded: () => boolean;
}> {
  const { engine, port } = await startEngine(context, direct, { acceptsPlainHttp2: true });
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  context.after(() => session.destroy());
  let wasEnded = false;
  session.on("goaway", () => (wasEnded = true)).on("close", () => (wasEnded = true));
  session.on("error", () => undefined);
  return { engine, session, wasEnded: () => wasEnded };
}

async function bytesOf(readable: AsyncIterable<unknown>): Promise<number> {
  let bytes = 0;
  for await (const piece of readable) bytes += (piece as Buffer).length;
  return bytes;
}

/** Longer than noise is measured over, three times. */
const spanMs = 3_500;

describe("a connection of HTTP/2 goes on", () => {
  it("that uploads and downloads for long, in pieces of any size", async (context) => {
    const backend = createServer((request, answer) => {
      request.pipe(answer);
    }).listen(0, "127.0.0.1");
    await once(backend, "listening");
    context.after(() => backend.close().closeAllConnections());
    const { session, wasEnded } = await visit(
      context,
      `127.0.0.1:${(backend.address() as AddressInfo).port}`,
    );
    const sent = [100, 16_000, 100_000].map(async (size) => {
      const stream = session.request({ ":method": "POST", ":path": "/" });
      const heard = bytesOf(stream);
      const piece = Buffer.alloc(size, "x");
      let bytes = 0;
      for (
        const endMs = Date.now() + spanMs;
        Date.now() < endMs || bytes < size * 100;
        bytes += size
      ) {
        if (!stream.write(piece)) await once(stream, "drain");
        else await pass(0);
      }
      stream.end();
      assert.equal(await heard, bytes);
    });
    await Promise.all(sent);
    assert.equal(wasEnded(), false);
  });

  it("that pings, 300 times a second", async (context) => {
    const { session, wasEnded } = await visit(context, () => own);
    let answered = 0;
    const isEnough = () => answered >= 500;
    for (const endMs = Date.now() + spanMs; Date.now() < endMs || !isEnough();) {
      for (let count = 0; count < 3; count++) session.ping(() => (answered += 1));
      await pass(10);
    }
    assert.equal(wasEnded(), false);
  });

  it("that asks for much in a short time", async (context) => {
    const { session, wasEnded } = await visit(context, () => own);
    let answered = 0;
    const ask = async () => {
      for (const endMs = Date.now() + spanMs; Date.now() < endMs || answered < 1_000; answered++) {
        const stream = session.request({ ":path": "/", "x-changing": `${answered}`.repeat(100) });
        assert.equal(await bytesOf(stream), 2);
      }
    };
    await Promise.all(Array.from({ length: 32 }, ask));
    assert.equal(wasEnded(), false);
  });

  it("whose uploads are refused while they come", async (context) => {
    const { engine, session, wasEnded } = await visit(context, () => ({ ...own, status: 413 }));
    // Node ends connections with a thousand frames for streams that are over: here are 16 for each.
    for (let uploads = 0; uploads < 30; uploads++) {
      const stream = session.request({ ":method": "POST", ":path": "/" });
      stream.on("error", () => undefined).resume();
      stream.write(Buffer.alloc(1_000_000));
      await once(stream, "end");
      // Node's client keeps a stream whose writes nobody will take.
      stream.destroy();
      await pass(spanMs / 30);
    }
    assert.equal(wasEnded(), false);
    // What nobody read of them is not kept.
    await eventually(() => engine.counts().idleVisitors === 1);
  });
});
