import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { PieceSet } from "../../src/core/piece-set.js";

const sets = fc.integer({ min: 1, max: 300 }).chain((size) =>
  fc.record({
    size: fc.constant(size),
    pieces: fc.array(fc.integer({ min: 0, max: size - 1 })),
    without: fc.array(fc.integer({ min: 0, max: size - 1 })),
  }),
);

describe("a set of pieces", () => {
  it("holds what a set of numbers holds, also after some are taken out", () => {
    fc.assert(
      fc.property(sets, ({ size, pieces, without }) => {
        const set = new PieceSet(size);
        const model = new Set<number>();
        for (const piece of pieces) {
          assert.equal(set.add(piece), !model.has(piece));
          model.add(piece);
        }
        for (const piece of without) assert.equal(set.delete(piece), model.delete(piece));
        assert.deepEqual(
          [...set],
          [...model].sort((left, right) => left - right),
        );
        assert.equal(set.count, model.size);
        assert.equal(set.isFull, model.size === size);
      }),
    );
  });

  it("is the same again from its bytes", () => {
    fc.assert(
      fc.property(sets, ({ size, pieces }) => {
        const set = new PieceSet(size);
        for (const piece of pieces) set.add(piece);
        const again = PieceSet.fromBytes(size, set.toBytes());
        assert.deepEqual([...(again ?? [])], [...set]);
        assert.equal(again?.count, set.count);
      }),
    );
  });

  it("takes no piece beyond its end, and no bits of another length", () => {
    const set = PieceSet.full(9);
    assert.equal(set.add(9), false);
    assert.equal(set.count, 9);
    assert.deepEqual(set.toBytes(), Uint8Array.of(0xff, 0x80));
    assert.equal(PieceSet.fromBytes(9, Uint8Array.of(0xff)), undefined);
    assert.equal(PieceSet.fromBytes(9, Uint8Array.of(0xff, 0xc0)), undefined);
  });
});
