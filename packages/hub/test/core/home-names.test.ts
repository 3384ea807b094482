import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { encodeFilesManifest, type FilesEntry } from "@propagit/protocol";
import { HomeNamesReader, homeFoldersMax } from "../../src/core/home-names.js";

const folder = (path: string): FilesEntry => ({ kind: "folder", path, mode: 0o755 });
const file = (path: string): FilesEntry => ({
  kind: "file",
  path,
  mode: 0o644,
  bytes: 1,
  blob: "a".repeat(40),
});

function namesOf(entries: readonly FilesEntry[], pieceChars = 7) {
  const text = encodeFilesManifest({ head: { mode: 0o755 }, entries });
  const reader = new HomeNamesReader();
  for (let at = 0; at < text.length; at += pieceChars) {
    reader.read(text.slice(at, at + pieceChars));
  }
  return reader.names;
}

describe("what a push puts at the top of a home folder", () => {
  it("is read from the manifest in pieces: folders by their names, files as one", () => {
    const name = 'gr\u00fc"n\\';
    const bytes = Buffer.from(name).toString("latin1");
    assert.deepEqual(namesOf([folder("site"), file("site/a"), folder("site/b"), folder(bytes)]), {
      folders: ["site", name],
      hasFiles: false,
    });
    assert.deepEqual(namesOf([file("one")]), { folders: [], hasFiles: true });
    const link: FilesEntry = { kind: "link", path: "now", to: "a/b" };
    assert.deepEqual(namesOf([link]), { folders: [], hasFiles: true });
  });

  it("is one place when there are too many", () => {
    const folders = Array.from({ length: homeFoldersMax + 1 }, (_, at) => folder(`f${at}`));
    assert.equal(namesOf(folders, 4_096), undefined);
    assert.equal(namesOf(folders.slice(1), 4_096)?.folders.length, homeFoldersMax);
  });
});
