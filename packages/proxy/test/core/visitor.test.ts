import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readVisitor, writeVisitor } from "../../src/core/visitor.js";

const id = "0123456789abcdef".repeat(2);

test("reads back the cookie it wrote, wherever it stands among others", () => {
  const [pair = ""] = writeVisitor(id).split(";");
  for (const header of [pair, `a=b; ${pair}`, `a=b;${pair} ;c`, `propagit-visitor=bad; ${pair}`]) {
    assert.equal(readVisitor(header), id, header);
  }
});

test("takes nothing for an id that is none, whatever the header says", () => {
  assert.equal(readVisitor(undefined), undefined);
  assert.equal(readVisitor(`x-propagit-visitor=${id}`), undefined);
  assert.equal(readVisitor(`propagit-visitor=${id.toUpperCase()}`), undefined);
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const read = readVisitor(`propagit-visitor=${text}; propagit-visitor`);
      assert.ok(read === undefined || /^[0-9a-f]{32}$/.test(read));
    }),
  );
});
