import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  check,
  formatSelector,
  matchesSelector,
  parseSelector,
  PropagitError,
  selectorSchema,
  type SelectorTerm,
} from "../src/index.js";

const key = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,10}$/);
const value = fc.stringMatching(/^[A-Za-z0-9._-]{0,10}$/);
const values = fc.array(value, { minLength: 1, maxLength: 5 });
const plain = { noNullPrototype: true };
const term: fc.Arbitrary<SelectorTerm> = fc.oneof(
  fc.record({ key, op: fc.constantFrom("in", "not-in"), values }, plain),
  fc.record(
    { key, op: fc.constantFrom("exists", "absent"), values: fc.constant<string[]>([]) },
    plain,
  ),
);
const selector = fc.array(term, { maxLength: 20 });
const labels = fc.dictionary(key, value, { maxKeys: 5 });

describe("a label selector", () => {
  it("is read as users write it", () => {
    assert.deepEqual(
      parseSelector(" role=web,zone in ( a , b ), tier != db, area notin (c), gpu, ! old, v==2 "),
      [
        { key: "role", op: "in", values: ["web"] },
        { key: "zone", op: "in", values: ["a", "b"] },
        { key: "tier", op: "not-in", values: ["db"] },
        { key: "area", op: "not-in", values: ["c"] },
        { key: "gpu", op: "exists", values: [] },
        { key: "old", op: "absent", values: [] },
        { key: "v", op: "in", values: ["2"] },
      ],
    );
  });

  it("without terms is every drone", () => {
    assert.deepEqual([parseSelector(""), parseSelector("  ")], [[], []]);
    assert.ok(matchesSelector([], {}));
  });

  it("is the same again after it was written out", () => {
    fc.assert(
      fc.property(selector, (terms) => {
        assert.deepEqual(parseSelector(formatSelector(terms)), terms);
      }),
    );
  });

  it("that was read fits its schema, whatever was read", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), selector.map(formatSelector)), (text) => {
        try {
          assert.ok(check(selectorSchema, parseSelector(text)).ok);
        } catch (thrown) {
          assert.ok(thrown instanceof PropagitError);
          assert.equal(thrown.code, "BAD_PATTERN");
        }
      }),
    );
  });

  for (const [text, why] of [
    ["role=web,", /"" is not a term/],
    ["role=a b", /is not a term/],
    ["-role", /is not a term/],
    ["zone in a", /is not a term/],
    ["zone in (a", /is not a term/],
    ["zone in (a b)", /has a value that no label has/],
    [`zone in (${"a,".repeat(50)}a)`, /has more than 50 values/],
    ["a,".repeat(20).concat("a"), /has more than 20 terms/],
    [`${"k".repeat(64)}=v`, /is not a term/],
  ] as const) {
    it(`${text.slice(0, 20)} is refused: ${why.source}`, () => {
      assert.throws(() => parseSelector(text), { code: "BAD_PATTERN", message: why });
    });
  }
});

describe("labels", () => {
  for (const [text, fitting, others] of [
    ["role=web", [{ role: "web" }], [{ role: "db" }, {}]],
    ["role!=web", [{ role: "db" }, {}], [{ role: "web" }]],
    ["zone in (a,b)", [{ zone: "a" }, { zone: "b" }], [{ zone: "c" }, {}]],
    ["zone notin (a,b)", [{ zone: "c" }, {}], [{ zone: "a" }]],
    ["gpu", [{ gpu: "" }, { gpu: "2" }], [{}]],
    ["!gpu", [{}], [{ gpu: "" }]],
    ["role=", [{ role: "" }], [{}, { role: "web" }]],
    ["constructor", [], [{}]],
    ["role=web, !old", [{ role: "web" }], [{ role: "web", old: "" }, { role: "db" }]],
  ] as const) {
    it(`fit ${text} or not`, () => {
      const terms = parseSelector(text);
      for (const one of fitting) assert.ok(matchesSelector(terms, one), JSON.stringify(one));
      for (const one of others) assert.ok(!matchesSelector(terms, one), JSON.stringify(one));
    });
  }

  it("fit a selector when they fit each of its terms", () => {
    fc.assert(
      fc.property(selector, labels, (terms, some) => {
        const each = terms.map((one) => matchesSelector([one], some));
        assert.equal(matchesSelector(terms, some), !each.includes(false));
      }),
    );
  });

  it("fit either a term or its opposite", () => {
    const opposite = {
      in: "not-in",
      "not-in": "in",
      exists: "absent",
      absent: "exists",
    } as const;
    fc.assert(
      fc.property(term, labels, (one, some) => {
        const not = { ...one, op: opposite[one.op] };
        assert.notEqual(matchesSelector([one], some), matchesSelector([not], some));
      }),
    );
  });
});
