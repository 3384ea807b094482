import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { closeFrame, FrameFollower } from "../../src/core/websocket-frames.js";

/** A frame with that many bytes, in the shortest form of its length or a longer one. */
function frameOf(length: number, isMasked: boolean): Buffer {
  const mask = isMasked ? 0x80 : 0;
  const key = isMasked ? [1, 2, 3, 4] : [];
  const payload = Buffer.alloc(length, 0x81);
  if (length < 126) return Buffer.from([0x82, mask | length, ...key, ...payload]);
  if (length < 65_536) {
    return Buffer.from([0x82, mask | 126, length >> 8, length & 0xff, ...key, ...payload]);
  }
  const long = Buffer.alloc(8);
  long.writeBigUInt64BE(BigInt(length));
  return Buffer.concat([Buffer.from([0x82, mask | 127, ...long, ...key]), payload]);
}

const frame = fc
  .tuple(fc.constantFrom(0, 1, 5, 125, 126, 200, 65_535, 65_536), fc.boolean())
  .map(([length, isMasked]) => frameOf(length, isMasked));

describe("frames of a websocket", () => {
  it("are followed over whatever pieces they come in", () => {
    const pieces = fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(fc.array(frame, { minLength: 1, maxLength: 5 }), pieces, (frames, sizes) => {
        const bytes = Buffer.concat(frames);
        const ends = new Set([0]);
        let end = 0;
        for (const { length } of frames) ends.add((end += length));
        const follower = new FrameFollower();
        let at = 0;
        for (let piece = 0; at < bytes.length; piece++) {
          const to = Math.min(bytes.length, at + (sizes[piece % sizes.length] ?? 1));
          follower.follow(bytes, at, to);
          at = to;
          assert.equal(follower.isBetweenFrames, ends.has(at), `at ${at}`);
        }
      }),
    );
  });

  it("end with one that says 1001, masked only towards an endpoint", () => {
    assert.deepEqual([...closeFrame(false)], [0x88, 2, 0x03, 0xe9]);
    const [opcode, length, ...rest] = closeFrame(true);
    assert.deepEqual([opcode, length], [0x88, 0x82]);
    const [one = 0, two = 0, , , high = 0, low = 0] = rest;
    assert.equal(((high ^ one) << 8) | (low ^ two), 1001);
  });
});
