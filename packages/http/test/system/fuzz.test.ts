/** Random requests and answers in random pieces, compared end to end; and slow readers, with bounded memory. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { connect } from "node:net";
import type { Writable } from "node:stream";
import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import { describe, it, type TestContext } from "node:test";
import {
  Ends,
  call,
  eventually,
  get,
  startEndpoint,
  startEngine,
  transports,
} from "./support/rig.js";

/** Mulberry32. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const sizes = [0, 1, 5, 100, 4_000, 16_384, 17_000, 70_000, 300_000];

interface Plan {
  readonly seed: number;
  readonly requestBytes: number;
  readonly answerBytes: number;
  readonly isRequestChunked: boolean;
  readonly answer: "length" | "chunked" | "close";
  readonly pieceBytesMax: number;
}

function planOf(seed: number): Plan {
  const random = randomOf(seed);
  const one = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  return {
    seed,
    requestBytes: one(sizes),
    answerBytes: one(sizes),
    isRequestChunked: random() < 0.5,
    answer: one(["length", "length", "chunked", "close"] as const),
    pieceBytesMax: one([7, 100, 1_500, 20_000, 400_000]),
  };
}

function bytesOf(seed: number, count: number): Buffer {
  const random = randomOf(seed);
  const bytes = Buffer.alloc(count);
  for (let at = 0; at < count; at++) bytes[at] = random() * 256;
  return bytes;
}

function hashOf(bytes: Buffer): string {
  return createHash("sha1").update(bytes).digest("hex");
}

/** In pieces of random length, with what the other side has not taken waited for. */
async function sayInPieces(to: Writable, bytes: Buffer, plan: Plan): Promise<void> {
  const random = randomOf(plan.seed + 1);
  // Small pieces of large messages would take for ever.
  const largest = Math.max(plan.pieceBytesMax, bytes.length / 50);
  for (let at = 0; at < bytes.length;) {
    const count = 1 + Math.floor(random() * largest);
    if (!to.write(bytes.subarray(at, at + count))) await once(to, "drain");
    else if (random() < 0.3) await new Promise((resolve) => setImmediate(resolve));
    at += count;
  }
}

/** Answers `/SEED` as its plan says, and tells the hash of what it got. */
async function startRandomEndpoint(context: TestContext): Promise<string> {
  const server = createServer((incoming, response) => void answer(incoming, response));
  const answer = async (incoming: IncomingMessage, response: ServerResponse) => {
    const pieces: Buffer[] = [];
    for await (const piece of incoming) pieces.push(piece as Buffer);
    const plan = planOf(Number(incoming.url?.slice(1)));
    const body = bytesOf(plan.seed + 3, plan.answerBytes);
    const heard = hashOf(Buffer.concat(pieces));
    if (plan.answer === "close") {
      const head = `HTTP/1.1 200 OK\r\nX-Hash: ${heard}\r\n\r\n`;
      await sayInPieces(incoming.socket, Buffer.concat([Buffer.from(head), body]), plan);
      incoming.socket.end();
      return;
    }
    response.setHeader("X-Hash", heard);
    if (plan.answer === "length") response.setHeader("Content-Length", body.length);
    response.flushHeaders();
    await sayInPieces(response, body, plan);
    response.end();
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  context.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `127.0.0.1:${(server.address() as { port: number }).port}`;
}

async function ask(
  port: number,
  plan: Plan,
): Promise<{ status: number; sent: string; got: string; heard: unknown }> {
  const body = bytesOf(plan.seed + 4, plan.requestBytes);
  const socket = connect(port, "127.0.0.1");
  const outgoing = request({
    createConnection: () => socket,
    path: `/${plan.seed}`,
    method: "POST",
    headers: plan.isRequestChunked
      ? { "Transfer-Encoding": "chunked" }
      : { "Content-Length": body.length },
  });
  const answered = once(outgoing, "response") as Promise<[IncomingMessage]>;
  const random = randomOf(plan.seed + 5);
  for (let at = 0; at < body.length;) {
    const count = 1 + Math.floor(random() * Math.max(plan.pieceBytesMax, body.length / 50));
    if (!outgoing.write(body.subarray(at, at + count))) await once(outgoing, "drain");
    at += count;
  }
  outgoing.end();
  const [response] = await answered;
  const pieces: Buffer[] = [];
  for await (const piece of response) pieces.push(piece as Buffer);
  socket.destroy();
  return {
    status: response.statusCode ?? 0,
    sent: hashOf(body),
    got: hashOf(Buffer.concat(pieces)),
    heard: response.headers["x-hash"],
  };
}

const rounds = Number(process.env["FUZZ_ROUNDS"] ?? 300);
const firstSeed = Number(process.env["FUZZ_SEED"] ?? Math.floor(Math.random() * 1e9));

for (const transport of transports) {
  describe(`random messages (${transport})`, () => {
    it("arrive as they were sent, whatever pieces they come in", async (context) => {
      const address = await startRandomEndpoint(context);
      const { port, engine } = await startEngine(context, address, { transport });
      const lanes = Array.from({ length: 8 }, async (_, lane) => {
        for (let round = lane; round < rounds; round += 8) {
          const plan = planOf(firstSeed + round);
          const { status, sent, got, heard } = await ask(port, plan);
          const expected = hashOf(bytesOf(plan.seed + 3, plan.answerBytes));
          const replay = `FUZZ_SEED=${plan.seed} FUZZ_ROUNDS=1: ${JSON.stringify(plan)}`;
          assert.deepEqual(
            { status, heard, got },
            { status: 200, heard: sent, got: expected },
            replay,
          );
        }
      });
      await Promise.all(lanes);
      await eventually(() => engine.counts().inFlight === 0);
    });
  });

  describe(`slow readers (${transport})`, () => {
    it("hold the endpoint back, and memory stays bounded", async (context) => {
      const total = 60_000_000;
      let said = 0;
      const endpoint = await startEndpoint(context, async (peer) => {
        await peer.head();
        peer.say(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`);
        const piece = Buffer.alloc(100_000, "x");
        for (; said < total; said += piece.length) {
          if (!peer.socket.write(piece)) await once(peer.socket, "drain");
        }
      });
      const { port } = await startEngine(context, endpoint.address, { transport });
      const visitor = await call(context, port);
      const before = process.memoryUsage.rss();
      visitor.socket.pause();
      visitor.say(get);
      let last = -1;
      await eventually(() => {
        const isStill = said > 0 && said === last;
        last = said;
        return isStill;
      });
      assert.ok(said < total / 2, `${said} bytes were taken although nobody read`);
      assert.ok(process.memoryUsage.rss() - before < 40_000_000);
      visitor.socket.removeAllListeners("data");
      let got = 0;
      visitor.socket.on("data", (text: string) => (got += text.length));
      visitor.socket.resume();
      await eventually(() => got > total);
    });

    it("at an endpoint hold the visitor back", async (context) => {
      const ends = new Ends();
      const { observer } = ends;
      const total = 60_000_000;
      let isReading = false;
      const endpoint = await startEndpoint(context, async (peer) => {
        await peer.head();
        peer.socket.pause();
        await eventually(() => isReading);
        peer.socket.removeAllListeners("data");
        let got = peer.take(peer.heard.length).length;
        peer.socket.on("data", (text: string) => {
          got += text.length;
          if (got === total) peer.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        });
        peer.socket.resume();
      });
      const { port } = await startEngine(
        context,
        () => ({ kind: "forward", address: endpoint.address, observer }),
        { transport },
      );
      const visitor = await call(context, port);
      visitor.say(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${total}\r\n\r\n`);
      const piece = Buffer.alloc(100_000, "x");
      let said = 0;
      const saying = (async () => {
        for (; said < total; said += piece.length) {
          if (!visitor.socket.write(piece)) await once(visitor.socket, "drain");
        }
      })();
      let last = -1;
      await eventually(() => {
        const isStill = said > 0 && said === last;
        last = said;
        return isStill;
      });
      assert.ok(said < total / 2, `${said} bytes were taken although nobody read`);
      isReading = true;
      await saying;
      await visitor.until("ok");
      assert.equal((await ends.count(1))[0]?.requestBytes, total);
    });
  });
}
