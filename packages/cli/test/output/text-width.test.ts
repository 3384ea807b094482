import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  cutTo,
  plainText,
  styledText,
  widthOf,
  wrapLines,
  wrapTo,
} from "../../src/output/text-width.js";

const escape = "\u001B";

describe("foreign text", () => {
  it("keeps its words and loses everything that commands a terminal", () => {
    const cases: readonly (readonly [string, string])[] = [
      ["plain, ümlaut, 日本", "plain, ümlaut, 日本"],
      [`${escape}[2J${escape}[1;1Hgone`, "gone"],
      [`${escape}]0;title\u0007after`, "after"],
      [`${escape}]8;;http://x${escape}\\link`, "link"],
      [`${escape}[31mred${escape}[0m`, "red"],
      [`${escape}cwhole`, "whole"],
      ["one\rtwo\bthree\u0000", "onetwothree"],
      ["a\tb", "a    b"],
      [`half ${escape}`, "half "],
      ["\u202Ereversed", "reversed"],
      ["\u009B2Jc1", "2Jc1"],
    ];
    for (const [text, plain] of cases) assert.equal(plainText(text), plain, JSON.stringify(text));
  });

  it("may keep its colours, which then end with it", () => {
    assert.equal(
      styledText(`${escape}[31mred${escape}[2J again`),
      `${escape}[31mred again${escape}[0m`,
    );
    assert.equal(styledText("plain"), "plain");
  });

  it("never holds a control character, whatever it was", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        assert.doesNotMatch(plainText(`${escape}[${text}${escape}${text}`), /\p{Cc}/u);
      }),
    );
  });
});

describe("text on a terminal", () => {
  it("takes a column for most characters, two for wide ones, none for marks and colours", () => {
    assert.equal(widthOf("web-1"), 5);
    assert.equal(widthOf("日本"), 4);
    assert.equal(widthOf("e\u0301"), 1);
    assert.equal(widthOf(`${escape}[1;31mred${escape}[0m`), 3);
  });

  it("is cut with a sign that something is missing, and its colours end", () => {
    assert.equal(cutTo("ready on port", 8), "ready o…");
    assert.equal(cutTo("ready", 5), "ready");
    assert.equal(cutTo("日本語", 4), "日…");
    assert.equal(cutTo(`${escape}[31mready on${escape}[0m`, 4), `${escape}[31mrea…${escape}[0m`);
  });

  it("is never wider than it may be, once it is cut", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme" }),
        fc.integer({ min: 2, max: 40 }),
        (text, width) => {
          assert.ok(widthOf(cutTo(text, width)) <= width);
        },
      ),
    );
  });
});

describe("a text that is wider than the terminal", () => {
  it("is broken between words", () => {
    assert.equal(wrapLines("a\n  one two three\n", 10), "a\n  one\n    two\n    three\n");
    assert.equal(wrapLines("  one two", Infinity), "  one two");
    assert.equal(wrapTo("one two three", 7), "one two\nthree");
    assert.equal(wrapTo("one two three", 13), "one two three");
    assert.equal(wrapTo("a verylongword b", 5), "a\nverylongword\nb");
    assert.equal(wrapTo(`${escape}[31mone${escape}[0m two`, 7), `${escape}[31mone${escape}[0m two`);
  });

  it("keeps every word, and is no wider than it may be but for a word that is", () => {
    const words = fc.array(fc.string({ unit: "grapheme-ascii" }), { minLength: 1 });
    fc.assert(
      fc.property(words, fc.integer({ min: 1, max: 100 }), (parts, columns) => {
        const text = parts.join(" ").replaceAll(/\s/g, " ");
        const lines = wrapTo(text, columns).split("\n");
        assert.equal(lines.join(" "), text);
        for (const line of lines) assert.ok(widthOf(line) <= columns || !line.includes(" "), line);
      }),
    );
  });
});
