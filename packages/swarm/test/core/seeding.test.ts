import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PieceSet } from "../../src/core/piece-set.js";
import { Seeding } from "../../src/core/seeding.js";
import { Availability } from "../../src/core/selection.js";

const pieces = 6;
const nobody = () => new PieceSet(pieces);

function give(seeding: Seeding, has: PieceSet, availability: Availability): number | undefined {
  const piece = seeding.pick(has, availability);
  if (piece !== undefined) seeding.began(piece);
  return piece;
}

describe("seeding", () => {
  it("gives each piece once before any a second time, then nothing", () => {
    const seeding = new Seeding(pieces, () => 0.3);
    const availability = new Availability(pieces);
    const given = Array.from({ length: pieces }, () => give(seeding, nobody(), availability));
    assert.deepEqual(new Set(given), new Set([0, 1, 2, 3, 4, 5]));
    assert.notDeepEqual(given, [0, 1, 2, 3, 4, 5]);
    assert.equal(give(seeding, nobody(), availability), undefined);
  });

  it("gives nobody what he has", () => {
    const seeding = new Seeding(pieces, () => 0);
    const has = PieceSet.full(pieces);
    has.delete(3);
    const availability = new Availability(pieces);
    assert.equal(give(seeding, has, availability), 3);
    assert.equal(give(seeding, has, availability), undefined);
  });

  it("gives again what somebody went away with on its way", () => {
    const seeding = new Seeding(pieces, () => 0);
    const availability = new Availability(pieces);
    const [first] = Array.from({ length: pieces }, () => give(seeding, nobody(), availability));
    assert.ok(first !== undefined);
    seeding.ended(first, false);
    assert.equal(give(seeding, nobody(), availability), first);
  });

  it("gives again what no living line has, but not what somebody has or took away whole", () => {
    const seeding = new Seeding(pieces, () => 0);
    const availability = new Availability(pieces);
    for (let piece = 0; piece < pieces; piece++) {
      seeding.began(piece);
      seeding.ended(piece, true);
      if (piece !== 4) availability.add(piece);
    }
    assert.equal(seeding.pick(nobody(), availability), 4);
    seeding.leftWhole();
    assert.equal(seeding.pick(nobody(), availability), undefined);
  });

  it("does not give first what somebody brought along", () => {
    const seeding = new Seeding(pieces, () => 0);
    const availability = new Availability(pieces);
    for (const piece of [0, 1, 2, 3, 4]) availability.add(piece);
    assert.equal(give(seeding, nobody(), availability), 5);
    assert.equal(give(seeding, nobody(), availability), undefined);
  });
});
