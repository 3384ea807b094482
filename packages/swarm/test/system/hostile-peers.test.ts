/** Peers with a grant that want to be in the way, on real sockets: they ask and do not read. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { connect, type TLSSocket } from "node:tls";
import { nodeCrypto } from "@propagit/runtime";
import { encodeFrame, type ControlFrame } from "../../src/core/frames.js";
import { encodeClaim, keyOfClaim } from "../../src/index.js";
import { temporaryFolder } from "../support/folders.js";
import {
  admissionOf,
  peerAt,
  realArtifact,
  takePart,
  type RealArtifact,
} from "../support/real-swarm.js";

const megabyte = 2 ** 20;

/** A line of somebody who reads nothing. */
async function deafLine(
  test: TestContext,
  { offer }: RealArtifact,
  options: { readonly port: number; readonly name: string },
): Promise<TLSSocket> {
  const { artifact, expiresAt, secret } = offer;
  const claim = { artifact, expiresAt, holder: options.name };
  const psk = Buffer.from(keyOfClaim(nodeCrypto, secret, claim), "hex");
  const socket = connect({
    host: "127.0.0.1",
    port: options.port,
    minVersion: "TLSv1.3",
    ciphers: "TLS_AES_128_GCM_SHA256",
    pskCallback: () => ({ psk, identity: encodeClaim(claim) }),
    checkServerIdentity: () => undefined,
  });
  socket.on("error", () => undefined);
  test.after(() => socket.destroy());
  await once(socket, "secureConnect");
  socket.pause();
  say(socket, { kind: "hello", pieces: 0, bits: new Uint8Array(), chooses: false, zone: "" });
  return socket;
}

function say(socket: TLSSocket, ...frames: readonly ControlFrame[]): void {
  socket.write(Buffer.concat(frames.map((frame) => encodeFrame(frame))));
}

/** Says the same until it is cut off. */
async function floodUntilCut(socket: TLSSocket, frame: ControlFrame): Promise<void> {
  const many = Buffer.concat(Array.from({ length: 512 }, () => encodeFrame(frame)));
  const isOver = new Promise<"over">((resolve) => socket.once("close", () => resolve("over")));
  for (;;) {
    if (socket.destroyed) return;
    if (socket.write(many)) continue;
    const drained = new Promise<"more">((resolve) => socket.once("drain", () => resolve("more")));
    if ((await Promise.race([drained, isOver])) === "over") return;
  }
}

describe("who asks and does not read", () => {
  const floods: Readonly<Record<string, ControlFrame>> = {
    "the manifest": { kind: "ask" },
    "what it is refused": {
      kind: "request",
      pieces: Array.from({ length: 4_096 }, (_, piece) => piece % 512),
    },
  };
  for (const [what, frame] of Object.entries(floods)) {
    it(`is cut off before it fills the memory: ${what}`, async (test) => {
      const folder = await temporaryFolder(test);
      const artifact = await realArtifact(folder, 16 * megabyte);
      const hub = await takePart(test, "hub", join(folder, "hub"));
      const share = await hub.swarm.offer(artifact.offer);
      const before = process.memoryUsage().rss;
      const socket = await deafLine(test, artifact, { port: hub.port, name: "deaf" });
      await floodUntilCut(socket, frame);
      const grown = process.memoryUsage().rss - before;
      assert.ok(grown < 200 * megabyte, `${Math.round(grown / megabyte)} MiB more`);
      assert.equal(share.lineCount, 0);
    });
  }

  it("does not keep the hub's lines from others, however many there are of it", async (test) => {
    const folder = await temporaryFolder(test);
    // Pieces of 64 KiB, more than a socket takes of them unread.
    const artifact = await realArtifact(folder, 32 * megabyte, 64 * 1024);
    const hub = await takePart(test, "hub", join(folder, "hub"));
    const offered = await hub.swarm.offer(artifact.offer);
    const wanted = Array.from({ length: 256 }, (_, piece) => piece);
    for (let index = 0; index < 40; index++) {
      const socket = await deafLine(test, artifact, { port: hub.port, name: `deaf-${index}` });
      say(socket, { kind: "request", pieces: wanted });
    }
    const drone = await takePart(test, "web-1", join(folder, "web-1"));
    const share = drone.swarm.take(admissionOf(artifact, "web-1", [peerAt("hub", hub.port)]));
    await share.whole;
    assert.ok(offered.lineCount > 1, "it has all of it while those are there that read nothing");
  });
});
