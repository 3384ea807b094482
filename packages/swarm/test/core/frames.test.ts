import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { FrameParser } from "../../src/core/frame-parser.js";
import {
  blockHeadBytes,
  encodeFrame,
  encodeManifestParts,
  listMax,
  writeBlockHead,
  type ControlFrame,
  type PeerFrame,
} from "../../src/core/frames.js";

const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record<T>(model, { noNullPrototype: true });
const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const bytesUpTo = (max: number) => fc.uint8Array({ maxLength: max, minLength: 1 });

const hello = fc
  .record({ pieces: fc.integer({ min: 0, max: 500 }), chooses: fc.boolean(), zone: fc.string() })
  .map(({ pieces, chooses, zone }): ControlFrame => ({
    kind: "hello",
    pieces,
    bits: new Uint8Array(Math.ceil(pieces / 8)).fill(0x5a),
    chooses,
    zone,
  }));
const control: fc.Arbitrary<ControlFrame> = fc.oneof(
  hello,
  record({
    kind: fc.constantFrom("have", "request", "cancel", "reject"),
    pieces: fc.array(u32, { maxLength: 20 }),
  }),
  record({ kind: fc.constant("wish" as const), count: fc.integer({ min: 0, max: listMax }) }),
  record({ kind: fc.constantFrom("nothing", "ask", "lack") }),
  record({ kind: fc.constant("bye" as const), reason: fc.string({ maxLength: 100 }) }),
  bytesUpTo(300).map((bytes) => ({
    kind: "manifest" as const,
    bytesAll: 1000,
    offset: 700,
    bytes,
  })),
);
const block = record({
  kind: fc.constant("block" as const),
  piece: u32,
  offset: fc.integer({ min: 0, max: 4_000_000 }),
  bytes: bytesUpTo(400),
});
const frames = fc.array(fc.oneof(control, block), { maxLength: 12 });

function encode(frame: PeerFrame): Uint8Array {
  if (frame.kind !== "block") return encodeFrame(frame);
  const { piece, offset, bytes } = frame;
  const encoded = new Uint8Array(blockHeadBytes + bytes.length);
  writeBlockHead(encoded, { piece, offset, bytes: bytes.length });
  encoded.set(bytes, blockHeadBytes);
  return encoded;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** Blocks that came in several as the one that was sent. */
function joined(received: readonly PeerFrame[]): PeerFrame[] {
  const out: PeerFrame[] = [];
  for (const frame of received) {
    const last = out.at(-1);
    const goesOn =
      frame.kind === "block" &&
      last?.kind === "block" &&
      last.piece === frame.piece &&
      last.offset + last.bytes.length === frame.offset;
    if (goesOn) out[out.length - 1] = { ...last, bytes: concat([last.bytes, frame.bytes]) };
    else out.push(frame);
  }
  return out;
}

/** What a parser makes of bytes that come cut at these places; each buffer is wiped when it returns. */
function parseCut(bytes: Uint8Array, cuts: readonly number[]) {
  const parser = new FrameParser();
  const received: PeerFrame[] = [];
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  let reason: string | undefined;
  let from = 0;
  for (const to of [...places, bytes.length]) {
    const part = bytes.slice(from, to);
    from = to;
    reason = parser.push(part, (frame) =>
      received.push(frame.kind === "block" ? { ...frame, bytes: frame.bytes.slice() } : frame),
    );
    part.fill(0xee);
  }
  return { received, reason };
}

describe("frames between peers", () => {
  it("are the same again, wherever the bytes are cut", () => {
    fc.assert(
      fc.property(frames, fc.array(fc.nat(), { maxLength: 30 }), (sent, cuts) => {
        const { received, reason } = parseCut(concat(sent.map(encode)), cuts);
        assert.equal(reason, undefined);
        assert.deepEqual(joined(received), joined(sent));
      }),
    );
  });

  it("are the same again byte by byte", () => {
    fc.assert(
      fc.property(frames, (sent) => {
        const bytes = concat(sent.map(encode));
        const { received } = parseCut(bytes, [...bytes.keys()]);
        assert.deepEqual(joined(received), joined(sent));
      }),
      { numRuns: 30 },
    );
  });

  it("never throw for whatever comes, and give a reason only once it is wrong for good", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.array(fc.nat()), (bytes, cuts) => {
        const { reason } = parseCut(bytes, cuts);
        assert.ok(reason === undefined || reason.length > 0);
        assert.equal(parseCut(bytes, []).reason, reason);
      }),
    );
  });

  it("cut a long manifest into parts that follow one another", () => {
    const packed = new Uint8Array(50_000);
    const { received } = parseCut(concat(encodeManifestParts(packed)), [1, 20_000]);
    const offsets = received.map((frame) => (frame.kind === "manifest" ? frame.offset : -1));
    assert.deepEqual(offsets, [0, 16_384, 32_768, 49_152]);
  });
});

describe("a malformed frame", () => {
  const raw = (kind: number, body: readonly number[], length = body.length + 1) =>
    Uint8Array.from([
      length >>> 24,
      (length >>> 16) & 255,
      (length >>> 8) & 255,
      length & 255,
      kind,
      ...body,
    ]);

  const cases: readonly [string, Uint8Array, string][] = [
    ["of no length", raw(2, [], 0), "a frame of no length"],
    ["that is too long", raw(2, [], 100_000), "a frame of 99999 bytes"],
    ["of an unknown kind", raw(99, []), "a frame of kind 99"],
    ["that is a block of nothing", raw(6, [], 9), "a block of no bytes"],
    ["that is an endless block", raw(6, [], 600_000), "a block of 599991 bytes"],
    ["that is a list of bits and pieces", raw(2, [1, 2, 3]), "a list of 3 bytes"],
    [
      "that is a hello of another version",
      raw(1, [9, 0, 0, 0, 0, 0, 0]),
      "version 9 of the exchange, here it is 1",
    ],
    ["that is half a hello", raw(1, [1, 0, 0]), "a hello that is cut off"],
    [
      "that is a hello with a cut zone",
      raw(1, [1, 0, 0, 0, 0, 0, 5, 65]),
      "a hello that is cut off",
    ],
    [
      "that is a hello with too few bits",
      raw(1, [1, 0, 0, 0, 0, 9, 0, 255]),
      "1 bytes of bits for 9 pieces",
    ],
    ["that asks with a body", raw(9, [1]), "a body where none belongs"],
    ["that wishes for nothing readable", raw(7, [1]), "a wish that is cut off"],
    ["that wishes for too much", raw(7, [0, 1, 0, 0]), "a wish for 65536 pieces"],
    [
      "that is an empty part of a manifest",
      raw(10, [0, 0, 0, 1, 0, 0, 0, 0]),
      "a part of a manifest with nothing in it",
    ],
    [
      "that is a part beyond the end",
      raw(10, [0, 0, 0, 1, 0, 0, 0, 1, 7]),
      "a part of a manifest beyond its end",
    ],
    [
      "that says goodbye forever",
      raw(
        12,
        Array.from({ length: 2000 }, () => 65),
      ),
      "a goodbye without end",
    ],
  ];
  for (const [what, bytes, reason] of cases)
    it(`${what} has its reason, and nothing is read after it`, () => {
      const parser = new FrameParser();
      const never = () => assert.fail("a frame came out of it");
      assert.equal(parser.push(bytes, never), reason);
      assert.equal(parser.push(encodeFrame({ kind: "ask" }), never), reason);
    });
});
