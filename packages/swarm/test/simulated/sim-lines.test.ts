import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SimClock } from "@propagit/runtime";
import { encodeClaim, SimLines, type PeerLine, type SimLinesOptions } from "../../src/index.js";

const claim = { artifact: "a".repeat(64), holder: "left", expiresAt: 1 };
const kB = 1000;

class Pair {
  readonly clock = new SimClock();
  readonly lines: SimLines;
  readonly accepted: PeerLine[] = [];

  constructor(options: Pick<SimLinesOptions, "weightOf"> = {}) {
    const { clock } = this;
    this.lines = new SimLines({ clock, delayMs: 5, partBytes: kB, encodeClaim, ...options });
    const accept = (line: PeerLine) => void this.accepted.push(line);
    const listener = { keyFor: () => "key", accept };
    this.lines.host({ name: "right", upBytesPerSecond: 1e9, downBytesPerSecond: 1e9, listener });
  }

  async dial(from: string, upBytesPerSecond: number): Promise<PeerLine> {
    const network = this.lines.host({ name: from, upBytesPerSecond, downBytesPerSecond: 1e9 });
    const dialled = network.dial({ host: "right", port: 1 }, claim, "key", 1000);
    await this.clock.advance(20);
    return dialled;
  }
}

function collect(line: PeerLine) {
  const seen = { bytes: 0, text: "", drained: 0, closed: [] as string[] };
  line.listen({
    data: (bytes) => {
      seen.bytes += bytes.length;
      if (seen.text.length < 100) seen.text += new TextDecoder().decode(bytes);
    },
    drained: () => void seen.drained++,
    closed: (reason) => void seen.closed.push(reason),
  });
  return seen;
}

describe("simulated lines", () => {
  it("carry bytes in order, as fast as the host may send", async () => {
    const pair = new Pair();
    const line = await pair.dial("left", 100 * kB);
    const seen = collect(pair.accepted[0] ?? assert.fail());
    collect(line);
    line.send(new TextEncoder().encode("first "));
    line.send(new TextEncoder().encode("second"));
    line.send(new Uint8Array(200 * kB));
    await pair.clock.advance(1000);
    assert.ok(seen.text.startsWith("first second"));
    assert.ok(Math.abs(seen.bytes - 99.5 * kB) < 2 * kB, `${seen.bytes}`);
    await pair.clock.advance(1100);
    assert.equal(seen.bytes, 200 * kB + 12);
  });

  it("take as long for a message as it weighs, and give it as it was", async () => {
    const pair = new Pair({ weightOf: (message) => (message[0] === 7 ? 100 : 1) });
    const line = await pair.dial("left", 100 * kB);
    collect(line);
    const seen = collect(pair.accepted[0] ?? assert.fail());
    line.send(new Uint8Array(kB));
    await pair.clock.advance(20);
    assert.equal(seen.bytes, kB);
    line.send(new Uint8Array(kB).fill(7));
    await pair.clock.advance(500);
    assert.ok(Math.abs(seen.bytes - 1.5 * kB) < 0.05 * kB, `${seen.bytes}`);
    await pair.clock.advance(520);
    assert.equal(seen.bytes, 2 * kB);
    assert.equal(pair.lines.sentBytes("left"), 101 * kB);
  });

  it("share what the other host may receive", async () => {
    const pair = new Pair();
    const accepted: PeerLine[] = [];
    const listener = { keyFor: () => "key", accept: (line: PeerLine) => void accepted.push(line) };
    pair.lines.host({
      name: "right",
      upBytesPerSecond: 1e9,
      downBytesPerSecond: 100 * kB,
      listener,
    });
    const lines = [await pair.dial("left", 1000 * kB), await pair.dial("third", 1000 * kB)];
    const seen = accepted.map(collect);
    for (const line of lines) {
      collect(line);
      line.send(new Uint8Array(500 * kB));
    }
    await pair.clock.advance(1010);
    for (const { bytes } of seen) assert.ok(Math.abs(bytes - 50 * kB) < 5 * kB, `${bytes}`);
  });

  it("say what is not yet with the system, and when all of it is", async () => {
    const pair = new Pair();
    const line = await pair.dial("left", 100 * kB);
    const near = collect(line);
    collect(pair.accepted[0] ?? assert.fail());
    line.send(new Uint8Array(256 * 1024 + 50 * kB));
    assert.equal(line.bufferedBytes, 50 * kB);
    await pair.clock.advance(400);
    assert.equal(near.drained, 0);
    await pair.clock.advance(200);
    assert.deepEqual([line.bufferedBytes, near.drained], [0, 1]);
  });

  it("slow their sender down while nobody reads", async () => {
    const pair = new Pair();
    const line = await pair.dial("left", 1000 * kB);
    collect(line);
    const far = pair.accepted[0] ?? assert.fail();
    const seen = collect(far);
    far.pause();
    line.send(new Uint8Array(2000 * kB));
    await pair.clock.advance(5000);
    assert.equal(seen.bytes, 0);
    assert.ok(line.bufferedBytes > 1500 * kB);
    far.resume();
    await pair.clock.advance(5000);
    assert.equal(seen.bytes, 2000 * kB);
  });

  it("end once for both sides, and for all lines of a host that dies", async () => {
    const pair = new Pair();
    const line = await pair.dial("left", 100 * kB);
    const [near, far] = [collect(line), collect(pair.accepted[0] ?? assert.fail())];
    line.close();
    line.close();
    await pair.clock.advance(50);
    assert.deepEqual([near.closed, far.closed], [["closed here"], ["closed by the other side"]]);
    const other = collect(await pair.dial("third", 100 * kB));
    pair.lines.kill("right");
    await pair.clock.advance(50);
    assert.equal(other.closed.length, 1);
    const refused = pair.lines
      .host({ name: "fourth", upBytesPerSecond: 1, downBytesPerSecond: 1 })
      .dial({ host: "right", port: 1 }, claim, "key", 1000);
    const failed = assert.rejects(refused, { code: "UNREACHABLE" });
    await pair.clock.advance(50);
    await failed;
  });

  it("share the line between two zones", async () => {
    const pair = new Pair();
    pair.lines.place("left", "a");
    pair.lines.place("right", "b");
    pair.lines.strait(["a", "b"], 10 * kB);
    const line = await pair.dial("left", 100 * kB);
    collect(line);
    const seen = collect(pair.accepted[0] ?? assert.fail());
    line.send(new Uint8Array(100 * kB));
    await pair.clock.advance(1020);
    assert.ok(Math.abs(seen.bytes - 10 * kB) <= 2 * kB, `${seen.bytes}`);
    assert.equal(pair.lines.carriedBytes("b", "a"), 0);
  });
});
