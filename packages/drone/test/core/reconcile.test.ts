import assert from "node:assert/strict";
import { test } from "node:test";
import { reconcile, type Running } from "../../src/core/reconcile.js";

const one = { repo: "webapp", commit: "1".repeat(40) };
const two = { repo: "webapp", commit: "2".repeat(40) };
const running = (change: Partial<Running> = {}): Running => ({
  ...one,
  process: "p1",
  isEnding: false,
  ...change,
});

test("starts what is desired and does not run", () => {
  assert.deepEqual(reconcile([one, two], [running()]), { start: [two], stop: [], keep: ["p1"] });
});

test("stops what runs and is not desired", () => {
  assert.deepEqual(reconcile([], [running()]), { start: [], stop: ["p1"], keep: [] });
});

test("waits for the old instance of a commit to end before it starts a new one", () => {
  const ending = running({ isEnding: true });
  assert.deepEqual(reconcile([one], [ending]), { start: [], stop: [], keep: [] });
});

test("does not tell twice to end", () => {
  assert.deepEqual(reconcile([], [running({ isEnding: true })]).stop, []);
});

test("starts a commit that is desired twice once, and the same commit of another repo apart", () => {
  const other = { ...one, repo: "other" };
  assert.deepEqual(reconcile([one, one, other], []).start, [one, other]);
});
