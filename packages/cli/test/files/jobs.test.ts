import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PlanDelegation, PlanSummary } from "@propagit/protocol";
import { bucketOf, hostsOf, isJob, nameOfJob } from "../../src/files/jobs.js";

const counts = {
  tasks: 2,
  neverRun: 0,
  running: 0,
  retrying: 0,
  done: 2,
  unchanged: 0,
  failed: 0,
  stopped: 0,
  unknown: 0,
};
const job: PlanSummary = {
  run: "0123456789",
  name: nameOfJob("all:~/"),
  by: "ann",
  state: "over",
  outcome: "done",
  locks: [],
  counts,
};
const task = { command: "put-files", host: "web-1", attempt: 1 } as const;

describe("a push as a job", () => {
  it("is in the bucket that deploy-in-stages had it in", () => {
    assert.ok(isJob(job));
    assert.ok(isJob({ name: "files push /srv/site to 3 drones" }));
    assert.equal(bucketOf(job), "done");
    assert.equal(bucketOf({ ...job, counts: { ...counts, failed: 1 } }), "failed");
    assert.equal(bucketOf({ ...job, outcome: "failed" }), "failed");
    assert.equal(bucketOf({ ...job, outcome: "stopped" }), "stopped");
    assert.equal(bucketOf({ ...job, state: "queued" }), "queued");
    assert.equal(bucketOf({ ...job, state: "going" }), "pending");
  });

  it("shows hosts that are only waiting for another attempt, where the ancestor broke", () => {
    const tasks = [{ ...task, task: "1.1.1", state: "retrying" as const, nextAt: 9 }];
    assert.deepEqual(hostsOf("run", [{ tasks }], []), [
      { host: "web-1", way: [], state: "retrying", nextAt: 9 },
    ]);
  });

  it("shows the drones of relays with the way to them", () => {
    const delegate = { ...task, command: "delegate", host: "head", state: "running" as const };
    const below = { ...task, task: "1.1.1", host: "web-2", state: "done" as const };
    const part = {
      parent: "run",
      task: "1.1.2",
      run: "part",
      stages: [{ tasks: [below] }],
    } as unknown as PlanDelegation;
    const stages = [{ tasks: [{ ...delegate, task: "1.1.2" }] }];
    assert.deepEqual(hostsOf("run", stages, [part]), [
      { host: "web-2", way: ["head"], state: "done" },
    ]);
    assert.deepEqual(hostsOf("run", stages, []), []);
  });
});
