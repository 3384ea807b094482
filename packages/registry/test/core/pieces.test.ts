import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { piecesOf } from "../../src/core/pieces.js";
import { endpoint } from "../support/samples.js";

const endpoints = Array.from({ length: 10 }, (_, index) => endpoint({ id: `e${index}` }));

describe("pieces of a long list", () => {
  it("are one, when everything fits", () => {
    assert.deepEqual(piecesOf(endpoints), [endpoints]);
    assert.deepEqual(piecesOf([]), [[]]);
  });

  it("hold together what was in the list, in order, each within its size", () => {
    const size = JSON.stringify(endpoint()).length;
    const pieces = piecesOf(endpoints, size * 3);
    assert.deepEqual(pieces.flat(), endpoints);
    assert.deepEqual(
      pieces.map((piece) => piece.length),
      [3, 3, 3, 1],
    );
  });

  it("may hold a single record that is larger than a piece", () => {
    assert.deepEqual(piecesOf(endpoints.slice(0, 2), 10), [[endpoints[0]], [endpoints[1]]]);
  });
});
