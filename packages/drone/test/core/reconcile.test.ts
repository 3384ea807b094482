import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { reconcile, wantedOf, type Running, type Wanted } from "../../src/core/reconcile.js";
import { assignmentOf } from "../support/hub-double.js";

const assignment = assignmentOf({ repo: "webapp", commit: "1".repeat(40) });
const wanted = (change: Partial<Wanted> = {}): Wanted => ({
  assignment,
  service: "web",
  slot: 1,
  ...change,
});
const running = (change: Partial<Running> = {}): Running => ({
  process: "p1",
  deployment: assignment.id,
  service: "web",
  slot: 1,
  isEnding: false,
  ...change,
});

test("wants each service as often as it is assigned, in slots", () => {
  const services = [
    { service: "web", instances: 2 },
    { service: "mail", instances: 0 },
    { service: "say", instances: 1 },
  ];
  const places = wantedOf([{ ...assignment, services }], undefined).map(
    ({ service, slot }) => `${service}.${slot}`,
  );
  assert.deepEqual(places, ["web.1", "web.2", "say.1"]);
});

test("leaves slots out that somebody ended, and takes the lowest of the others", () => {
  const slots = (instances: number, held: number[]) =>
    wantedOf([{ ...assignment, services: [{ service: "web", instances, held }] }], undefined).map(
      ({ slot }) => slot,
    );
  assert.deepEqual(slots(2, [1]), [2, 3]);
  assert.deepEqual(slots(2, [2]), [1, 3]);
  assert.deepEqual(slots(3, [3, 1, 1]), [2, 4, 5]);
  assert.deepEqual(slots(2, [7]), [1, 2]);
  assert.deepEqual(slots(0, [1]), []);
  fc.assert(
    fc.property(fc.nat(50), fc.array(fc.nat(60)), (instances, held) => {
      const found = slots(instances, held);
      const others = Array.from({ length: 200 }, (_, index) => index + 1).filter(
        (slot) => !held.includes(slot),
      );
      assert.deepEqual(found, others.slice(0, instances));
    }),
  );
});

test("stops the held one alone and lets its neighbours be", () => {
  const services = [{ service: "web", instances: 2, held: [2] }];
  const all = [1, 2, 3].map((slot) => running({ process: `p${slot}`, slot }));
  const plan = reconcile(wantedOf([{ ...assignment, services }], undefined), all);
  assert.deepEqual(plan, { start: [], stop: ["p2"], keep: ["p1", "p3"] });
});

test("wants a drone's own command once for each deployment, whatever its services", () => {
  const services = [{ service: "web", instances: 5 }];
  assert.deepEqual(wantedOf([{ ...assignment, services }], "own"), [
    { assignment: { ...assignment, services }, service: "own", slot: 1 },
  ]);
});

test("starts what is wanted and does not run", () => {
  const second = wanted({ slot: 2 });
  const plan = reconcile([wanted(), second], [running()]);
  assert.deepEqual(plan, { start: [second], stop: [], keep: ["p1"] });
});

test("stops what runs and is not wanted, another slot or service or deployment included", () => {
  assert.deepEqual(reconcile([], [running()]), { start: [], stop: ["p1"], keep: [] });
  for (const other of [{ slot: 2 }, { service: "say" }, { deployment: "0".repeat(16) }]) {
    assert.deepEqual(reconcile([wanted()], [running(other)]).stop, ["p1"]);
  }
});

test("waits for the old instance of a slot to end before it starts a new one", () => {
  const ending = running({ isEnding: true });
  assert.deepEqual(reconcile([wanted()], [ending]), { start: [], stop: [], keep: [] });
});

test("does not tell twice to end", () => {
  assert.deepEqual(reconcile([], [running({ isEnding: true })]).stop, []);
});

test("fills a slot that is wanted twice once", () => {
  assert.deepEqual(reconcile([wanted(), wanted()], []).start, [wanted()]);
});

test("keeps one of two that were found in one slot", () => {
  const plan = reconcile([wanted()], [running(), running({ process: "p2" })]);
  assert.deepEqual([plan.keep, plan.stop], [["p1"], ["p2"]]);
});
