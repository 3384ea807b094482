import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fullHello, Rogue } from "./support/rogue.js";
import { linkBytesPerSecond, makeArtifact, TestSwarm } from "./support/swarm.js";

const artifact = makeArtifact(5, 2 * 1024 * 1024);
const idealMs = (artifact.bytes.length / linkBytesPerSecond) * 1000;

describe("taking part", () => {
  it("tells each state as it begins, and of progress at most once a second", async () => {
    const swarm = new TestSwarm(1);
    const slow = makeArtifact(6, 8 * 1024 * 1024);
    const { takers } = await swarm.deploy(slow, 1);
    const [taker] = takers;
    assert.ok(taker);
    await swarm.clock.until("it is whole", () => taker.isSettled);
    taker.share.used();
    const { reports } = taker.drone;
    assert.deepEqual([...new Set(reports.map(({ state }) => state))], ["taking", "whole", "used"]);
    assert.ok(reports.length <= 3 + 5, `${reports.length} reports in 4 s`);
    const last = reports.at(-1);
    assert.deepEqual(
      [last?.pieces, last?.piecesAll, last?.receivedBytes, last?.wastedBytes, last?.lines],
      [
        512,
        512,
        slow.bytes.length,
        0,
        [{ peer: "hub", receivedBytes: slow.bytes.length, sentBytes: 0 }],
      ],
    );
  });

  it("waits for the first piece of somebody who is slow", async () => {
    const swarm = new TestSwarm(12, { linkBytesPerSecond: 64 * 1024 });
    const { takers } = await swarm.deploy(artifact, 4);
    await swarm.clock.until("all are whole", () => takers.every(({ isSettled }) => isSettled));
    const lastMs = Math.max(...takers.map(({ wholeAfterMs }) => wholeAfterMs ?? Infinity));
    const slowIdealMs = (artifact.bytes.length / (64 * 1024)) * 1000;
    assert.ok(lastMs <= 1.3 * slowIdealMs, `${lastMs / slowIdealMs}`);
  });

  it("is the same part when it is taken twice, with the newer admission", async () => {
    const swarm = new TestSwarm(2);
    const hub = swarm.join("hub", { role: "hub" });
    await swarm.offer(hub, artifact);
    const taker = swarm.begin("web-0", artifact, []);
    assert.equal(swarm.take(taker.drone, artifact, ["hub"]), taker.share);
    await swarm.clock.until("it is whole", () => taker.isSettled);
    assert.ok(taker.has(artifact));
  });

  it("keeps one line with a peer when both dial each other", async () => {
    const swarm = new TestSwarm(3);
    const left = swarm.begin("a", artifact, ["b"]);
    const right = swarm.begin("b", artifact, ["a"]);
    await swarm.clock.advance(60);
    assert.deepEqual([left.share.lineCount, right.share.lineCount], [1, 1]);
    await swarm.clock.advance(5000);
    assert.deepEqual([left.share.lineCount, right.share.lineCount], [1, 1]);
  });

  it("begins with the pieces that are right on disk, and fetches the others", async () => {
    const swarm = new TestSwarm(4);
    const { takers } = await swarm.deploy(artifact, 1);
    const [taker] = takers;
    assert.ok(taker);
    await swarm.clock.until("it is whole", () => taker.isSettled);
    swarm.kill("web-0");
    const { files } = taker.drone;
    const file = await files.open(artifact.id, artifact.bytes.length);
    await file.write(100_000, Uint8Array.of(1, 2, 3));
    const again = swarm.rejoin(taker.drone, artifact, ["hub"]);
    await swarm.clock.until("it is whole again", () => again.isSettled);
    assert.ok(again.has(artifact));
    assert.equal(again.share.report.receivedBytes, artifact.manifest.pieceBytes);
  });

  it("believes no manifest on disk that the hub did not sign", async () => {
    const swarm = new TestSwarm(5);
    const drone = swarm.join("web-0");
    await drone.files.writeNote(artifact.id, "manifest", '{"text":"{}","signature":""}');
    const hub = swarm.join("hub", { role: "hub" });
    await swarm.offer(hub, artifact);
    const taker = swarm.begin("web-0", artifact, ["hub"]);
    await swarm.clock.until("it is whole", () => taker.isSettled);
    assert.ok(taker.has(artifact));
  });

  it("serves no more what turned out to be of no use", async () => {
    const swarm = new TestSwarm(6);
    const { takers } = await swarm.deploy(artifact, 1);
    const [taker] = takers;
    assert.ok(taker);
    await swarm.clock.until("it is whole", () => taker.isSettled);
    taker.share.spoiled("git says that the pack is broken");
    assert.equal(taker.share.report.state, "failed");
    assert.equal(taker.share.report.reason, "git says that the pack is broken");
    const other = swarm.begin("web-1", artifact, ["web-0"]);
    await swarm.clock.advance(3000);
    assert.equal(other.share.lineCount, 0);
  });

  it("forgets what is on disk when it is told so, and says that it is gone", async () => {
    const swarm = new TestSwarm(7);
    const { takers } = await swarm.deploy(artifact, 1);
    const [taker] = takers;
    assert.ok(taker);
    await swarm.clock.advance(idealMs / 2);
    await taker.share.end("forget");
    await swarm.clock.advance(300);
    assert.equal(taker.failure?.code, "LINK_LOST");
    assert.equal(taker.drone.reports.at(-1)?.state, "gone");
    assert.equal(taker.drone.files.bytesOf(artifact.id), undefined);
    assert.equal(taker.drone.node.share(artifact.id), undefined);
  });

  it("says that it lacks peers only as long as it does", async () => {
    const swarm = new TestSwarm(8);
    const { takers } = await swarm.deploy(artifact, 8);
    await swarm.clock.advance(idealMs / 2);
    assert.ok(takers.every(({ share }) => share.report.lacksPeers === undefined));
    const lonely = swarm.begin("lonely", artifact, ["web-0"]);
    await swarm.clock.advance(100);
    assert.equal(lonely.share.report.lacksPeers, true);
  });
});

describe("caps", () => {
  it("holds the hub to its bytes a second, for all artifacts together", async () => {
    const swarm = new TestSwarm(9);
    const sendBytesPerSecondMax = 512 * 1024;
    swarm.join("hub", { role: "hub", sendBytesPerSecondMax });
    const second = makeArtifact(8, artifact.bytes.length);
    const first = await swarm.deploy(artifact, 2);
    const other = await swarm.deploy(second, 2);
    await swarm.clock.advance(3000);
    const sent = first.offered.report.sentBytes + other.offered.report.sentBytes;
    const allowed = 3 * sendBytesPerSecondMax;
    assert.ok(sent > 0.9 * allowed && sent < 1.1 * allowed + 5 * 32 * 1024, `${sent} bytes`);
  });

  it("holds a drone to what it may receive", async () => {
    const swarm = new TestSwarm(10);
    const receiveBytesPerSecondMax = 256 * 1024;
    const join = () => ({ receiveBytesPerSecondMax });
    const { takers } = await swarm.deploy(artifact, 1, { join });
    await swarm.clock.advance(4000);
    const received = takers[0]?.share.report.receivedBytes ?? 0;
    const allowed = 4 * receiveBytesPerSecondMax;
    assert.ok(received > 0.7 * allowed && received < 1.4 * allowed, `${received} bytes`);
  });
});

describe("long pieces", () => {
  it("come on so few lines at once that their buffers have a bound", async () => {
    const long = makeArtifact(9, 48 * 1024 * 1024, 4 * 1024 * 1024);
    const swarm = new TestSwarm(11, {
      linkBytesPerSecond: 64 * 1024 * 1024,
      partBytes: 256 * 1024,
    });
    let begun = 0;
    const rogues = Array.from({ length: 8 }, (_, index) => {
      const rogue = new Rogue(swarm, {
        name: `slow-${index}`,
        artifact: long,
        begin: (to) => to.say(fullHello(long)),
        behave: (frame) => {
          if (frame.kind === "request") begun++;
        },
      });
      return rogue.name;
    });
    const { takers } = await swarm.deploy(long, 1, { alsoPeers: rogues });
    await swarm.clock.advance(300);
    // 16 MiB in all: four lines, of which the hub's is one.
    assert.ok(begun <= 4, `asked on ${begun} lines`);
    await swarm.clock.until("it is whole", () => takers.every(({ isSettled }) => isSettled));
    assert.ok(takers[0]?.has(long), takers[0]?.failure?.message);
  });
});
