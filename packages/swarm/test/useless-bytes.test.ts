/** Bytes that lead nowhere are no progress: who gets nothing else gives up, and git has its turn. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { blockBytesMax, blockHeadBytes, writeBlockHead } from "../src/core/frames.js";
import { fullHello, Rogue, type Behaviour, type RogueLine } from "./support/rogue.js";
import { makeArtifact, TestSwarm, type Taker } from "./support/swarm.js";

const artifact = makeArtifact(8, 8 * 1024 * 1024, 256 * 1024);
const pieceBytes = artifact.manifest.pieceBytes;

/** The right bytes of a piece, up to some of them. */
function sendPart(to: RogueLine, piece: number, bytes: number): void {
  const block = new Uint8Array(blockHeadBytes + Math.min(bytes, blockBytesMax));
  writeBlockHead(block, { piece, offset: 0, bytes: block.length - blockHeadBytes });
  const start = piece * pieceBytes;
  block.set(artifact.bytes.subarray(start, start + block.length - blockHeadBytes), blockHeadBytes);
  to.line.send(block);
}

/** A drone that knows nobody but one who is asked and does that, ten times a second. */
async function alone(keepsOn: (to: RogueLine, piece: number) => void): Promise<Taker> {
  const swarm = new TestSwarm(5);
  let isOver = false;
  let first: number | undefined;
  const repeat = (to: RogueLine) => {
    if (isOver || first === undefined) return;
    keepsOn(to, first);
    swarm.clock.after(100, () => repeat(to));
  };
  const behave: Behaviour = (frame, to) => {
    if (frame.kind === "ask") return sendManifest(to);
    if (frame.kind !== "request" || first !== undefined) return;
    first = frame.pieces[0];
    repeat(to);
  };
  const rogue = new Rogue(swarm, {
    name: "rogue",
    artifact,
    begin: (to) => to.say(fullHello(artifact)),
    behave,
  });
  const taker = swarm.begin("web-1", artifact, [rogue.name]);
  const since = swarm.clock.monotonic();
  while (!taker.isSettled && swarm.clock.monotonic() - since < 10 * 60_000)
    await swarm.clock.advance(1_000);
  isOver = true;
  await taker.drone.node.stop();
  return taker;
}

function sendManifest(to: RogueLine): void {
  const { text, signature } = artifact;
  const all = new TextEncoder().encode(JSON.stringify({ text, signature }));
  to.say({ kind: "manifest", bytesAll: all.length, offset: 0, bytes: all });
}

describe("a drone that gets nothing but useless bytes", () => {
  const ways: Readonly<Record<string, (to: RogueLine, piece: number) => void>> = {
    "the same piece, never to its end": (to, piece) => sendPart(to, piece, pieceBytes - 1),
    "pieces over and over": (to, piece) => sendPart(to, piece, pieceBytes),
  };
  for (const [what, keepsOn] of Object.entries(ways)) {
    it(`bans who sends that, and says that nothing came: ${what}`, async () => {
      const taker = await alone(keepsOn);
      assert.equal(taker.failure?.code, "TIMED_OUT", "it still waits");
      assert.equal(taker.share.report.banned?.[0]?.peer, "rogue");
    });
  }
});
