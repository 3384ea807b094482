import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  startExperiment,
  stopExperiment,
  winnerOf,
  type NewExperiment,
} from "../../src/core/experiment-edits.js";
import type { ReleaseRow, Row, SaidRow, TableName } from "../../src/core/rows.js";
import { release } from "../support/desk-world.js";

const said = { by: "ann", since: 5 };
const silent: SaidRow = {
  repo: "webapp",
  environment: "staging",
  rules: {},
  off: [],
  authors: {},
  hosts: [],
  experiments: [],
};
const served = { commit: "1".repeat(40), deployment: "a".repeat(16) };
const header: NewExperiment = {
  name: "header",
  variants: [
    { name: "a", weight: 50 },
    { name: "b", weight: 50, ...served },
  ],
};

function rowsWith(...releases: readonly ReleaseRow[]) {
  const tables = new Map([["releases", new Map(releases.map((row) => [row.number, row]))]]);
  return {
    rows: <T extends TableName>(table: T) =>
      (tables.get(table) ?? new Map()) as unknown as ReadonlyMap<string, Row<T>>,
  };
}

describe("experiments", () => {
  it("run beside each other in the order they were started, and end by name", () => {
    const both = startExperiment(
      startExperiment(silent, header, said),
      { ...header, name: "colour" },
      said,
    );
    assert.deepEqual(
      both.experiments.map(({ name, by, since }) => [name, by, since]),
      [
        ["header", "ann", 5],
        ["colour", "ann", 5],
      ],
    );
    assert.deepEqual(stopExperiment(stopExperiment(both, "header"), "colour"), silent);
    assert.throws(() => stopExperiment(both, "size"), {
      code: "NO_RULE",
      hint: "these are running: header, colour",
    });
    const other = { ...header, audience: { percent: 20 } };
    assert.throws(() => startExperiment(both, other, said), {
      code: "EXISTS",
      hint: "end it first: propagit experiment stop webapp header -e staging",
    });
  });

  const [a, b] = header.variants;
  const wrong: readonly (readonly [string, Partial<NewExperiment>, RegExp])[] = [
    ["no variants", { variants: [] }, /has no variants/],
    ["one variant", { variants: a ? [a] : [] }, /has one variant/],
    ["a variant twice", { variants: a ? [a, a] : [] }, /has variant a twice/],
    [
      "no weight at all",
      { variants: header.variants.map((one) => ({ ...one, weight: 0 })) },
      /no variant of experiment header has a weight/,
    ],
    [
      "a rule for nobody",
      { rules: [{ when: { percent: 5 }, variant: "c" }] },
      /names variant c, which it has not/,
    ],
    [
      "a condition that asks for nothing",
      { rules: [{ when: {}, variant: "b" }] },
      /asks for nothing/,
    ],
    ["an audience of everybody", { audience: {} }, /asks for nothing/],
  ];
  for (const [what, change, says] of wrong) {
    it(`cannot have ${what}`, () => {
      assert.throws(
        () => startExperiment(silent, { ...header, ...change }, said),
        (thrown: Error) => says.test(thrown.message),
      );
    });
  }

  it("stay as they are when they are begun once more just so", () => {
    const row = startExperiment(silent, header, said);
    assert.equal(startExperiment(row, header, { by: "bob", since: 9 }), row);
  });

  it("are decided for a variant that has a commit of its own", () => {
    const row = startExperiment(silent, header, said);
    const rows = rowsWith(release({ number: 4, ...served, state: "ready" }));
    assert.deepEqual(winnerOf(rows, row, "header", "b"), { ...served, release: 4 });
    assert.equal(b?.commit, served.commit);
    assert.throws(() => winnerOf(rowsWith(), row, "header", "b"), {
      code: "BAD_RULE",
      message: "no release of 1111111 is ready any more",
    });
    assert.throws(() => winnerOf(rows, row, "header", "a"), { code: "BAD_RULE" });
    assert.throws(() => winnerOf(rows, row, "header", "c"), {
      code: "NO_RULE",
      hint: "these are there: a, b",
    });
  });
});
