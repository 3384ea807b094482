/** What a push says in the words of deploy-in-stages. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PropagitError, type PlanDelegation } from "@propagit/protocol";
import { inOwnWords, jobText, type SeenJob } from "../../src/files/verbs.js";

const run = "0123456789";
const now = 1_700_000_000_000;
const job: SeenJob = {
  run,
  name: "files to all:~/",
  by: "ann",
  state: "going",
  beganAt: now - 60_000,
  locks: [],
  counts: {
    tasks: 2,
    neverRun: 1,
    running: 0,
    retrying: 0,
    done: 1,
    unchanged: 0,
    failed: 0,
    stopped: 0,
    unknown: 0,
  },
  bucket: "pending",
  hosts: [
    { host: "web-1", way: [], state: "done" },
    { host: "web-2", way: ["head"], state: "never-run" },
  ],
  parts: [{ relay: "head", line: "waiting", plan: { state: "new" } } as PlanDelegation],
};

function linesOf(seen: SeenJob): readonly string[] {
  return jobText(seen, now).trimEnd().split("\n").slice(1);
}

describe("a push, as people look at it", () => {
  it("has drones that are to come, and a relay that is waited for", () => {
    assert.deepEqual(linesOf(job), [
      "   done 1: web-1",
      "   pending 1: web-2 (by head)",
      "   head: has not taken it over",
    ]);
  });

  it("has drones of which nothing is to come when it is over, and waits for no relay", () => {
    for (const bucket of ["stopped", "failed"] as const) {
      const over = { ...job, state: "over", outcome: bucket, bucket } as const;
      assert.deepEqual(linesOf(over), ["   done 1: web-1", "   never begun 1: web-2 (by head)"]);
    }
  });
});

describe("what cannot be asked of a push", () => {
  it("is told of a push, in the word that was typed, with the command that shows it", () => {
    const refused = (kind: string, why: string) =>
      new PropagitError("NOT_NOW", `plan ${run} cannot be asked to ${kind}: ${why}`, {
        hint: `see where it stands: propagit plans status ${run}`,
      });
    const told = (["stop", "skip-wait", "retry"] as const).map((kind) => {
      const ask = kind === "stop" ? { kind, undo: false } : { kind };
      return inOwnWords(refused(kind, "it is over"), ask, run) as PropagitError;
    });
    assert.deepEqual(
      told.map(({ message }) => message),
      ["stop", "age", "reset"].map((word) => `push ${run} cannot be asked to ${word}: it is over`),
    );
    for (const { hint } of told) {
      assert.equal(hint, `see where it stands: propagit files status ${run}`);
    }
  });
});
