import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readlinkSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import { tarOf, type TarEntry } from "../../src/setup/tar.js";

const long = Array.from({ length: 12 }, (_, index) => `a-folder-with-a-name-${index}`).join("/");

describe("an archive", () => {
  it("is read by the tar that is here: bytes, modes, links, long names", () => {
    const folder = mkdtempSync(join(tmpdir(), "propagit-tar-"));
    const bytes = Buffer.from("é\0".repeat(700));
    try {
      const file = (isProgram: boolean) => ({ kind: "file", bytes, isProgram }) as const;
      const archive = tarOf("top", [
        { path: "bin/run", content: file(true) },
        { path: `${long.slice(0, 150)}/plain`, content: file(false) },
        { path: "link", content: { kind: "link", to: "bin/run" } },
      ]);
      execFileSync("tar", ["-xf", "-", "-C", folder], { input: archive });
      assert.deepEqual(readFileSync(join(folder, "top/bin/run")), bytes);
      assert.equal(statSync(join(folder, "top/bin/run")).mode & 0o777, 0o755);
      assert.deepEqual(readFileSync(join(folder, "top", long.slice(0, 150), "plain")), bytes);
      assert.equal(readlinkSync(join(folder, "top/link")), "bin/run");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("has the same bytes in whatever order its files come", () => {
    const entry = fc.record({ path: fc.stringMatching(/^[a-z]{1,8}$/), bytes: fc.uint8Array() });
    fc.assert(
      fc.property(fc.uniqueArray(entry, { selector: ({ path }) => path }), (all) => {
        const entries = all.map(({ path, bytes }): TarEntry => ({
          path,
          content: { kind: "file", bytes, isProgram: false },
        }));
        const archive = tarOf("top", entries);
        assert.deepEqual(tarOf("top", entries.toReversed()), archive);
        assert.equal(archive.length % 512, 0);
      }),
    );
  });

  it("refuses a name that no archive has room for", () => {
    const content = { kind: "file", bytes: new Uint8Array(), isProgram: false } as const;
    assert.throws(() => tarOf("top", [{ path: `${long}/x`, content }]), /too long for an archive/);
  });
});
