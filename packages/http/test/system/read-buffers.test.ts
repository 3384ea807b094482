/** How many large buffers are in use, however many answers are under way. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { bulkBuffersInUse, bulkBuffersMax } from "../../src/system/read-buffers.js";
import { call, eventually, get, startEndpoint, startEngine } from "./support/rig.js";

/** A visitor who asks and takes nothing yet. */
function ask(context: TestContext, port: number): Socket {
  const visitor = connect(port, "127.0.0.1").pause();
  context.after(() => visitor.destroy());
  visitor.write(get.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
  return visitor;
}

async function bodyHashOf(visitor: Socket): Promise<string> {
  const hash = createHash("sha1");
  let head = "";
  visitor.on("data", (bytes: Buffer) => {
    const before = head.length;
    const at = head.endsWith("\r\n\r\n")
      ? 0
      : (head += bytes.toString("latin1")).indexOf("\r\n\r\n");
    if (at < 0) return;
    if (at > 0) head = head.slice(0, at + 4);
    hash.update(at > 0 ? bytes.subarray(at + 4 - before) : bytes);
  });
  visitor.resume();
  await once(visitor, "end");
  return hash.digest("hex");
}

describe("many answers at once", () => {
  it("to visitors who take nothing hold so many buffers and no more, and all end with the right bytes", async (context) => {
    const body = randomBytes(6_000_000);
    const backend = createServer((_request, answer) => answer.end(body)).listen(0, "127.0.0.1");
    await once(backend, "listening");
    context.after(() => backend.close().closeAllConnections());
    const address = `127.0.0.1:${(backend.address() as AddressInfo).port}`;
    const { engine, port } = await startEngine(context, address);
    const before = bulkBuffersInUse();
    const count = bulkBuffersMax + 44;
    const visitors = Array.from({ length: count }, () => ask(context, port));
    let most = 0;
    const watch = setInterval(() => (most = Math.max(most, bulkBuffersInUse())), 1);
    context.after(() => clearInterval(watch));
    await eventually(() => engine.counts().inFlight === count && bulkBuffersInUse() > before + 100);
    const wanted = createHash("sha1").update(body).digest("hex");
    // A few at a time: all of them would be 2 GB here.
    for (let first = 0; first < count; first += 16) {
      const hashes = await Promise.all(visitors.slice(first, first + 16).map(bodyHashOf));
      for (const hash of hashes) assert.equal(hash, wanted);
    }
    assert.ok(most <= bulkBuffersMax, `${most} were in use`);
    await eventually(() => engine.counts().visitors === 0);
    await engine.stop({ graceMs: 0 });
    await eventually(() => bulkBuffersInUse() === before);
  });

  it("that say little leave most buffers to those that say much", async (context) => {
    const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    const { address, peers } = await startEndpoint(context, async (peer) => {
      await peer.head();
      peer.say(`${head}2\r\nhi\r\n`);
    });
    const { engine, port } = await startEngine(context, address);
    const count = bulkBuffersMax + 44;
    const visitors = await Promise.all(
      Array.from({ length: count }, async () => (await call(context, port)).say(get)),
    );
    for (const visitor of visitors) await visitor.until("hi\r\n");
    assert.ok(bulkBuffersInUse() <= bulkBuffersMax / 2, `${bulkBuffersInUse()} are in use`);
    for (const peer of peers) peer.say("3\r\nyou\r\n0\r\n\r\n");
    for (const visitor of visitors)
      assert.equal(await visitor.until("0\r\n\r\n"), "3\r\nyou\r\n0\r\n\r\n");
    await engine.stop({ graceMs: 0 });
    await eventually(() => bulkBuffersInUse() === 0);
  });

  it("keep no buffer at an idle endpoint when many are in use", async (context) => {
    const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    const large = "x".repeat(100_000);
    const { address, peers } = await startEndpoint(context, async (peer) => {
      await peer.head();
      // Whole only when the test says so.
      peer.say(`${head}${large.length.toString(16)}\r\n${large}`);
    });
    const { engine, port } = await startEngine(context, address);
    const count = bulkBuffersMax;
    const visitors = await Promise.all(
      Array.from({ length: count }, async () => (await call(context, port)).say(get)),
    );
    await Promise.all(visitors.map(async (visitor) => visitor.until(large)));
    for (const peer of peers) peer.say("\r\n0\r\n\r\n");
    await Promise.all(visitors.map(async (visitor) => visitor.until("0\r\n\r\n")));
    assert.ok(engine.counts().idleEndpoints > bulkBuffersMax / 2);
    await eventually(() => bulkBuffersInUse() <= bulkBuffersMax / 2);
  });
});
