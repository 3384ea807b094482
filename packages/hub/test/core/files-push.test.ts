import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { expiredIncoming, judgeFilesPush } from "../../src/core/files-push.js";
import { forgottenFiles, type FilesRow } from "../../src/core/files-rows.js";

const commit = "1".repeat(40);
const now = 1_700_000_000_000;
const ref = `refs/files/1700000000-${commit}`;

describe("a push into the repository of files", () => {
  it("brings a new commit under its own name", () => {
    assert.deepEqual(judgeFilesPush([{ ref, oldId: undefined, newId: commit }]), []);
  });

  it("is refused for anything else", () => {
    const changes = [
      { ref: "refs/heads/main", oldId: undefined, newId: commit },
      { ref: "refs/propagit/deployed/x", oldId: undefined, newId: commit },
      { ref, oldId: commit, newId: undefined },
      { ref, oldId: "2".repeat(40), newId: commit },
      { ref, oldId: undefined, newId: "2".repeat(40) },
    ];
    for (const change of changes) assert.equal(judgeFilesPush([change]).length, 2, change.ref);
  });

  it("is held for an hour when nobody comes back for it", () => {
    const old = `refs/files/1699990000-${commit}`;
    const future = `refs/files/1800000000-${commit}`;
    assert.deepEqual(expiredIncoming([ref, old, future, "refs/heads/x"], now), [old, future]);
  });
});

describe("what is remembered of files", () => {
  const row = (identity: string, at: number): FilesRow => ({
    identity,
    path: "/srv/site",
    commit,
    carrier: commit,
    at,
    by: "ann",
  });

  it("goes with its drone, and the oldest goes first when there is too much", () => {
    const many = Array.from({ length: 1_002 }, (_, at): [string, FilesRow] => [
      `a/${at}`,
      row("a", at),
    ]);
    const rows = new Map([...many, ["b/1", row("b", 5)] as const]);
    assert.deepEqual(forgottenFiles(rows, (identity) => identity === "a").toSorted(), [
      "a/0",
      "a/1",
      "b/1",
    ]);
    assert.deepEqual(
      forgottenFiles(new Map([["a/1", row("a", 1)]]), () => true),
      [],
    );
  });
});
