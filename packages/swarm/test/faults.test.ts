/** What goes wrong in a swarm, in virtual time: whoever survives has the very bytes, or a reason with a name. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { keyOfClaim } from "../src/index.js";
import { blockHeadBytes, writeBlockHead } from "../src/core/frames.js";
import { packSigned } from "../src/manifest-parts.js";
import { nodeCrypto } from "@propagit/runtime";
import { fullHello, Rogue, type Behaviour, type RogueLine } from "./support/rogue.js";
import { linkBytesPerSecond, makeArtifact, TestSwarm, type Taker } from "./support/swarm.js";

/** 128 pieces, 2 s on a link. */
const pieceBytes = 32 * 1024;
const artifact = makeArtifact(3, 4 * 1024 * 1024, pieceBytes);
const pieces = artifact.manifest.pieces.length / 64;
const idealMs = (artifact.bytes.length / linkBytesPerSecond) * 1000;

const settled = (takers: readonly Taker[]) => () => takers.every(({ isSettled }) => isSettled);

function assertWhole(takers: readonly Taker[]): void {
  for (const taker of takers) {
    assert.equal(taker.failure, undefined, `${taker.drone.name}: ${taker.failure?.message}`);
    assert.ok(taker.has(artifact), taker.drone.name);
  }
}

/** Until each has that part of all pieces. */
async function untilShare(swarm: TestSwarm, takers: readonly Taker[], part: number): Promise<void> {
  while (takers.some(({ share }) => share.report.pieces < part * pieces))
    await swarm.clock.advance(20);
}

async function stopAll(swarm: TestSwarm): Promise<void> {
  await Promise.all([...swarm.nodes.values()].map(({ node }) => node.stop()));
}

describe("a swarm whose machines die", () => {
  it("finishes without the hub, once one full copy is out", async () => {
    const swarm = new TestSwarm(1);
    const { offered, takers } = await swarm.deploy(artifact, 12);
    while (offered.report.sentBytes < artifact.bytes.length) await swarm.clock.advance(20);
    // What the hub has sent is on its way for a while.
    while (!isOut(takers)) await swarm.clock.advance(100);
    assert.ok(!settled(takers)());
    swarm.kill("hub");
    await swarm.clock.until("all are settled", settled(takers));
    assertWhole(takers);
    await stopAll(swarm);
  });

  it("finishes for all when a third is killed on the way and comes back with what it had", async () => {
    const swarm = new TestSwarm(2);
    const { names, takers } = await swarm.deploy(artifact, 12);
    await untilShare(swarm, takers, 0.5);
    const killed = takers.slice(0, 4);
    for (const { drone } of killed) swarm.kill(drone.name);
    await swarm.clock.advance(500);
    const back = killed.map(({ drone }) =>
      swarm.rejoin(drone, artifact, [...names.slice(4), "hub"]),
    );
    const rest = takers.slice(4);
    await swarm.clock.until("all are settled", settled([...rest, ...back]));
    assertWhole([...rest, ...back]);
    for (const { share } of back)
      assert.ok(share.report.receivedBytes < artifact.bytes.length * 0.6, "it fetched everything");
    await stopAll(swarm);
  });

  it("finishes for the others when a third vanishes without a word", async () => {
    const swarm = new TestSwarm(14);
    const { takers } = await swarm.deploy(artifact, 12);
    await untilShare(swarm, takers, 0.5);
    for (const { drone } of takers.slice(0, 4)) swarm.kill(drone.name, "power");
    const rest = takers.slice(4);
    await swarm.clock.until("all are settled", settled(rest));
    assertWhole(rest);
    const lastMs = Math.max(...rest.map(({ wholeAfterMs }) => wholeAfterMs ?? Infinity));
    assert.ok(lastMs < 8 * idealMs, `${lastMs} ms`);
    await stopAll(swarm);
  });

  it("finishes over links that drop all the time", async () => {
    const swarm = new TestSwarm(3);
    const { names, takers } = await swarm.deploy(artifact, 8);
    const cutOne = () => {
      if (settled(takers)()) return;
      const pick = () => [...names, "hub"][Math.floor(swarm.random.fraction() * 9)] ?? "hub";
      swarm.lines.cut(pick(), pick());
      swarm.clock.after(100, cutOne);
    };
    cutOne();
    await swarm.clock.until("all are settled", settled(takers));
    assertWhole(takers);
    await stopAll(swarm);
  });

  it("says after a while whom it waited for, when everybody is gone", async () => {
    const swarm = new TestSwarm(4);
    const { takers } = await swarm.deploy(artifact, 1);
    await swarm.clock.advance(idealMs / 2);
    swarm.kill("hub");
    await swarm.clock.until("it is settled", settled(takers));
    const [taker] = takers;
    assert.equal(taker?.failure?.code, "TIMED_OUT");
    assert.match(
      taker?.failure?.message ?? "",
      /nothing of artifact \w{12} came for 16 s, with \d+ of 128 pieces here: connected to nobody, knows hub \(nobody answers at hub:1\)/,
    );
    assert.equal(taker?.share.report.state, "failed");
    await stopAll(swarm);
  });
});

/** Whether each piece is in the file of somebody. */
function isOut(takers: readonly Taker[]): boolean {
  const { pieceBytes } = artifact.manifest;
  const files = takers.map(({ drone }) => drone.files.bytesOf(artifact.id));
  return Array.from({ length: pieces }, (_, piece) => piece * pieceBytes).every((at) =>
    files.some((file) =>
      artifact.bytes.subarray(at, at + 8).every((byte, i) => file?.[at + i] === byte),
    ),
  );
}

describe("a swarm with a peer that is bad", () => {
  async function withRogue(begin: (to: RogueLine) => void, behave: Behaviour) {
    const swarm = new TestSwarm(5);
    const rogue = new Rogue(swarm, { name: "rogue", artifact, begin, behave });
    const { takers } = await swarm.deploy(artifact, 4, { alsoPeers: ["rogue"] });
    await swarm.clock.until("all are settled", settled(takers));
    assertWhole(takers);
    const times = takers.map(({ wholeAfterMs }) => wholeAfterMs ?? Infinity);
    const banned = takers.map(({ share }) => share.report.banned);
    await stopAll(swarm);
    return { banned, rogue, lastMs: Math.max(...times) };
  }

  const claimAll = (to: RogueLine) => to.say(fullHello(artifact));

  it("throws wrong pieces away, bans who sent them and says so", async () => {
    const { banned, lastMs } = await withRogue(claimAll, (frame, to) => {
      if (frame.kind === "request") for (const piece of frame.pieces) sendPiece(to, piece, true);
    });
    for (const list of banned) {
      assert.equal(list?.length, 1);
      assert.equal(list[0]?.peer, "rogue");
      assert.match(list[0].reason, /^sent a wrong piece \d+$/);
    }
    assert.ok(lastMs < 2 * idealMs, `${lastMs} ms`);
  });

  it("bans who goes on sending what nobody asked for, not who does it now and then", async () => {
    const answerAnd =
      (more: number): Behaviour =>
      (frame, to) => {
        if (frame.kind !== "request") return;
        for (let piece = 0; piece < more; piece++) sendPiece(to, piece, false);
        for (const piece of frame.pieces) sendPiece(to, piece, false);
      };
    const once = await withRogue(claimAll, answerAnd(1));
    assert.deepEqual(once.banned, [undefined, undefined, undefined, undefined]);
    const flood = await withRogue(claimAll, answerAnd(100));
    assert.deepEqual(flood.banned[0], [{ peer: "rogue", reason: "sends what nobody asked for" }]);
  });

  it("ends the line of who sends garbage", async () => {
    const { banned, rogue } = await withRogue(
      (to) => to.line.send(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n")),
      () => undefined,
    );
    assert.deepEqual(banned[0], [{ peer: "rogue", reason: "sent a frame of 1195725855 bytes" }]);
    assert.equal(rogue.lines, 4);
  });

  it("does not wait for who takes requests and sends nothing", async () => {
    const { lastMs } = await withRogue(claimAll, () => undefined);
    assert.ok(lastMs < 4 * idealMs, `${lastMs} ms`);
  });

  it("bans nobody whose line stood still in the middle of a piece", async () => {
    const swarm = new TestSwarm(5);
    let half: number | undefined;
    let isSent = false;
    const behave: Behaviour = (frame, to) => {
      if (frame.kind === "request" && half === undefined) {
        [half = 0] = frame.pieces;
        to.line.send(blockOf(half).subarray(0, 10_000));
      } else if (frame.kind === "cancel" && frame.pieces.includes(half ?? -1) && !isSent) {
        isSent = true;
        to.line.send(blockOf(half ?? 0).subarray(10_000));
      }
    };
    const rogue = new Rogue(swarm, { name: "rogue", artifact, begin: claimAll, behave });
    swarm.join("hub", { role: "hub", upBytesPerSecond: 128 * 1024 });
    const { takers } = await swarm.deploy(artifact, 1, { alsoPeers: [rogue.name] });
    await swarm.clock.until("all are settled", settled(takers));
    assertWhole(takers);
    assert.ok(isSent);
    assert.equal(takers[0]?.share.report.banned, undefined);
    await stopAll(swarm);
  });

  it("does not wait for who sends a byte a second", async () => {
    const swarm = new TestSwarm(6);
    const drip: Behaviour = (frame, to) => {
      if (frame.kind !== "request") return;
      const [piece = 0] = frame.pieces;
      const bytes = blockOf(piece);
      to.line.send(bytes.subarray(0, 13));
      let at = 13;
      const next = () => {
        to.line.send(bytes.subarray(at, ++at));
        if (at < 313) swarm.clock.after(1000, next);
      };
      next();
    };
    const _rogue = new Rogue(swarm, { name: "rogue", artifact, begin: claimAll, behave: drip });
    const { takers } = await swarm.deploy(artifact, 4, { alsoPeers: [_rogue.name] });
    await swarm.clock.until("all are settled", settled(takers));
    assertWhole(takers);
    const lastMs = Math.max(...takers.map(({ wholeAfterMs }) => wholeAfterMs ?? Infinity));
    assert.ok(lastMs < 4 * idealMs, `${lastMs} ms`);
    await stopAll(swarm);
  });

  it("stops believing who says that he has what he then refuses", async () => {
    const { banned, lastMs } = await withRogue(claimAll, (frame, to) => {
      if (frame.kind === "request") to.say({ kind: "reject", pieces: frame.pieces });
    });
    for (const list of banned)
      assert.deepEqual(list, [{ peer: "rogue", reason: "has not what it says it has" }]);
    assert.ok(lastMs < 2 * idealMs, `${lastMs} ms`);
  });

  it("bans who sends a manifest that the hub did not sign", async () => {
    const other = makeArtifact(99, artifact.bytes.length, pieceBytes);
    const swarm = new TestSwarm(7);
    const _rogue = new Rogue(swarm, {
      name: "rogue",
      artifact,
      begin: claimAll,
      behave: (frame, to) => {
        if (frame.kind !== "ask") return;
        const bytes = packSigned(other);
        to.say({ kind: "manifest", bytesAll: bytes.length, offset: 0, bytes });
      },
    });
    const drone = swarm.join("web-0");
    const share = swarm.take(drone, artifact, [_rogue.name]);
    await swarm.clock.until("it is banned", () => share.report.banned !== undefined);
    assert.deepEqual(share.report.banned, [
      { peer: "rogue", reason: "sent the manifest of an artifact is of another artifact" },
    ]);
    await stopAll(swarm);
  });
});

function pieceOf(piece: number): Uint8Array {
  const { pieceBytes } = artifact.manifest;
  return artifact.bytes.subarray(piece * pieceBytes, (piece + 1) * pieceBytes);
}

function sendPiece(to: RogueLine, piece: number, wrong: boolean): void {
  const bytes = pieceOf(piece);
  const frame = new Uint8Array(13 + bytes.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, 9 + bytes.length);
  view.setUint8(4, 6);
  view.setUint32(5, piece);
  frame.set(bytes, 13);
  if (wrong) frame[13 + 100] = (frame[13 + 100] ?? 0) ^ 1;
  to.line.send(frame);
}

describe("a drone whose disk is full", () => {
  it("ends with that as its reason, and nobody else does", async () => {
    const swarm = new TestSwarm(8);
    const { takers } = await swarm.deploy(artifact, 4);
    await swarm.clock.advance(idealMs / 2);
    const [unlucky, ...others] = takers;
    assert.ok(unlucky);
    unlucky.drone.files.isFull = true;
    await swarm.clock.until("all are settled", settled(takers));
    assert.equal(unlucky.failure?.code, "DATA_UNUSABLE");
    assert.equal(unlucky.share.report.reason, "no space is left on the disk");
    assertWhole(others);
    await stopAll(swarm);
  });
});

describe("who comes late, or for something else", () => {
  it("gets everything from drones when it comes at 90 %", async () => {
    const swarm = new TestSwarm(9);
    const { names, offered, takers } = await swarm.deploy(artifact, 8);
    await untilShare(swarm, takers, 0.9);
    const late = swarm.begin("late", artifact, [...names.slice(0, 4), "hub"]);
    await swarm.clock.until("all are settled", settled([...takers, late]));
    assertWhole([...takers, late]);
    assert.ok(offered.report.sentBytes <= 1.2 * artifact.bytes.length, "the hub sent it again");
    assert.ok((late.wholeAfterMs ?? Infinity) < 1.3 * idealMs, `${late.wholeAfterMs} ms`);
    await stopAll(swarm);
  });

  it("shares the hub's line fairly between two artifacts", async () => {
    const swarm = new TestSwarm(10);
    const second = makeArtifact(4, artifact.bytes.length, pieceBytes);
    const first = await swarm.deploy(artifact, 3);
    const other = await swarm.deploy(second, 3);
    const sum = () => [first.offered.report.sentBytes, other.offered.report.sentBytes];
    await swarm.clock.advance(idealMs);
    const [left = 0, right = 0] = sum();
    assert.ok(Math.abs(left - right) < 0.2 * left, `${left} and ${right} bytes`);
    const all = [...first.takers, ...other.takers];
    await swarm.clock.until("all are settled", settled(all));
    assertWhole(first.takers);
    assert.ok(other.takers.every((taker) => taker.has(second)));
    await stopAll(swarm);
  });

  it("gets everything although nobody can dial it", async () => {
    const swarm = new TestSwarm(11);
    const { takers } = await swarm.deploy(artifact, 6, { join: () => ({ isHidden: true }) });
    await swarm.clock.until("all are settled", settled(takers), 600_000);
    assertWhole(takers);
    await stopAll(swarm);
  });
});

describe("a stranger", () => {
  it("has no key for an artifact that is not here, with a claim that ran out, or with none", async () => {
    const swarm = new TestSwarm(12);
    const hub = swarm.join("hub", { role: "hub" });
    await swarm.offer(hub, artifact);
    const now = swarm.clock.monotonic();
    const claim = (artifactId: string, expiresAt: number) =>
      `propagit-swarm-1 ${artifactId} ${expiresAt} web-1`;
    assert.equal(hub.node.keyFor(claim("f".repeat(64), now + 1000)), undefined);
    assert.equal(hub.node.keyFor(claim(artifact.id, now - 1)), undefined);
    assert.equal(hub.node.keyFor("somebody"), undefined);
    assert.equal(
      hub.node.keyFor(claim(artifact.id, now + 1000)),
      keyOfClaim(nodeCrypto, artifact.secret, {
        artifact: artifact.id,
        expiresAt: now + 1000,
        holder: "web-1",
      }),
    );
    await stopAll(swarm);
  });

  it("is refused with a secret that is not the artifact's, and its drone says so", async () => {
    const swarm = new TestSwarm(13);
    const hub = swarm.join("hub", { role: "hub" });
    await swarm.offer(hub, artifact);
    const wrong = { ...artifact, secret: "0".repeat(64) };
    const taker = swarm.begin("web-0", wrong, ["hub"]);
    await swarm.clock.until("it is settled", settled([taker]));
    assert.match(taker.failure?.message ?? "", /knows hub \(hub does not take the claim\)$/);
    assert.equal(hub.node.shares[0]?.report.sentBytes, 0);
    await stopAll(swarm);
  });
});

/** A frame with all of a piece. */
function blockOf(piece: number): Uint8Array {
  const bytes = pieceOf(piece);
  const frame = new Uint8Array(blockHeadBytes + bytes.length);
  writeBlockHead(frame, { piece, offset: 0, bytes: bytes.length });
  frame.set(bytes, blockHeadBytes);
  return frame;
}
