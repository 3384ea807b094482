import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  deployedCommits,
  numberedRelease,
  releaseOfCommit,
  usualRelease,
  type ReleaseQuestion,
} from "../../src/core/release-reference.js";
import { release } from "../support/desk-world.js";

const [one, two] = ["74336bc1".padEnd(40, "0"), "74336bcf".padEnd(40, "0")];
const question: ReleaseQuestion = {
  repo: "webapp",
  environment: "staging",
  releases: [
    release({ number: 1, commit: one }),
    release({ number: 2, commit: two }),
    release({ number: 3, commit: one }),
    release({ number: 4, commit: two, state: "failed" }),
  ],
  current: 2,
};

describe("a release", () => {
  it("is the one that visitors are sent to, else the newest that is ready", () => {
    assert.equal(usualRelease(question).number, 2);
    assert.equal(usualRelease({ ...question, current: undefined }).number, 3);
    assert.throws(() => usualRelease({ ...question, releases: [] }), {
      code: "NOT_DEPLOYED",
      message: "webapp in staging has no release that is ready",
    });
  });

  it("is found by its number, unless that may be the beginning of a commit", () => {
    assert.equal(numberedRelease(question, "3")?.number, 3);
    assert.equal(numberedRelease(question, "main"), undefined);
    assert.equal(numberedRelease(question, "7433"), undefined);
    assert.throws(() => numberedRelease(question, "9"), {
      code: "NO_RELEASE",
      message: 'there is no release "9" of webapp in staging',
    });
  });

  it("is the newest of its commit", () => {
    assert.equal(releaseOfCommit(question, one).number, 3);
    assert.throws(() => releaseOfCommit(question, "f".repeat(40)), {
      code: "NOT_DEPLOYED",
      message: "fffffff is not deployed: webapp in staging has no release of it",
    });
  });

  it("has a commit that a prefix may mean", () => {
    assert.deepEqual(deployedCommits(question, "74336BC"), [one, two]);
    assert.deepEqual(deployedCommits(question, "74336bc1"), [one]);
  });
});
