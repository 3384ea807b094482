import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { request, type IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { test } from "node:test";
import { openRaw } from "../support/ask.js";
import { app, startApp, startRig, until } from "../support/rig.js";

const bulkBytes = 100 * 1024 * 1024;
/** What sockets and streams between both ends may hold: far below what is sent, above any kernel's buffers. */
const heldBytesMax = 24 * 1024 * 1024;

test("passes an event stream on as it comes, its head before any event", async (t) => {
  const events: ((event: string) => void)[] = [];
  const { port } = await startApp(t, (_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.flushHeaders();
    events.push((event) => response.write(event));
  });
  const rig = await startRig(t, { endpoints: [app(port)] });
  const { socket, received } = openRaw(rig.port);
  t.after(() => socket.destroy());
  socket.write("GET / HTTP/1.1\r\nHost: webapp.localhost\r\n\r\n");
  await until("the head is there", () => /text\/event-stream[^]*\r\n\r\n$/.test(received()));
  for (const event of ["data: one\n\n", "data: two\n\n"]) {
    events[0]?.(event);
    await until(`${event.trim()} is there`, () => received().includes(event));
  }
});

test("passes 100 MB down at the visitor's pace, and all of it", async (t) => {
  const sent = { bytes: 0 };
  const { port } = await startApp(t, (_request, response) => {
    response.writeHead(200, { "content-length": bulkBytes });
    bulk(sent).pipe(response);
  });
  const rig = await startRig(t, { endpoints: [app(port)] });
  const incoming = await get(rig.port);
  await holdsStill(() => sent.bytes);
  assert.ok(sent.bytes < heldBytesMax, `${sent.bytes} bytes were taken though nobody read`);
  assert.equal(await digest(incoming), await digest(bulk({ bytes: 0 })));
});

test("passes 100 MB up at the app's pace, and all of it", async (t) => {
  const sent = { bytes: 0 };
  let received: Promise<string> | undefined;
  let readOn = () => undefined as void;
  const { port } = await startApp(t, (incoming, response) => {
    readOn = () => {
      received = digest(incoming);
      void received.then((text) => response.end(text));
    };
  });
  const rig = await startRig(t, { endpoints: [app(port)] });
  const outgoing = request({ port: rig.port, host: "127.0.0.1", method: "POST", agent: false });
  outgoing.setHeader("host", "webapp.localhost");
  bulk(sent).pipe(outgoing);
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.on("response", resolve);
    outgoing.on("error", reject);
  });
  await until("the upload has begun", () => sent.bytes > 0);
  await holdsStill(() => sent.bytes);
  assert.ok(sent.bytes < heldBytesMax, `${sent.bytes} bytes were taken though nobody read`);
  readOn();
  (await answer).resume();
  assert.equal(await received, await digest(bulk({ bytes: 0 })));
});

test("passes an early answer on while the visitor still sends, and ends the connection after it", async (t) => {
  const { port } = await startApp(t, (incoming, response) => {
    response.writeHead(413, { "content-length": 8 });
    response.end("too much");
    incoming.resume();
  });
  const rig = await startRig(t, { endpoints: [app(port)] });
  const { socket, received } = openRaw(rig.port);
  t.after(() => socket.destroy());
  socket.write("POST / HTTP/1.1\r\nHost: webapp.localhost\r\nContent-Length: 1000000\r\n\r\n");
  socket.write("x".repeat(500_000));
  await until("the answer is there", () => received().endsWith("too much"));
  assert.match(received(), /^HTTP\/1\.1 413 [^]*\r\nConnection: close\r\n/i);
  await until("the connection has ended", () => socket.readableEnded);
});

/** The same bytes each time, counted as they are read. */
function bulk(sent: { bytes: number }): Readable {
  const piece = Buffer.alloc(64 * 1024);
  return new Readable({
    read() {
      const isOver = sent.bytes >= bulkBytes;
      piece.fill(sent.bytes / piece.length);
      if (!isOver) sent.bytes += piece.length;
      this.push(isOver ? null : Buffer.from(piece));
    },
  });
}

async function digest(stream: Readable): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of stream) hash.update(piece as Buffer);
  return hash.digest("hex");
}

function get(port: number): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { host: "webapp.localhost" };
    const outgoing = request({ port, host: "127.0.0.1", agent: false, headers });
    outgoing.on("response", resolve).on("error", reject).end();
  });
}

/** Waits until a number has not changed for 20 looks in a row. */
async function holdsStill(look: () => number): Promise<void> {
  let last = -1;
  let still = 0;
  await until("nothing moves any more", () => {
    still = look() === last ? still + 1 : 0;
    last = look();
    return still >= 20;
  });
}
