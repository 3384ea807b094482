import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request, type Server } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { acceptWires, nodeClock, silentLog, webSocketNetwork } from "@propagit/runtime";
import { PeerDoor } from "../../src/system/peer-door.js";
import { sharePort } from "../../src/system/share-port.js";
import type { WaitingRoomLimits } from "../../src/system/waiting-room.js";
import { Ear, dial, knownKey, stranger } from "../support/lines.js";
import type { PeerLine } from "../../src/world.js";

interface Shared {
  readonly port: number;
  readonly server: Server;
  /** The one that is accepted next. */
  readonly nextLine: () => Promise<PeerLine>;
}

/** A server of HTTP that echoes bodies, one path of websockets, and a door for peers, all on one port. */
async function shared(test: TestContext, limits: Partial<WaitingRoomLimits> = {}): Promise<Shared> {
  const lines: PeerLine[] = [];
  let accepted: (line: PeerLine) => void = () => undefined;
  const door = new PeerDoor({
    keyFor: knownKey,
    accept: (line) => {
      lines.push(line);
      accepted(line);
    },
    clock: nodeClock,
    log: silentLog,
  });
  const server = createServer({ headersTimeout: 500 }, (incoming, answer) => incoming.pipe(answer));
  const port = sharePort(server, (socket) => door.accept(socket), limits);
  const wires = acceptWires(server, {
    "/session": (wire) => wire.listen({ message: (it) => wire.send(it), closed: () => undefined }),
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  test.after(async () => {
    for (const line of lines) line.close();
    port.close();
    door.close();
    wires.closeAll();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port: number } = server.address() as AddressInfo;
  const nextLine = () => new Promise<PeerLine>((resolve) => (accepted = resolve));
  return { port: number, server, nextLine };
}

describe("a shared port", () => {
  it("gives HTTP to whoever speaks it, bodies of any size included", async (test) => {
    const { port } = await shared(test);
    assert.equal(await post(port, "small"), "small");
    const large = "x".repeat(3_000_000);
    assert.equal(await post(port, large), large);
  });

  it("keeps several requests of one connection apart, sent together or in pieces", async (test) => {
    const { port } = await shared(test);
    const socket = connect(port, "127.0.0.1");
    test.after(() => socket.destroy());
    let heard = "";
    socket.on("data", (bytes) => (heard += bytes.toString()));
    const one = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\none";
    const two = one.replace("one", "two");
    socket.write("P");
    await until(socket, () => socket.bytesWritten === 1);
    socket.write(`${one.slice(1)}${two}`);
    await until(socket, () => heard.includes("one") && heard.includes("two"));
    socket.write(one.replace("one", "end"));
    await until(socket, () => heard.includes("end"));
    assert.equal(heard.match(/200 OK/g)?.length, 3);
  });

  it("carries websockets", async (test) => {
    const { port } = await shared(test);
    const wire = await webSocketNetwork.connect({ host: "127.0.0.1", port }, "/session", 5_000);
    const heard = new Promise<string>((resolve) =>
      wire.listen({ message: resolve, closed: () => undefined }),
    );
    wire.send("echo");
    assert.equal(await heard, "echo");
    wire.close();
  });

  it("gives lines to peers, and bytes through them", async (test) => {
    const { port, nextLine } = await shared(test);
    const accepted = nextLine();
    const dialled = await dial(port);
    const here = new Ear(dialled).listen();
    const bytes = Buffer.alloc(3_000_000, "y");
    dialled.send(bytes);
    const line = await accepted;
    const there = new Ear(line).listen();
    await there.until(() => there.bytes === bytes.length);
    line.close();
    await here.closed();
  });

  it("leaves time bounds of the server in force", async (test) => {
    const { port } = await shared(test);
    const { socket, ended } = await stranger(port);
    socket.write("GET / HTTP/1.1\r\n");
    // The server looks for those who are late twice a minute unless it is told otherwise.
    socket.setTimeout(0);
    socket.end();
    assert.match((await ended).toString(), /^$|400|408/);
  });

  it("ends whoever says nothing, and those who go without a word", async (test) => {
    const { port } = await shared(test, { limitMs: 200 });
    const silent = await stranger(port);
    const gone = await stranger(port);
    gone.socket.end();
    assert.equal((await silent.ended).length, 0);
    await gone.ended;
    assert.equal(await post(port, "others go on"), "others go on");
  });

  it("has room for those who speak while others say nothing", async (test) => {
    const { port } = await shared(test, { totalMax: 10, perAddressMax: 5 });
    const silent = await Promise.all(Array.from({ length: 30 }, () => stranger(port)));
    assert.equal(await post(port, "here"), "here");
    (await dial(port)).close();
    for (const { socket } of silent) socket.destroy();
    await Promise.all(silent.map(({ ended }) => ended));
  });

  it("may come before a server that listens already, and counts its connections", async (test) => {
    const { port, server } = await shared(test);
    const { socket } = await stranger(port);
    socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await once(socket, "data");
    const count = await new Promise<number>((resolve, reject) =>
      server.getConnections((error, found) => (error ? reject(error) : resolve(found))),
    );
    assert.equal(count, 1);
    server.closeAllConnections();
    await once(socket, "close");
  });
});

function post(port: number, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request({ port, host: "127.0.0.1", method: "POST", agent: false }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (part: string) => (text += part));
      answer.on("end", () => resolve(text));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

async function until(socket: Socket, condition: () => boolean): Promise<void> {
  while (!condition()) {
    await Promise.race([once(socket, "data"), new Promise((resolve) => setTimeout(resolve, 10))]);
  }
}
