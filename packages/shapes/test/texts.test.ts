import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  formatDuration,
  formatProblem,
  formatProblems,
  locate,
  object,
  parseDuration,
  plainOf,
  Problems,
  readJson,
  readYaml,
  whole,
  yesNo,
  type Located,
} from "../src/index.js";
import { limits } from "./support/reading.js";

/** As JSON.parse would give it. */
const anything = { schema: {}, read: () => null };

function fromJson(text: string): { readonly node: Located | undefined; readonly says: string } {
  const problems = new Problems("", text);
  const node = readJson(text, problems, limits);
  return { node, says: problems.all.map((one) => formatProblem(one).slice(1)).join("\n") };
}

/** JSON without keys that are there twice, which only we refuse. */
const json = fc
  .json({ maxDepth: 5 })
  .filter((text) => !text.includes("1e") && !text.includes("e+"));

describe("JSON", () => {
  it("is read as JSON.parse reads it", () => {
    const spaced = fc.tuple(fc.jsonValue(), fc.constantFrom(undefined, 1, "\t"));
    fc.assert(
      fc.property(spaced, ([value, space]) => {
        const text = JSON.stringify(value, null, space);
        const { node, says } = fromJson(text);
        assert.equal(says, "");
        assert.ok(node);
        assert.deepEqual(plainOf(anything, node), JSON.parse(text));
      }),
      { numRuns: 500 },
    );
  });

  it("is read as YAML reads it, each value at the same place", () => {
    fc.assert(
      fc.property(json, (text) => {
        const { node, says } = fromJson(text);
        const problems = new Problems("", text);
        const yaml = readYaml(text, problems, limits);
        // The YAML package reads some of them otherwise, or not: `"\/"`, lines within brackets.
        fc.pre(problems.isEmpty && says === "");
        assert.deepEqual(placesOf(node), placesOf(yaml));
      }),
      { numRuns: 300 },
    );
  });

  it("is refused where JSON.parse refuses it", () => {
    const broken = fc.record({
      text: json,
      at: fc.nat(),
      cut: fc.nat(3),
      put: fc.constantFrom("", ",", "}", '"', "\\", "0", "nul", "\n", "[", ":"),
    });
    fc.assert(
      fc.property(broken, ({ text, at, cut, put }) => {
        const place = at % (text.length + 1);
        const changed = text.slice(0, place) + put + text.slice(place + cut);
        const { says } = fromJson(changed);
        fc.pre(!says.includes("is here twice") && !says.includes("beyond all bounds"));
        assert.equal(says === "", isJson(changed), `${changed} ${says}`);
      }),
      { numRuns: 2_000 },
    );
  });

  const refused = [
    ["", "1:1: is not JSON: it ends here, where a value should be"],
    ['{"a":1', "1:7: is not JSON: it ends here, where `,` or `}` should be"],
    ['{"a" 1}', '1:6: is not JSON: here is "1}", where `:` should be'],
    ["{a: 1}", '1:2: is not JSON: here is "a: 1}", where a name in quotes should be'],
    ["[1,]", '1:4: is not JSON: here is "]", where a value should be'],
    ["[1 2]", '1:4: is not JSON: here is "2]", where `,` or `]` should be'],
    ["1 2", '1:3: is not JSON: here is "2", where nothing should be'],
    ['\n"a', "2:1: is not JSON: a text begins here and never ends"],
    ['["\\x"]', "1:2: is not JSON: this text has a wrong escape or a bare line end in it"],
    ['["a\nb"]', "1:2: is not JSON: this text has a wrong escape or a bare line end in it"],
    ["[1e999]", '1:2: is a number beyond all bounds: "1e999"'],
    ['{"a": 1,\n "a": 2}', '2:2: "a" is here twice'],
    [`${"[".repeat(50)}${"]".repeat(50)}`, "1:22: is nested too deeply"],
  ] as const;
  for (const [text, says] of refused) {
    it(`is refused with its place: ${JSON.stringify(text).slice(0, 30)}`, () =>
      assert.equal(fromJson(text).says, says));
  }

  it("may begin with a mark of its encoding, and hold escapes and names that others fear", () => {
    const { node } = fromJson('\uFEFF{"__proto__": "\\"\\u00e9\\\\", "b": [ ]}');
    assert.ok(node);
    assert.deepEqual(
      JSON.stringify(plainOf(anything, node)),
      JSON.stringify(JSON.parse('{"__proto__": "\\"é\\\\", "b": []}')),
    );
  });
});

describe("what is made to hurt", () => {
  const read = (text: string, reader: typeof readJson) => {
    const problems = new Problems("", text);
    reader(text, problems, { charsMax: 1024 * 1024, valuesMax: 1_000, depthMax: 20 });
    return problems.all[0]?.message ?? "nothing is refused";
  };

  it("is bounded: long texts, many values, deep nesting, aliases of aliases", () => {
    const large = `[${"1,".repeat(2_000)}1]`;
    for (const reader of [readJson, readYaml]) {
      assert.match(read(large, reader), /has more than 1000 values/);
      assert.match(read(" ".repeat(1024 * 1024 + 1), reader), /is longer than 1 MiB/);
      assert.match(read("[".repeat(100_000), reader), /nested too deeply|not YAML/);
    }
    // Read to its end, the first overflows the stack of the YAML package, which has ended whole processes.
    for (const part of ["[", "- ", "? ", "{a: ", '{"a":']) {
      assert.match(read(part.repeat(200_000), readYaml), /^is nested too deeply$/);
    }
    assert.match(read("a: &a [*a]", readYaml), /nested too deeply/);
    const laughs = ["a0: &a0 [x, x]"];
    for (let level = 1; level < 30; level++) {
      laughs.push(`a${level}: &a${level} [*a${level - 1}, *a${level - 1}]`);
    }
    assert.match(read(laughs.join("\n"), readYaml), /nested too deeply|more than 1000 values/);
  });

  it("says a bound in the unit that fits it", () => {
    const problems = new Problems("", "ab");
    readJson("ab".repeat(2_000), problems, { ...limits, charsMax: 2 * 1024 });
    assert.equal(problems.all[0]?.message, "is longer than 2 KiB");
  });
});

describe("plain values of a program", () => {
  const problemsOf = (value: unknown) => {
    const problems = new Problems("generator aurora");
    const node = locate(value, problems);
    return node ? "nothing is refused" : problems.all.map(formatProblem).join("\n");
  };

  it("are as if they were written, without what is undefined", () => {
    const node = locate({ a: [1, "b", null], c: { d: true, e: undefined } }, new Problems(""));
    assert.ok(node);
    assert.deepEqual(plainOf(anything, node), { a: [1, "b", null], c: { d: true } });
  });

  it("are refused where no document could say them, by their path", () => {
    assert.equal(
      problemsOf({ a: [{ b: () => 1 }] }),
      "generator aurora: `a[0].b` is a function, which no document can say",
    );
    assert.match(problemsOf({ a: new Map() }), /`a` is a Map, which/);
    assert.match(problemsOf({ a: new Date(0) }), /`a` is a Date, which/);
    assert.match(problemsOf({ a: 1n }), /`a` is a bigint, which/);
    assert.match(problemsOf([undefined]), /`\[0\]` is undefined, which/);
    assert.match(problemsOf(Number.NaN), /it is no finite number/);
    const endless: Record<string, unknown> = {};
    endless["again"] = endless;
    assert.match(problemsOf(endless), /is nested too deeply/);
  });
});

describe("problems", () => {
  it("have lines where there is a text, and only their words where there is none", () => {
    const shape = object({ on: yesNo, count: whole(1, 3) });
    const text = "count: 9\non: maybe";
    const problems = new Problems("a.yaml", text);
    const node = readYaml(text, problems, limits);
    assert.ok(node);
    shape.read(node, "", problems);
    assert.equal(
      formatProblems(problems.all),
      'a.yaml:1:8: `count` "9" is not a whole number from 1 to 3\n  a.yaml:2:5: `on` "maybe" is neither true nor false',
    );
    const made = new Problems("generator x");
    shape.read(node, "", made);
    assert.equal(
      made.all[0] && formatProblem(made.all[0]).split(" is ")[0],
      'generator x: `count` "9"',
    );
  });
});

describe("a duration", () => {
  it("is written so that it is read as the same", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100 * 86_400_000 }), (ms) => {
        assert.deepEqual(parseDuration(formatDuration(ms)), { ok: true, value: ms });
      }),
    );
    const texts = [0, 5, 1_000, 1_500, 90_000, 5_400_000, 86_400_000].map(formatDuration);
    assert.deepEqual(texts, ["0s", "5ms", "1s", "1.5s", "90s", "90m", "1d"]);
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Values with where they stand. */
function placesOf(node: Located | undefined): unknown {
  if (!node) return undefined;
  if (node.kind === "scalar") return [node.at, node.value];
  if (node.kind === "list") return [node.at, node.items.map(placesOf)];
  return [
    node.at,
    [...node.entries].map(([key, { keyAt, value }]) => [key, keyAt, placesOf(value)]),
  ];
}
