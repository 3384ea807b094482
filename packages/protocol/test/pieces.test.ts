import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { piecesOf, sendPieces } from "../src/pieces.js";

const items = Array.from({ length: 10 }, (_, index) => ({ id: `e${index}` }));

describe("pieces of a long list", () => {
  it("are one, when everything fits", () => {
    assert.deepEqual(piecesOf(items), [items]);
    assert.deepEqual(piecesOf([]), [[]]);
  });

  it("hold together what was in the list, in order, each within its size", () => {
    const size = JSON.stringify(items[0]).length;
    const pieces = piecesOf(items, size * 3);
    assert.deepEqual(pieces.flat(), items);
    assert.deepEqual(
      pieces.map((piece) => piece.length),
      [3, 3, 3, 1],
    );
  });

  it("may hold a single item that is larger than a piece", () => {
    assert.deepEqual(piecesOf(items.slice(0, 2), 10), [[items[0]], [items[1]]]);
  });

  it("are sent one by one, the last one in the result", () => {
    const large = Array.from({ length: 3 }, (_, index) => `${index}`.repeat(300_000));
    const sent: string[][] = [];
    const last = sendPieces(large, (piece) => sent.push(piece));
    assert.deepEqual([...sent.flat(), ...last], large);
    assert.equal(last.length, 1);
    assert.deepEqual(
      sendPieces([], () => assert.fail("nothing is to be sent")),
      [],
    );
  });
});
