import assert from "node:assert/strict";
import { test } from "node:test";
import type { InstanceReport } from "@propagit/protocol";
import fc from "fast-check";
import { Draft, type LedgerRows } from "../../src/core/draft.js";
import {
  heldPlaces,
  holdInstances,
  releaseHolds,
  routedAway,
  type HeldInstance,
} from "../../src/core/hold-edits.js";
import { placeKey, type Row, type TableName } from "../../src/core/rows.js";
import { commit, deployment, report } from "../support/desk-world.js";
import { emptySpecification } from "../support/specifications.js";

const rows: LedgerRows = { rows: <T extends TableName>() => new Map<string, Row<T>>() };

function draftOf(): Draft {
  const draft = new Draft(rows);
  const place = { repo: "webapp", environment: "production", commit };
  draft.put("deployments", deployment, {
    id: deployment,
    ...place,
    release: 3,
    specification: emptySpecification,
    settings: {},
    since: 1,
    started: true,
    services: ["http"],
  });
  return draft;
}

function held(slot: number, changes: Partial<HeldInstance> = {}): HeldInstance {
  return { identity: "a", ownCommand: false, report: report(`p${slot}`, { slot }), ...changes };
}

const slotsIn = (draft: Draft) => [...draft.rows("holds").values()].map(({ slots }) => slots);

test("instances that are ended by hand are remembered by place, in order, with an event each", () => {
  const draft = draftOf();
  holdInstances(draft, [held(3), held(1), held(3)], "ann");
  assert.deepEqual(slotsIn(draft), [[1, 3]]);
  const [event] = draft.change.events;
  assert.deepEqual(
    [event?.kind, event?.by, event?.release, event?.text],
    ["stopped", "ann", 3, "ann stopped http of webapp on a drone"],
  );
});

test("an instance of what is no longer wanted, or a drone's own command without a slot", () => {
  const draft = draftOf();
  holdInstances(draft, [held(1, { report: report("x", { deployment: "f".repeat(16) }) })], "ann");
  assert.deepEqual(slotsIn(draft), []);
  const { slot: _, ...plain } = report("own");
  holdInstances(draft, [held(1, { ownCommand: true, report: plain })], "ann");
  assert.deepEqual([...draft.rows("holds").keys()], [`${deployment}/a/`]);
  assert.deepEqual(slotsIn(draft), [[1]]);
});

test("property: what is held and let go is held no more, and nothing else changes", () => {
  const slots = fc.uniqueArray(fc.integer({ min: 1, max: 8 }));
  fc.assert(
    fc.property(slots, slots, (before, more) => {
      const draft = draftOf();
      holdInstances(
        draft,
        before.map((slot) => held(slot)),
        "ann",
      );
      const chosen = more.map((slot) => held(slot));
      const places = heldPlaces(draft, chosen);
      assert.deepEqual(
        new Set(places.flatMap((place) => place.slots)),
        new Set(more.filter((slot) => before.includes(slot))),
      );
      releaseHolds(draft, places, "ann");
      const left = before.filter((slot) => !more.includes(slot)).sort((a, b) => a - b);
      assert.deepEqual(slotsIn(draft), left.length > 0 ? [left] : []);
    }),
  );
});

test("the last ready instance that visitors are sent to is told, others are not", () => {
  const draft = draftOf();
  const shares = [{ commit, deployment, weight: 1 }];
  const key = placeKey("webapp", "production");
  draft.put("routes", key, { repo: "webapp", environment: "production", shares });
  const [one, two] = [report("one"), report("two", { slot: 2 })];
  const worker = report("job", { service: "job", services: [] });
  const away = (all: readonly InstanceReport[], ended: readonly InstanceReport[]) =>
    routedAway(draft, all, ended)?.report.process;
  assert.equal(away([one, two], [one]), undefined);
  assert.equal(away([one, two], [one, two]), "one");
  assert.equal(away([one, { ...two, phase: "starting" }], [one]), "one");
  assert.equal(away([one, worker], [worker]), undefined);
  assert.equal(away([{ ...one, phase: "failed" }], [{ ...one, phase: "failed" }]), undefined);
  draft.delete("routes", key);
  assert.equal(away([one], [one]), undefined);
});
