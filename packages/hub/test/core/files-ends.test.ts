/** Ends of pushes to drones: what a journal keeps of them says the same when it is read. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { FilesOutcome } from "@propagit/protocol";
import { endOf, outcomeOf, pushedText } from "../../src/core/files-ends.js";
import { pushMs } from "../../src/core/past-files.js";

const changes = { added: 1, changed: 2, removed: 3, unchanged: 4, bytes: 2_048, foreign: 5 };

test("what was done is done when it is read again, its counts as text", () => {
  const end = endOf({ drone: "web-1", outcome: "done", changes });
  assert.equal(end.outcome, "done");
  const read = outcomeOf("web-1", end);
  assert.equal(read.outcome, "done");
  assert.match(read.reason ?? "", /^1 added, 2 changed, 3 removed, 4 unchanged, .* written$/);
  const same = { ...changes, added: 0, changed: 0, removed: 0 };
  const unchanged = endOf({ drone: "web-1", outcome: "done", changes: same });
  assert.equal(unchanged.outcome, "unchanged");
  assert.equal(outcomeOf("web-1", unchanged).outcome, "done");
});

test("who refused, failed or was away is that when it is read again, and why", () => {
  for (const outcome of ["refused", "failed", "away"] as const) {
    const reason = "a: b\nc";
    const said: FilesOutcome = { drone: "web-1", outcome, reason };
    assert.deepEqual(outcomeOf("web-1", endOf(said)), said);
  }
});

test("what ended in other words is a failure with these words", () => {
  const stopped = outcomeOf("web-1", { outcome: "stopped", reason: "bob stopped it" });
  assert.deepEqual(stopped, { drone: "web-1", outcome: "failed", reason: "bob stopped it" });
  assert.equal(outcomeOf("web-1", { outcome: "failed" }).reason, "it did not say why");
});

test("the log of events names who did not get it", () => {
  const counts = { neverRun: 1, running: 0, retrying: 0, stopped: 0, unknown: 0 };
  const summary = { by: "ann", counts: { ...counts, tasks: 3, done: 1, unchanged: 0, failed: 1 } };
  const push = { path: "/srv/site", commit: "a".repeat(40) };
  assert.equal(
    pushedText(push, summary, ["web-2", "web-3"]),
    "ann pushed files aaaaaaa to /srv/site on 1 of 3 drones, but not on 2: web-2, web-3",
  );
});

test("how long a push took is that of drones that got something", () => {
  const begun = (at: number, task: string) =>
    ({ at, kind: "task-begun", task, attempt: 1 }) as const;
  const ended = (at: number, task: string, outcome: "done" | "unchanged" | "failed") =>
    ({ at, kind: "task-ended", task, outcome }) as const;
  assert.equal(pushMs([begun(0, "1.1.1"), ended(5, "1.1.1", "unchanged")]), undefined);
  const events = [begun(0, "1.1.1"), begun(10, "1.2.1"), begun(10, "1.3.1")];
  const ends = [ended(100, "1.1.1", "done"), ended(310, "1.2.1", "done")];
  assert.equal(pushMs([...events, ...ends, ended(999, "1.3.1", "failed")]), 200);
});
