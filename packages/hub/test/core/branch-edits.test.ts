import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { branchLabel, check } from "@propagit/protocol";
import * as fc from "fast-check";
import {
  dropBranch,
  dropBranchesTo,
  labelOf,
  leadBranch,
  moveBranches,
  winnersOf,
} from "../../src/core/branch-edits.js";
import { Draft } from "../../src/core/draft.js";
import { releaseKey, type BranchRow, type Row, type TableName } from "../../src/core/rows.js";
import { release } from "../support/desk-world.js";

const [one, two] = ["a", "b"].map((digit) => digit.repeat(16)) as [string, string];
const commitOf = (id: string) => (id[0] ?? "").repeat(40);

function draftOf(...ids: readonly string[]): Draft {
  const draft = new Draft({ rows: <T extends TableName>() => new Map<string, Row<T>>() });
  ids.forEach((id, at) => {
    const row = release({ number: at + 1, deployment: id, commit: commitOf(id) });
    const { repo, environment, number, commit, specification, settings } = row;
    draft.put("releases", releaseKey(repo, environment, number), row);
    const common = { repo, environment, commit, specification, settings, services: [] };
    draft.put("deployments", id, { ...common, id, release: number, since: at, started: true });
  });
  return draft;
}

function branch(name: string, deployment: string, since = 1): BranchRow {
  return { repo: "webapp", branch: name, environment: "production", deployment, since };
}

const labels = (draft: Draft, id: string) => draft.rows("deployments").get(id)?.branches ?? [];

describe("a label", () => {
  it("is the branch in small letters, everything else a single dash", () => {
    const names = ["main", "feature/Login", "fix--that__bug", "-x-", "Ünïcode", "v1.2"];
    assert.deepEqual(
      names.map((name) => labelOf(name, "webapp")),
      ["main", "feature-login", "fix-that-bug", "x", "n-code", "v1-2"],
    );
    assert.equal(labelOf("___", "webapp"), undefined);
  });

  it("property: fits into a host name before the longest repository, or is none", () => {
    const name = fc.oneof(
      fc.string({ maxLength: 250 }),
      fc.stringMatching(/^[A-Za-z0-9/_.-]{1,250}$/),
    );
    fc.assert(
      fc.property(name, fc.integer({ min: 1, max: 50 }), (text, length) => {
        const label = labelOf(text, "r".repeat(length));
        if (label === undefined) return;
        assert.ok(check(branchLabel, label).ok, label);
        assert.ok(!label.includes("--"));
        assert.ok(`${label}--${"r".repeat(length)}`.length <= 63);
      }),
    );
  });
});

describe("branches", () => {
  it("lead to what was deployed of them last, several to one", () => {
    const draft = draftOf(one, two);
    leadBranch(draft, branch("main", one));
    leadBranch(draft, branch("feature/x", one));
    assert.deepEqual([labels(draft, one), labels(draft, two)], [["feature-x", "main"], []]);
    leadBranch(draft, branch("main", two));
    assert.deepEqual([labels(draft, one), labels(draft, two)], [["feature-x"], ["main"]]);
    dropBranch(draft, "webapp", "feature/x");
    assert.ok(!("branches" in (draft.rows("deployments").get(one) ?? {})));
    dropBranch(draft, "webapp", "nothing");
  });

  it("with one label: the one that is spelled so has it, else the first, until it is gone", () => {
    const draft = draftOf(one, two);
    leadBranch(draft, branch("feature/x", one, 1));
    leadBranch(draft, branch("feature_x", two, 2));
    assert.deepEqual([labels(draft, one), labels(draft, two)], [["feature-x"], []]);
    leadBranch(draft, branch("feature-x", two, 3));
    assert.deepEqual([labels(draft, one), labels(draft, two)], [[], ["feature-x"]]);
    dropBranch(draft, "webapp", "feature-x");
    dropBranch(draft, "webapp", "feature/x");
    assert.deepEqual([labels(draft, one), labels(draft, two)], [[], ["feature-x"]]);
  });

  it("lead nowhere when what they led to runs no longer", () => {
    const draft = draftOf(one, two);
    leadBranch(draft, branch("main", one));
    draft.delete("deployments", one);
    dropBranchesTo(draft, new Set([one]));
    assert.equal(draft.rows("branches").size, 0);
  });

  it("that a push sets to what runs already lead there, others stay, deleted ones go", () => {
    const draft = draftOf(one, two);
    leadBranch(draft, branch("main", one));
    leadBranch(draft, branch("old", one));
    const moves = [
      { branch: "main", commit: "c".repeat(40) },
      { branch: "new", commit: commitOf(two) },
      { branch: "old", commit: undefined },
    ];
    moveBranches(draft, "webapp", moves, 9);
    assert.deepEqual([labels(draft, one), labels(draft, two)], [["main"], ["new"]]);
  });

  it("property: every label has just one branch, whatever the order they came in", () => {
    const names = fc.constantFrom("x", "X", "x/", "a/b", "a-b", "A_b", "main");
    const rows = fc.uniqueArray(
      fc.record({ name: names, since: fc.nat(3), deployment: fc.constantFrom(one, two) }),
      { selector: ({ name }) => name },
    );
    fc.assert(
      fc.property(rows, fc.infiniteStream(fc.nat()), (some, order) => {
        const all = some.map(({ name, deployment, since }) => branch(name, deployment, since));
        const keys = new Map(all.map((row) => [row, order.next().value as number]));
        const mixed = [...all].sort(
          (left, right) => (keys.get(left) ?? 0) - (keys.get(right) ?? 0),
        );
        assert.deepEqual(winnersOf(mixed), winnersOf(all));
        const draft = draftOf(one, two);
        for (const row of mixed) leadBranch(draft, row);
        const given = [...labels(draft, one), ...labels(draft, two)];
        assert.equal(new Set(given).size, given.length);
        assert.deepEqual(new Set(given), new Set(all.map((row) => labelOf(row.branch, row.repo))));
      }),
    );
  });
});
