import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { matchesPath, parsePatterns } from "../../src/core/artifact-patterns.js";

const examples: readonly [pattern: string | string[], path: string, fits: boolean][] = [
  ["node_modules", "node_modules/a/b.js", true],
  ["node_modules", "packages/a/node_modules/b.js", true],
  ["/dist", "dist/a.js", true],
  ["/dist", "packages/dist/a.js", false],
  ["dist/", "dist", false],
  ["dist/", "dist/a.js", true],
  ["*.map", "dist/a.js.map", true],
  ["dist/*.map", "dist/deep/a.js.map", false],
  ["dist/**/*.map", "dist/deep/er/a.js.map", true],
  ["dist/**", "dist/a", true],
  ["**/cache", "a/b/cache/c", true],
  ["a?c", "abc", true],
  ["a?c", "a/c", false],
  ["[a-c]x", "bx", true],
  ["[!a-c]x", "bx", false],
  ["# note", "# note", false],
  ["\\#note", "#note", true],
  ["a\\*", "ab", false],
  ["a.b", "aXb", false],
  [["*.log", "!keep.log"], "keep.log", false],
  [["logs/", "!logs/keep.log"], "logs/keep.log", true],
  [".env*", ".env.local", true],
];

test("reads patterns as .gitignore has them", () => {
  for (const [pattern, path, fits] of examples) {
    const patterns = parsePatterns([pattern].flat());
    assert.equal(matchesPath(patterns, path), fits, `${String(pattern)} and ${path}`);
  }
});

test("says of any pattern and path what git says", () => {
  const folder = mkdtempSync(join(tmpdir(), "propagit-patterns-"));
  try {
    execFileSync("git", ["init", "-q", folder]);
    const piece = fc.constantFrom(
      "a",
      "b",
      "ab",
      "*",
      "**",
      "?",
      "[ab]",
      "[!a]",
      "a*",
      "*b",
      "x.y",
    );
    const pattern = fc
      .tuple(
        fc.constantFrom("", "!"),
        fc.constantFrom("", "/"),
        fc.array(piece, { minLength: 1, maxLength: 3 }),
        fc.constantFrom("", "/"),
      )
      .map(([not, start, names, end]) => `${not}${start}${names.join("/")}${end}`);
    const path = fc
      .array(fc.constantFrom("a", "b", "ab", "x.y", "xzy", "c"), { minLength: 1, maxLength: 4 })
      .map((names) => names.join("/"));
    const world = fc.tuple(
      fc.array(pattern, { minLength: 1, maxLength: 4 }),
      fc.uniqueArray(path, { minLength: 1, maxLength: 20 }),
    );
    fc.assert(
      fc.property(world, ([lines, paths]) => {
        const patterns = parsePatterns(lines);
        const ours = paths.filter((it) => matchesPath(patterns, it));
        assert.deepEqual(ours, gitIgnored(folder, lines, paths), JSON.stringify({ lines, paths }));
      }),
      { numRuns: 150 },
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** The paths need not exist: git then takes them for files. */
function gitIgnored(folder: string, lines: readonly string[], paths: readonly string[]): string[] {
  writeFileSync(join(folder, ".git", "info", "exclude"), `${lines.join("\n")}\n`);
  try {
    const out = execFileSync("git", ["check-ignore", "--no-index", "--stdin"], {
      cwd: folder,
      input: `${paths.join("\n")}\n`,
      encoding: "utf8",
    });
    return out.split("\n").filter((line) => line !== "");
  } catch (thrown) {
    // 1: none of them is ignored.
    if ((thrown as { status?: number }).status === 1) return [];
    throw thrown;
  }
}
