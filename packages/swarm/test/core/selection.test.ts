import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { PieceSet } from "../../src/core/piece-set.js";
import { Availability, hasWanted, pickRarest } from "../../src/core/selection.js";

function setOf(size: number, pieces: readonly number[]): PieceSet {
  const set = new PieceSet(size);
  for (const piece of pieces) set.add(piece);
  return set;
}

const situations = fc.integer({ min: 1, max: 120 }).chain((size) => {
  const pieces = fc.array(fc.integer({ min: 0, max: size - 1 }));
  return fc.record({
    size: fc.constant(size),
    from: pieces,
    have: pieces,
    claimed: pieces,
    counts: fc.array(fc.integer({ min: 0, max: 5 }), { minLength: size, maxLength: size }),
    count: fc.integer({ min: 0, max: 10 }),
    fractions: fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 1 }),
  });
});

describe("picking pieces", () => {
  it("takes the rarest that the peer has and that nobody is asked for, and no other", () => {
    fc.assert(
      fc.property(situations, ({ size, from, have, claimed, counts, count, fractions }) => {
        const availability = new Availability(size);
        for (const [piece, times] of counts.entries())
          for (let time = 0; time < times; time++) availability.add(piece);
        const taken = setOf(size, claimed);
        let turn = 0;
        const fraction = () => fractions[turn++ % fractions.length] ?? 0;
        const choice = {
          from: setOf(size, from),
          have: setOf(size, have),
          claimed: taken,
          availability,
          fraction,
        };
        const picked = pickRarest(choice, count);
        const eligible = [...new Set(from)].filter(
          (p) => !have.includes(p) && !claimed.includes(p),
        );
        assert.equal(picked.length, Math.min(count, eligible.length));
        assert.equal(new Set(picked).size, picked.length);
        assert.ok(picked.every((piece) => eligible.includes(piece)));
        const rarest = eligible
          .map((piece) => counts[piece] ?? 0)
          .sort((left, right) => left - right);
        assert.deepEqual(
          picked.map((piece) => counts[piece] ?? 0),
          rarest.slice(0, picked.length),
        );
        assert.deepEqual([...taken], [...setOf(size, claimed)]);
        assert.equal(
          hasWanted(choice.from, choice.have),
          from.some((piece) => !have.includes(piece)),
        );
      }),
    );
  });

  it("takes each of equals equally often", () => {
    const size = 4;
    const times = [0, 0, 0, 0];
    let state = 1;
    const fraction = () => {
      state = (state * 48_271) % 2_147_483_647;
      return state / 2_147_483_647;
    };
    for (let round = 0; round < 4000; round++) {
      const [piece = 0] = pickRarest(
        {
          from: PieceSet.full(size),
          have: new PieceSet(size),
          claimed: new PieceSet(size),
          availability: new Availability(size),
          fraction,
        },
        1,
      );
      times[piece] = (times[piece] ?? 0) + 1;
    }
    assert.ok(
      times.every((count) => count > 900 && count < 1100),
      String(times),
    );
  });
});
