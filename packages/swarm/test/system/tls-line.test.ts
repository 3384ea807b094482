import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { describe, it } from "node:test";
import { PropagitError } from "@propagit/protocol";
import { tlsNetwork } from "../../src/system/tls-network.js";
import { claim, dial, Ear, keyOf, lineThrough, openDoor } from "../support/lines.js";

describe("a line", () => {
  it("carries bytes in both directions, in order, and says who dialled", async (test) => {
    const { dialled, accepted } = await lineThrough(test, await openDoor(test));
    assert.deepEqual(accepted.claim, claim);
    assert.deepEqual(dialled.claim, claim);
    assert.equal(accepted.remoteHost, "127.0.0.1");
    const [here, there] = [new Ear(dialled).listen(), new Ear(accepted).listen()];
    dialled.send(Buffer.from("one "));
    dialled.send(Buffer.from("two "));
    dialled.send(Buffer.alloc(0));
    dialled.send(Buffer.from("three"));
    accepted.send(Buffer.from("back"));
    await there.until(() => there.bytes === 13);
    await here.until(() => here.bytes === 4);
    assert.equal(there.all.toString(), "one two three");
    assert.equal(here.all.toString(), "back");
  });

  for (const way of ["dialled", "accepted"] as const) {
    it(`carries many bytes from the ${way} side unchanged, small and large mixed`, async (test) => {
      const ends = await lineThrough(test, await openDoor(test));
      const [from, to] = [ends[way], way === "dialled" ? ends.accepted : ends.dialled];
      const sending = new Ear(from).listen();
      const ear = new Ear(to).listen();
      const parts = Array.from({ length: 400 }, (_, index) =>
        randomBytes(index % 7 === 0 ? 300_001 : 1 + index),
      );
      for (const part of parts) from.send(part);
      const all = parts.reduce((sum, { length }) => sum + length, 0);
      await ear.until(() => ear.bytes === all);
      await sending.until(() => from.bufferedBytes === 0);
      assert.equal(hashOf(ear.all), hashOf(Buffer.concat(parts)));
    });
  }

  for (const way of ["dialled", "accepted"] as const) {
    it(`brings everything to the ${way} side although it rests between records`, async (test) => {
      const ends = await lineThrough(test, await openDoor(test));
      const [to, from] = [ends[way], way === "dialled" ? ends.accepted : ends.dialled];
      const records = Array.from({ length: 60 }, () => randomBytes(16_000));
      const all = Buffer.concat(records);
      const came: Buffer[] = [];
      let bytes = 0;
      const whole = new Promise<void>((resolve, reject) => {
        to.listen({
          data(part) {
            came.push(Buffer.from(part));
            bytes += part.length;
            if (bytes === all.length) resolve();
          },
          expectedBytes: () => all.length - bytes,
          drained: () => undefined,
          closed: (reason) => reject(new Error(reason)),
        });
      });
      from.listen({ data: () => undefined, drained: () => undefined, closed: () => undefined });
      for (const record of records) {
        from.send(record);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      await whole;
      assert.equal(hashOf(Buffer.concat(came)), hashOf(all));
    });
  }

  for (const way of ["dialled", "accepted"] as const) {
    it(`tells the truth about what waits, when the ${way} side is slowed down`, async (test) => {
      const ends = await lineThrough(test, await openDoor(test));
      const [slow, fast] = [ends[way], way === "dialled" ? ends.accepted : ends.dialled];
      const ear = new Ear(slow).listen();
      const sender = new Ear(fast).listen();
      slow.pause();
      const bytes = randomBytes(48 * 2 ** 20);
      fast.send(bytes);
      assert.equal(fast.bufferedBytes, bytes.length);
      // What the system holds for both ends is some megabytes; the rest must wait here.
      const before = await settled(() => fast.bufferedBytes);
      assert.ok(before > 24 * 2 ** 20, `${before} bytes wait`);
      assert.equal(sender.drainedTimes, 0);
      assert.equal(ear.bytes, 0);
      slow.resume();
      await sender.until(() => sender.drainedTimes > 0);
      assert.equal(fast.bufferedBytes, 0);
      await ear.until(() => ear.bytes === bytes.length);
      assert.equal(hashOf(ear.all), hashOf(bytes));
    });

    it(`gives the ${way} side nothing while it is paused, and loses nothing`, async (test) => {
      const ends = await lineThrough(test, await openDoor(test));
      const [slow, fast] = [ends[way], way === "dialled" ? ends.accepted : ends.dialled];
      const ear = new Ear(slow);
      let isPaused = false;
      ear.onData = () => {
        assert.equal(isPaused, false);
        isPaused = true;
        slow.pause();
        setImmediate(() => {
          isPaused = false;
          slow.resume();
        });
      };
      ear.listen();
      new Ear(fast).listen();
      const bytes = randomBytes(4 * 2 ** 20);
      fast.send(bytes);
      await ear.until(() => ear.bytes === bytes.length);
      assert.equal(hashOf(ear.all), hashOf(bytes));
    });
  }

  it("keeps what comes before anybody listens, and slows the other side down meanwhile", async (test) => {
    const { dialled, accepted } = await lineThrough(test, await openDoor(test));
    const sender = new Ear(dialled).listen();
    const bytes = randomBytes(32 * 2 ** 20);
    dialled.send(bytes);
    assert.ok((await settled(() => dialled.bufferedBytes)) > 8 * 2 ** 20);
    const ear = new Ear(accepted).listen();
    await ear.until(() => ear.bytes === bytes.length);
    await sender.until(() => dialled.bufferedBytes === 0);
    assert.equal(hashOf(ear.all), hashOf(bytes));
  });

  it("takes a resume from within data without giving bytes out of order", async (test) => {
    const { dialled, accepted } = await lineThrough(test, await openDoor(test));
    const ear = new Ear(accepted);
    let depth = 0;
    ear.onData = () => {
      assert.equal(++depth, 1, "data came within data");
      accepted.pause();
      accepted.resume();
      depth--;
    };
    ear.listen();
    new Ear(dialled).listen();
    const bytes = randomBytes(2 * 2 ** 20);
    dialled.send(bytes);
    await ear.until(() => ear.bytes === bytes.length);
    assert.equal(hashOf(ear.all), hashOf(bytes));
  });

  for (const way of ["dialled", "accepted"] as const) {
    it(`gives bytes to the ${way} side of which a slice is a copy`, async (test) => {
      const ends = await lineThrough(test, await openDoor(test));
      const [to, from] = [ends[way], way === "dialled" ? ends.accepted : ends.dialled];
      const ear = new Ear(to);
      const kept: Uint8Array[] = [];
      ear.onData = (bytes) => void kept.push(bytes.slice(0, 1));
      ear.listen();
      new Ear(from).listen();
      for (const text of ["one", "two"]) {
        const before = ear.bytes;
        from.send(Buffer.from(text));
        await ear.until(() => ear.bytes === before + 3);
      }
      assert.equal(Buffer.concat(kept).toString(), "ot");
    });
  }

  it("closes at once, with what is buffered, and says so once on each side", async (test) => {
    const { dialled, accepted } = await lineThrough(test, await openDoor(test));
    const [here, there] = [new Ear(dialled).listen(), new Ear(accepted).listen()];
    accepted.pause();
    dialled.send(randomBytes(48 * 2 ** 20));
    dialled.close();
    dialled.close();
    dialled.send(Buffer.from("too late"));
    assert.equal(await here.closed(), "closed on this side");
    assert.equal(dialled.bufferedBytes, 0);
    accepted.resume();
    await there.closed();
    assert.ok(there.bytes < 48 * 2 ** 20, "the rest was not waited for");
    assert.deepEqual([here.closedReasons.length, there.closedReasons.length], [1, 1]);
  });

  it("tells the end to whoever listens only later", async (test) => {
    const { dialled, accepted } = await lineThrough(test, await openDoor(test));
    const there = new Ear(accepted).listen();
    dialled.close();
    assert.equal(await there.closed(), "the other side closed it");
    const here = new Ear(dialled).listen();
    assert.equal(await here.closed(), "closed on this side");
    assert.equal(here.closedReasons.length, 1);
  });

  it("is dialled by name too, whatever family answers", async (test) => {
    const { port, next } = await openDoor(test);
    const line = await tlsNetwork.dial({ host: "localhost", port }, claim, keyOf(claim), 5_000);
    test.after(() => line.close());
    const ear = new Ear(await next()).listen();
    new Ear(line).listen();
    line.send(Buffer.from("hello"));
    await ear.until(() => ear.bytes === 5);
  });
});

describe("dialling", () => {
  it("says that nobody answers, and why", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    await assert.rejects(dial(port), failsWith("UNREACHABLE", /127\.0\.0\.1:\d+ .*ECONNREFUSED/));
  });

  it("does not wait longer than it may for one who accepts and is silent", async (test) => {
    const server = createServer((socket) => socket.on("error", () => undefined));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    test.after(() => server.close());
    const { port } = server.address() as { port: number };
    const attempt = tlsNetwork.dial({ host: "127.0.0.1", port }, claim, keyOf(claim), 200);
    await assert.rejects(attempt, failsWith("UNREACHABLE", /no answer within 0\.2 s/));
  });

  it("says that one hung up", async (test) => {
    const server = createServer((socket) => socket.destroy());
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    test.after(() => server.close());
    const { port } = server.address() as { port: number };
    await assert.rejects(dial(port), failsWith("UNREACHABLE", /ECONNRESET|closed/));
  });

  it("takes one that speaks something else for none", async (test) => {
    const server = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    test.after(() => server.close());
    const { port } = server.address() as { port: number };
    await assert.rejects(dial(port), failsWith("DENIED", /does not take the grant/));
  });
});

function failsWith(code: string, message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof PropagitError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  };
}

/** A value that has not changed for 20 looks, one each turn of 10 ms. */
async function settled(look: () => number): Promise<number> {
  let last = look();
  for (let same = 0; same < 20;) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    const now = look();
    same = now === last ? same + 1 : 0;
    last = now;
  }
  return last;
}

function hashOf(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
