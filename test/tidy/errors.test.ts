/** The error catalogue, its documentation and its use are one. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { errorCatalogue, exitCodes } from "@propagit/protocol";
import { filesLike, read } from "./sources.js";

const documented = rowsOf(read("docs/errors.md"));

describe("docs/errors.md", () => {
  it("lists every error of the catalogue, in its order, with the same values", () => {
    const wanted = Object.entries(errorCatalogue).map(([code, { exit, status, when, hint }]) => [
      `\`${code}\``,
      `${exit}`,
      `${status}`,
      when,
      hint,
    ]);
    assert.deepEqual(
      documented.filter((row) => row.length === 5),
      wanted,
      "the catalogue (errors.ts, traffic-errors.ts, plan-errors.ts) and docs/errors.md differ; the rows of the catalogue are:\n" +
        wanted.map((row) => `| ${row.join(" | ")} |`).join("\n"),
    );
  });

  it("lists every exit code, and 130 for ^C", () => {
    const listed = documented.filter((row) => row.length === 3).map(([code]) => Number(code));
    assert.deepEqual(listed, [...Object.values(exitCodes), 130]);
  });
});

describe("the error catalogue", () => {
  const sources = filesLike(/^packages\/[^/]+\/src\/.*\.ts$/)
    .filter(({ path }) => !/^packages\/protocol\/src\/(?:traffic-|plan-)?errors\.ts$/.test(path))
    .map(({ text }) => text)
    .join("\n");
  for (const code of Object.keys(errorCatalogue)) {
    it(`has ${code} because something raises it`, () => {
      // INTERNAL is raised in the catalogue's own file, for whatever is not in it.
      assert.ok(code === "INTERNAL" || sources.includes(`"${code}"`), `nothing raises ${code}`);
    });
  }
});

/** Cells of all table rows below their headers. */
function rowsOf(markdown: string): string[][] {
  return markdown
    .split("\n")
    .filter((line) => line.startsWith("| ") && !/^\| *(?:exit )?(?:code|-+) /.test(line))
    .map((line) => line.slice(1, -1).split("|"))
    .map((cells) => cells.map((cell) => cell.trim()));
}
