import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatFilesProgress, openFilesView } from "../../src/output/files-progress.js";
import { widthOf } from "../../src/output/text-width.js";

const fetching = { phase: "fetching", done: 0, of: 0 } as const;
const writing = { phase: "writing", done: 250, of: 1_000 } as const;

describe("files on their way", () => {
  it("are a line with the drones by what they do, and a bar where files are counted", () => {
    assert.equal(formatFilesProgress([fetching, fetching], 0, 79), "2 fetching");
    assert.equal(
      formatFilesProgress([fetching, writing, { ...writing, done: 750 }], 1, 60),
      `${"█".repeat(11)}${"░".repeat(10)}   50 %  1 ended, 2 writing, 1 fetching`,
    );
  });

  it("keep to the columns that there are", () => {
    for (const columns of [10, 20, 40, 80]) {
      const line = formatFilesProgress([fetching, writing], 3, columns);
      assert.ok(widthOf(line) <= columns, `${columns}: ${line}`);
    }
  });

  it("are drawn in place on a terminal, and give the cursor back", () => {
    let written = "";
    const screen = { columns: 60, rows: 24, write: (text: string) => void (written += text) };
    const view = openFilesView(screen, true);
    view.step("reading 3 files");
    view.progress("web-1", writing);
    view.ended("web-1", "web-1  done\n");
    view.end();
    assert.match(written, /reading 3 files[^]*web-1 {2}done\n[^]*1 ended/);
    assert.ok(written.endsWith("\u001B[?25h"));
  });

  it("are only told at their end where there is no terminal", () => {
    let written = "";
    const screen = { columns: 60, rows: 24, write: (text: string) => void (written += text) };
    const view = openFilesView(screen, false);
    view.step("reading");
    view.progress("web-1", writing);
    view.ended("web-1", "web-1  done\n");
    view.end();
    assert.equal(written, "web-1  done\n");
  });
});
