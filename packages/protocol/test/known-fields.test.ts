import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import * as Type from "typebox";
import { checkKnown } from "../src/known-fields.js";
import { check, count, exact, list, oneOf } from "../src/shape.js";

const inner = exact({ bytes: count });
const schema = exact({
  name: Type.String(),
  more: Type.Optional(inner),
  all: Type.Optional(list(inner, 3)),
  by: Type.Optional(Type.Record(Type.String(), inner)),
  how: Type.Optional(
    Type.Union([
      exact({ kind: Type.Literal("git") }),
      exact({ kind: Type.Literal("swarm"), ...inner.properties }),
    ]),
  ),
  state: Type.Optional(oneOf("taking", "done")),
});

describe("a value from a newer side", () => {
  it("is taken without the fields that are not known here, wherever they are", () => {
    const value = {
      name: "a",
      colour: 1,
      more: { bytes: 1, colour: 2 },
      all: [{ bytes: 2 }, { bytes: 3, colour: 4 }],
      by: { x: { bytes: 5, colour: 6 } },
      how: { kind: "swarm", bytes: 7, colour: [8] },
    };
    assert.deepEqual(checkKnown(schema, value), {
      ok: true,
      value: {
        name: "a",
        more: { bytes: 1 },
        all: [{ bytes: 2 }, { bytes: 3 }],
        by: { x: { bytes: 5 } },
        how: { kind: "swarm", bytes: 7 },
      },
    });
  });

  it("is refused for what is known and wrong, with the reason", () => {
    const wrong = [
      [{ name: 1, colour: 2 }, "name must be string"],
      [{ colour: 2 }, "must have required properties name"],
      [{ name: "a", state: "resting" }, "state must be equal to one of the allowed values"],
      [
        { name: "a", all: [1, 2, 3, 4].map((bytes) => ({ bytes })) },
        "all must not have more than 3 items",
      ],
      ["a", "must be object"],
    ] as const;
    for (const [value, reason] of wrong) {
      assert.deepEqual(checkKnown(schema, value), { ok: false, reason });
    }
  });

  it("is the same as ever when all of it is known", () => {
    const known = fc.record(
      { name: fc.string(), more: fc.record({ bytes: fc.nat() }), state: fc.constant("done") },
      { requiredKeys: ["name"] },
    );
    fc.assert(
      fc.property(known, fc.dictionary(fc.string(), fc.jsonValue()), (value, beside) => {
        assert.deepEqual(checkKnown(schema, value), check(schema, value));
        const checked = checkKnown(exact({ name: Type.String() }), { ...beside, name: "a" });
        assert.deepEqual(checked, { ok: true, value: { name: "a" } });
      }),
    );
  });

  it("of any shape is only ever taken or refused", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        assert.equal(typeof checkKnown(schema, value).ok, "boolean");
      }),
    );
  });
});
