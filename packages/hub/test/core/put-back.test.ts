import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { environmentOf } from "../../src/core/deployment-edits.js";
import { Draft, type LedgerRows } from "../../src/core/draft.js";
import { aheadOf, putBack } from "../../src/core/put-back.js";
import {
  placeKey,
  releaseKey,
  type ReleaseRow,
  type Row,
  type RolloutRow,
  type TableName,
} from "../../src/core/rows.js";
import { emptySpecification } from "../support/specifications.js";

const [repo, environment] = ["webapp", "production"] as const;
const rows: LedgerRows = { rows: <T extends TableName>() => new Map<string, Row<T>>() };

/** `A=1 B=2`; each value is hidden as itself. */
type Values = Readonly<Record<string, string | number>>;

function hidden(values: Values) {
  const entries = Object.entries(values).map(([name, value]) => {
    return [name, { hidden: String(value), secret: false, at: 1, by: "ann" }] as const;
  });
  return Object.fromEntries(entries);
}

function release(number: number, settings: Values, changes: Partial<ReleaseRow> = {}): ReleaseRow {
  return {
    repo,
    environment,
    number,
    deployment: String(number).padStart(16, "0"),
    commit: "a".repeat(40),
    subject: "",
    kind: "config",
    by: "ann",
    at: number,
    state: "ready",
    phases: [],
    drones: [],
    specification: emptySpecification,
    settings: hidden(settings),
    pinned: false,
    presence: "running",
    ...changes,
  };
}

interface Situation {
  readonly present: Values;
  readonly scales?: Record<string, number>;
  readonly releases: readonly ReleaseRow[];
  readonly live: readonly number[];
}

function ledgerOf({ present, scales = {}, releases, live }: Situation): Draft {
  const draft = new Draft(rows);
  for (const row of releases) {
    draft.put("releases", releaseKey(repo, environment, row.number), row);
  }
  const settings = hidden(present);
  const place = { repo, environment, lastRelease: 9, live: [...live], settings, scales };
  draft.put("environments", placeKey(repo, environment), place);
  return draft;
}

function valuesOf(draft: Draft): Values {
  const { settings } = environmentOf(draft, repo, environment);
  return Object.fromEntries(Object.entries(settings).map(([name, row]) => [name, row.hidden]));
}

test("what the release that was live had becomes what the one gone back to has", () => {
  const releases = [release(1, { A: 1, OLD: 1 }), release(2, { A: 2, NEW: 1, SAME: 1 })];
  const draft = ledgerOf({ present: { A: 2, NEW: 1, SAME: 1 }, releases, live: [1, 2] });
  putBack(draft, release(3, { A: 1, OLD: 1, SAME: 1 }, { kind: "rollback", from: 1 }));
  assert.deepEqual(valuesOf(draft), { A: "1", SAME: "1", OLD: "1" });
  const [event, ...others] = draft.change.events;
  assert.equal(
    event?.text,
    "settings of webapp in production are put back as in release 1: A, NEW, OLD",
  );
  assert.deepEqual([event?.kind, event?.by, others], ["configured", "ann", []]);
});

test("what was set or unset since without a release stays, and waits as before", () => {
  const releases = [release(1, { A: 1, B: 1 }), release(2, { A: 2, B: 1 })];
  const draft = ledgerOf({ present: { A: 2, C: 1 }, releases, live: [1, 2] });
  putBack(draft, release(3, { A: 1, B: 1 }, { kind: "rollback", from: 1 }));
  assert.deepEqual(valuesOf(draft), { A: "1", C: "1" });
});

test("what only a release had that failed since is gone back on too", () => {
  const failed = release(3, { BAD: 1 }, { state: "failed" });
  const releases = [release(1, {}), release(2, {}), failed];
  const draft = ledgerOf({ present: { BAD: 1 }, releases, live: [1, 2] });
  putBack(draft, release(4, {}, { kind: "rollback", from: 1 }));
  assert.deepEqual(valuesOf(draft), {});
});

test("what a release has that was made after the rollback stays", () => {
  const releases = [release(1, {}), release(2, {}), release(4, { LATER: 1 })];
  const draft = ledgerOf({ present: { LATER: 1 }, releases, live: [1, 2] });
  putBack(draft, release(3, {}, { kind: "rollback", from: 1 }));
  assert.deepEqual(valuesOf(draft), { LATER: "1" });
  assert.deepEqual(draft.change.events, []);
});

test("numbers of instances follow in the same way; releases that do not say leave them alone", () => {
  const releases = [release(2, {}, { scales: { web: 3, db: 1 } })];
  const situation = { present: {}, scales: { web: 3, db: 1, job: 2 }, releases, live: [2] };
  const draft = ledgerOf(situation);
  putBack(draft, release(3, {}, { kind: "rollback", scales: { web: 1 } }));
  assert.deepEqual(environmentOf(draft, repo, environment).scales, { web: 1, job: 2 });
  assert.equal(draft.change.events[0]?.kind, "scaled");
  const untold = ledgerOf(situation);
  putBack(untold, release(3, {}, { kind: "rollback" }));
  assert.deepEqual(environmentOf(untold, repo, environment).scales, situation.scales);
});

test("what comes behind a rollback on its way is of what that leaves behind", () => {
  const back = release(3, { A: 1 }, { kind: "rollback", state: "deploying" });
  const draft = ledgerOf({
    present: { A: 2, C: 1 },
    releases: [release(1, { A: 1 }), release(2, { A: 2 }), back],
    live: [1, 2],
  });
  const rollout: RolloutRow = {
    repo,
    environment,
    number: 3,
    deployment: back.deployment,
    acceptedAt: 1,
    phase: "starting",
    phaseAt: 1,
    drones: [],
  };
  const ahead = () =>
    Object.entries(aheadOf(draft, environmentOf(draft, repo, environment)).settings).map(
      ([name, row]) => `${name}=${row.hidden}`,
    );
  assert.deepEqual(ahead(), ["A=2", "C=1"]);
  draft.put("rollouts", releaseKey(repo, environment, 3), rollout);
  assert.deepEqual(ahead(), ["A=1", "C=1"]);
  draft.put("rollouts", releaseKey(repo, environment, 3), { ...rollout, phase: "undoing" });
  assert.deepEqual(ahead(), ["A=2", "C=1"]);
});

const values = fc.dictionary(fc.constantFrom("A", "B", "C", "toString"), fc.nat({ max: 3 }));

test("property: each name is either as in the release gone back to, or pending as it was", () => {
  fc.assert(
    fc.property(values, values, values, (present, former, target) => {
      const draft = ledgerOf({ present, releases: [release(2, former)], live: [2] });
      const back = release(3, target, { kind: "rollback" });
      putBack(draft, back);
      const after = valuesOf(draft);
      for (const name of ["A", "B", "C", "toString"]) {
        const of = (set: Values) => (Object.hasOwn(set, name) ? String(set[name]) : undefined);
        const isPending = of(present) !== of(former);
        assert.equal(of(after), of(isPending ? present : target));
      }
    }),
  );
});
