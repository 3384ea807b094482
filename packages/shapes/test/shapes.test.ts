import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  choice,
  command,
  described,
  duration,
  list,
  mapOr,
  mapped,
  number,
  object,
  oneOrMany,
  orJust,
  percent,
  placed,
  record,
  size,
  text,
  variants,
  verbatim,
  whole,
  withDefault,
  yesNo,
  type ValueOf,
} from "../src/index.js";
import { plainText, refusalOf, valueOf } from "./support/reading.js";

const copy = object(
  {
    from: text(),
    to: text({ wanted: "a folder", pattern: "^/.*$" }),
    mode: choice("copy", "link"),
    overwrite: withDefault(yesNo, false),
    wait: withDefault(described("How long.", duration()), "10s"),
  },
  ["from", "to"],
);

/** Compiles when each member is as it should be: there, perhaps there, there by default. */
const typed: ValueOf<typeof copy> = { from: "a", to: "/b", overwrite: true, wait: 5 };
const alsoTyped: ValueOf<typeof copy> = { ...typed, mode: "link" };
// @ts-expect-error a default is always there
const notTyped: ValueOf<typeof copy> = { from: "a", to: "/b", wait: 5 };

describe("an object", () => {
  it("has what is written, defaults for what is not, and nothing else", () => {
    assert.deepEqual(valueOf(copy, "{ from: a, to: /b }"), {
      from: "a",
      to: "/b",
      overwrite: false,
      wait: 10_000,
    });
    assert.deepEqual(
      valueOf(copy, "{ from: a, to: /b, mode: link, overwrite: true, wait: 5ms }"),
      alsoTyped,
    );
    assert.ok(!("mode" in typed && "mode" in notTyped));
  });

  it("tells everything that is wrong with it at once, where it stands", () => {
    const said = refusalOf(copy, "form: a\nto: b\nmode: lnik\noverwrite: maybe\nwait: 10\n");
    assert.deepEqual(said.split("\n"), [
      '1:1: "form" is not known here; did you mean `from`?',
      "1:1: it has no `from`",
      '2:5: `to` "b" is not a folder',
      '3:7: `mode` "lnik" is not one of copy, link; did you mean `link`?',
      '4:12: `overwrite` "maybe" is neither true nor false',
      '5:7: `wait` "10" has no unit; write 10s (500ms, 10s, 1m, 24h, 7d)',
    ]);
  });

  it("says to editors what it says to readers", () => {
    assert.deepEqual(copy.schema, {
      type: "object",
      properties: {
        from: { type: "string", minLength: 1, maxLength: 1_000 },
        to: { type: "string", minLength: 1, maxLength: 1_000, pattern: "^/.*$" },
        mode: { enum: ["copy", "link"] },
        overwrite: { type: "boolean", default: false },
        wait: {
          type: "string",
          pattern: "^\\d{1,9}(?:\\.\\d{1,3})?(?:ms|s|m|h|d)$",
          description: "How long.",
          default: "10s",
        },
      },
      additionalProperties: false,
      required: ["from", "to"],
    });
  });

  it("is a map, not a list, a text or nothing", () => {
    assert.equal(refusalOf(copy, "[a]"), "1:1: it is a list, not a map");
    assert.equal(refusalOf(copy, "hello"), "1:1: it is text, not a map");
    assert.equal(refusalOf(copy, ""), "1:1: it is empty, not a map");
    assert.match(refusalOf(copy, "{ from: , to: /b }"), /^1:9: `from` is empty, not text$/m);
  });

  it("never reaches a prototype", () => {
    assert.match(refusalOf(copy, "__proto__: { from: a }"), /"__proto__" is not known here/);
    assert.match(refusalOf(copy, "constructor: a"), /"constructor" is not known here/);
    const names = record({ pattern: "^\\w+$", why: "is no name", max: 3 }, whole(0, 9));
    assert.deepEqual([...valueOf(names, "__proto__: 1").keys()], ["__proto__"]);
    assert.deepEqual(Object.keys(plainText(names, "__proto__: 1") as object), ["__proto__"]);
  });
});

describe("a default", () => {
  it("is what its shape reads, or the program is wrong", () => {
    assert.throws(() => withDefault(duration(), 10), /a default is what its shape reads: 10/);
    assert.throws(() => withDefault(whole(1, 3), undefined), /a default is what its shape reads/);
  });

  it("of what a shape was made from is not one of what was made", () => {
    const names = object({ name: mapped(withDefault(text(), "a"), (name) => [name]) });
    assert.deepEqual(valueOf(names, "{}"), {});
  });
});

describe("one of several maps", () => {
  const gate = variants({
    http: object({ http: text(), status: withDefault(whole(100, 599), 200) }, ["http"]),
    port: object({ port: whole(1, 65_535) }, ["port"]),
  });

  it("is known by the key that only it has", () => {
    assert.deepEqual(valueOf(gate, "http: /up"), {
      kind: "http",
      value: { http: "/up", status: 200 },
    });
    assert.deepEqual(valueOf(gate, "port: 80"), { kind: "port", value: { port: 80 } });
  });

  it("is refused without such a key, with two of them, and with keys of another", () => {
    assert.equal(
      refusalOf(gate, "htp: /up"),
      "1:1: it has none of `http`, `port`; did you mean `http`?",
    );
    assert.equal(refusalOf(gate, "{ http: /up, port: 80 }"), "1:1: it has both `http` and `port`");
    assert.match(refusalOf(gate, "{ port: 80, status: 200 }"), /"status" is not known here/);
    assert.equal(refusalOf(gate, "80"), "1:1: it is a number, not a map");
  });
});

describe("what is written as plain JSON again", () => {
  const everything = object({
    copy: orJust(object({ from: text(), deep: withDefault(yesNo, true) }, ["from"]), "from"),
    list: oneOrMany(copy, 3),
    names: record({ pattern: "^\\w+$", why: "is no name", max: 3 }, verbatim(10)),
    either: mapOr(copy, whole(0, 9)),
    run: command,
    kind: variants({ a: object({ a: size, b: withDefault(percent, "5%") }) }),
    place: placed(list(number(0, 2), 2)),
  });

  it("has its short forms in long, and every default", () => {
    assert.deepEqual(plainText(everything, "copy: a"), { copy: { from: "a", deep: true } });
    const long = { from: "a", to: "/b", overwrite: false, wait: "10s" };
    assert.deepEqual(plainText(everything, "list: { from: a, to: /b }"), { list: long });
    assert.deepEqual(plainText(everything, "list: [{ from: a, to: /b }]"), { list: [long] });
    assert.deepEqual(plainText(everything, "either: { from: a, to: /b }"), { either: long });
    assert.deepEqual(plainText(everything, "either: 0x7"), { either: 7 });
    assert.deepEqual(plainText(everything, "kind: { a: 512M }"), { kind: { a: "512M", b: "5%" } });
    assert.deepEqual(plainText(everything, "place: [1.50, 2]"), { place: [1.5, 2] });
  });

  it("keeps the letters of what is read by its letters", () => {
    const plain = plainText(everything, "{ names: { A: 1.10, B: 2, C: yes }, run: [a, 1.0] }");
    assert.deepEqual(plain, { names: { A: "1.10", B: 2, C: "yes" }, run: ["a", "1.0"] });
  });
});

describe("words", () => {
  it("are read as what they mean", () => {
    assert.equal(valueOf(size, "1.5G"), 1.5 * 1024 ** 3);
    assert.equal(valueOf(percent, "12.5%"), 12.5);
    assert.equal(valueOf(percent, "20"), 20);
    assert.equal(valueOf(duration(), "1.5h"), 5_400_000);
    assert.equal(valueOf(number(0, 1), "0.5"), 0.5);
    assert.deepEqual(valueOf(command, "echo a | b"), ["/bin/sh", "-c", "echo a | b"]);
    assert.deepEqual(valueOf(command, "[echo, 1]"), ["echo", "1"]);
    assert.equal(valueOf(text({ min: 0 }), '""'), "");
  });

  const refused = [
    [size, "lots", /is not a size, such as 512M/],
    [percent, "101", /is not a percentage such as 20%/],
    [duration(60_000), "2m", /is longer than/],
    [duration(60_000, 100), "5ms", /is shorter than 100ms/],
    [number(0, 1), "1.5", /is not a number from 0 to 1/],
    [whole(0, 1), "0.5", /is not a whole number from 0 to 1/],
    [command, "[]", /is an empty list/],
    [command, "' '", /is blank/],
    [text(), '""', /is empty/],
    [text({ min: 2 }), "a", /is too short/],
    [text({ max: 2 }), "abc", /is longer than 2 characters/],
    [text(), "1.10", /is not text; put it in quotes: "1\.10"/],
    [text(), '"a\\0b"', /has a zero byte in it/],
    [verbatim(2), "abc", /is longer than 2 characters/],
    [verbatim(9), '"a\\0b"', /has a zero byte in it/],
    [list(yesNo, 1), "[true, true]", /has more than 1 entries/],
    [list(yesNo, 1), "true", /is true, not a list/],
    [record({ pattern: "^a$", why: "is not a", max: 1 }, yesNo), "b: true", /"b" is not a/],
    [
      record({ pattern: "^.$", why: "", max: 1 }, yesNo),
      "{ b: true, c: true }",
      /has more than 1 entries/,
    ],
    [record({ pattern: "^.$", why: "", max: 1 }, yesNo), "[b]", /is a list, not a map/],
  ] as const;
  for (const [shape, written, says] of refused) {
    it(`are refused: ${written} ${says.source}`, () =>
      assert.match(refusalOf(shape, written), says));
  }
});
