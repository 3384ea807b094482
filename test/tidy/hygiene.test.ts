/** Small habits, kept by a machine. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { files, filesLike, lineOf, type SourceFile } from "./sources.js";

const here = "test/tidy/hygiene.test.ts";
const code = filesLike(/\.(?:ts|js|mjs)$|^script\/|^\.ci\//).filter(({ path }) => path !== here);
const everything = files.filter(
  ({ path }) => path !== here && path !== "package-lock.json" && !path.startsWith(".git"),
);

/** Longest file, in lines: beyond it there is more than one idea in it. A test file is a list, and may be longer. */
const linesMax = { code: 400, test: 600 } as const;
/** Files that are longer, and why that is right. */
const longFiles: Readonly<Record<string, string>> = {};

describe("the code", () => {
  it("has no note about something unfinished", () => {
    assert.deepEqual(find(code, /\b(?:TODO|FIXME|XXX|HACK)\b|not implemented/g), []);
  });

  it("runs all its tests: none alone, none left out without a reason", () => {
    const alone = /\b(?:it|test|describe)\.(?:only|todo)\b|\bonly: true/g;
    const leftOut =
      /\b(?:it|test|describe|t)\.skip\((?!\s*(?:`|"[^"]{10,}|[a-z]\w*\)))|\bskip: true/g;
    assert.deepEqual([...find(code, alone), ...find(code, leftOut)], []);
  });

  it(`has no file of more than ${linesMax.code} lines, ${linesMax.test} in tests`, () => {
    const long = code
      .filter((file) => linesOf(file) > linesMaxOf(file.path) && !(file.path in longFiles))
      .map((file) => `${file.path} has ${linesOf(file)} lines`);
    assert.deepEqual(long, []);
  });

  it("has no exception to that which is no longer needed", () => {
    const needed = code.filter((file) => linesOf(file) > linesMaxOf(file.path));
    const paths = new Set(needed.map(({ path }) => path));
    assert.deepEqual(
      Object.keys(longFiles).filter((path) => !paths.has(path)),
      [],
    );
  });

  it("waits for conditions in tests, not for durations", () => {
    const tests = code.filter(({ path }) => path.endsWith(".test.ts"));
    assert.deepEqual(find(tests, /await (?:sleep|delay|setTimeout)\(\d/g), []);
  });

  it("has a sentence as the title of every test", () => {
    const tests = code.filter(({ path }) => path.endsWith(".test.ts"));
    assert.deepEqual(find(tests, /\bit\(\s*"(?:should |[A-Z][a-z]+ed?\b|test )/g), []);
  });
});

describe("every file", () => {
  it("speaks of the project only, not of where it was written", () => {
    const places =
      /\/work\/|\/root\/|\/home\/[a-z]+\/|\bfarm-[a-z]|\bCEO\b|\bworkplace\b|\bbrief\.md\b/g;
    const bookkeeping = /\bissue (?:#|\d)|\bissues \d|\bhelper session|\bsub-?agent/gi;
    assert.deepEqual([...find(everything, places), ...find(everything, bookkeeping)], []);
  });

  it("ends with a new line and has no spaces at the ends of its lines", () => {
    const texts = everything.filter(({ text }) => text !== "");
    const cut = texts.filter(({ text }) => !text.endsWith("\n")).map(({ path }) => path);
    assert.deepEqual([...cut, ...find(texts, /[ \t]+\n/g)], []);
  });

  it("has no merge conflict left in it", () => {
    assert.deepEqual(find(everything, /^(?:<{7}|>{7}) /gm), []);
  });
});

function linesOf({ text }: SourceFile): number {
  return text.trimEnd().split("\n").length;
}

function linesMaxOf(path: string): number {
  const isTest = path.startsWith("test/") || path.includes("/test/");
  return isTest ? linesMax.test : linesMax.code;
}

/** Where a pattern stands: `file:line text`. */
function find(where: readonly SourceFile[], pattern: RegExp): string[] {
  return where.flatMap(({ path, text }) =>
    [...text.matchAll(pattern)].map(
      (match) => `${path}:${lineOf(text, match.index)} ${match[0].trim()}`,
    ),
  );
}
