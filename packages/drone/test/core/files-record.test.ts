import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  encodeFilesRecord,
  ownedMeanwhile,
  parseFilesRecord,
  parseRecordHead,
  type FilesRecord,
} from "../../src/core/files-record.js";

const blob = "1".repeat(40);
const a = { kind: "file", path: "a\n\xff", mode: 0o644, bytes: 1, blob } as const;
const record: FilesRecord = {
  path: "/srv/site",
  state: "whole",
  commit: "2".repeat(40),
  carrier: "3".repeat(40),
  at: 1_700_000_000_000,
  by: "ann@laptop",
  owner: { uid: 5 },
  owned: new Map([
    [a.path, { entry: a, stamp: "1-2-3-4" }],
    ["d", { entry: { kind: "folder", path: "d", mode: 0o755 }, stamp: undefined }],
    ["l", { entry: { kind: "link", path: "l", to: "d" }, stamp: undefined }],
  ]),
};

describe("a record of a destination", () => {
  it("is read as it was written", () => {
    const text = encodeFilesRecord(record);
    assert.deepEqual(parseFilesRecord(text), record);
    const { owned: _, ...head } = record;
    assert.deepEqual(parseRecordHead(text.split("\n")[0] ?? ""), head);
  });

  it("is none when it is cut off, damaged or of another version", () => {
    const text = encodeFilesRecord(record);
    const damaged = [
      "",
      text.slice(0, -2),
      text.replace('"record":1', '"record":2'),
      text.replace('"whole"', '"half"'),
      text.replace('"at":1', '"at":-1.5'),
      text.replace('"d","d"', '"d","../d"'),
    ];
    for (const one of damaged) assert.equal(parseFilesRecord(one), undefined, one);
  });

  it("holds, while a push is under way, what was there and what comes", () => {
    const b = { kind: "link", path: "b", to: "a" } as const;
    const turned = { kind: "link", path: "d", to: "a" } as const;
    const owned = ownedMeanwhile(record.owned, [{ ...a, bytes: 2 }, b, turned]);
    assert.deepEqual(owned.get(a.path), { entry: a, stamp: "1-2-3-4" });
    assert.deepEqual(owned.get("b"), { entry: b, stamp: undefined });
    assert.deepEqual(owned.get("d")?.entry, turned);
    assert.equal(owned.size, 4);
  });
});
