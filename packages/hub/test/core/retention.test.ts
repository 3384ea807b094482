import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import {
  planRetention,
  type RetainedRelease,
  type RetentionFacts,
  type RetentionPlan,
} from "../../src/core/retention.js";

const hourMs = 3_600_000;
const now = 1_000 * hourMs;

function release(number: number, changes: Partial<RetainedRelease> = {}): RetainedRelease {
  return {
    number,
    deployment: `d${number}`,
    state: "ready",
    at: now - 100 * hourMs,
    endedAt: now - 100 * hourMs,
    leftAt: now - 50 * hourMs,
    pinned: false,
    presence: "running",
    ...changes,
  };
}

function facts(changes: Partial<RetentionFacts> = {}): RetentionFacts {
  const releases = [1, 2, 3, 4, 5, 6].map((number) => release(number));
  return {
    releases,
    live: [1, 2, 3, 4, 5, 6],
    routed: new Map([[6, "it has a share of the visitors"]]),
    onTheWay: new Set(),
    keep: { releases: 4, warm: 2, forMs: 24 * hourMs },
    isDiskFull: false,
    ...changes,
  };
}

const actions = ({ releases }: RetentionPlan) =>
  Object.fromEntries(releases.map(({ number, action }) => [number, action]));
const whyOf = ({ releases }: RetentionPlan, number: number) =>
  releases.find((one) => one.number === number)?.why ?? "";

test("live and warm ones run, others stop when their time is over, and beyond the last they go", () => {
  const plan = planRetention(facts(), now);
  assert.deepEqual(actions(plan), {
    6: "stay",
    5: "stay",
    4: "stay",
    3: "stop",
    2: "remove",
    1: "remove",
  });
  assert.deepEqual(
    plan.releases.map(({ why }) => why),
    [
      "visitors are sent to it",
      "a rollback goes back to it",
      "it was live lately, and is kept warm",
      "its visitors left 2 days ago",
      "its visitors left 2 days ago, and there are 4 newer ones, and no more are kept",
      "its visitors left 2 days ago, and there are 4 newer ones, and no more are kept",
    ],
  );
  assert.equal(plan.nextAt, undefined);
});

test("what visitors left a while ago goes on until its time is over, and that time is told", () => {
  const releases = facts().releases.map((one) =>
    one.number === 3 ? { ...one, leftAt: now - hourMs } : one,
  );
  const plan = planRetention(facts({ releases }), now);
  assert.equal(actions(plan)[3], "stay");
  assert.equal(whyOf(plan, 3), "its visitors left 60 min ago");
  assert.equal(plan.nextAt, now + 23 * hourMs);
  assert.equal(actions(planRetention(facts({ releases }), now + 23 * hourMs))[3], "stop");
  assert.equal(actions(planRetention(facts({ releases, isDiskFull: true }), now))[3], "stop");
});

test("a manifest without `keep` leaves everything alone", () => {
  const plan = planRetention(facts({ keep: undefined, isDiskFull: true }), now);
  assert.deepEqual(new Set(Object.values(actions(plan))), new Set(["stay"]));
});

test("of what was rolled back to, everything stays, as it is the same deployment", () => {
  const again = release(7, { deployment: "d1" });
  const releases = [...facts().releases, again];
  const live = [1, 2, 3, 4, 5, 6, 7];
  const plan = planRetention(
    facts({ releases, live, routed: new Map([1, 7].map((number) => [number, "routed"])) }),
    now,
  );
  assert.equal(actions(plan)[1], "stay");
  assert.equal(whyOf(plan, 6), "a rollback goes back to it");
});

test("what an experiment or a shadow needs stays, whatever its age, and says why", () => {
  const routed = new Map([
    [6, "it has a share of the visitors"],
    [2, "it serves variant b of experiment header"],
    [1, "it gets a copy of 5 % of the requests"],
  ]);
  const plan = planRetention(facts({ routed, isDiskFull: true }), now);
  assert.deepEqual([actions(plan)[2], whyOf(plan, 2)], ["stay", routed.get(2)]);
  assert.deepEqual([actions(plan)[1], whyOf(plan, 1)], ["stay", routed.get(1)]);
});

test("a release that failed goes, however new it is", () => {
  const failed = release(7, { state: "failed", presence: "kept" });
  const plan = planRetention(facts({ releases: [...facts().releases, failed] }), now);
  assert.equal(actions(plan)[7], "remove");
  assert.equal(whyOf(plan, 7), "it was never ready");
});

const anyRelease = fc.record({
  deployment: fc.constantFrom("a", "b", "c", "d", "e"),
  state: fc.constantFrom("ready", "failed", "cancelled", "deploying"),
  age: fc.integer({ min: 0, max: 100 }),
  leftAge: fc.option(fc.integer({ min: 0, max: 100 }), { nil: undefined }),
  pinned: fc.boolean(),
  presence: fc.constantFrom("running", "kept", "removed"),
  /** A share, an experiment, a shadow: it is all the same to retention. */
  routedAs: fc.constantFrom("", "", "it serves variant b of experiment header", "it gets a copy"),
  isOnTheWay: fc.boolean(),
});

const anyFacts = fc
  .record({
    releases: fc.array(anyRelease, { maxLength: 20 }),
    live: fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 20 }),
    releasesKept: fc.integer({ min: 1, max: 6 }),
    warm: fc.integer({ min: 0, max: 4 }),
    forHours: fc.integer({ min: 0, max: 48 }),
    isDiskFull: fc.boolean(),
  })
  .map(({ releases, live, releasesKept, warm, forHours, isDiskFull }): RetentionFacts => {
    const numbers = (is: (one: (typeof releases)[number]) => boolean) =>
      new Set(releases.flatMap((one, at) => (is(one) ? [at + 1] : [])));
    return {
      releases: releases.map(({ age, leftAge, deployment, state, pinned, presence }, at) => ({
        number: at + 1,
        deployment,
        state,
        pinned,
        presence,
        at: now - age * hourMs,
        ...(leftAge !== undefined && { leftAt: now - leftAge * hourMs }),
      })),
      live: live.filter((number) => number <= releases.length),
      routed: new Map(
        releases.flatMap(({ routedAs }, at) => (routedAs === "" ? [] : [[at + 1, routedAs]])),
      ),
      onTheWay: numbers((one) => one.isOnTheWay),
      keep: { releases: releasesKept, warm, forMs: forHours * hourMs },
      isDiskFull,
    };
  });

test("what is live, routed in any way, pinned, on its way or next for a rollback never goes", () => {
  fc.assert(
    fc.property(anyFacts, (given) => {
      const deploymentOf = (number: number | undefined) =>
        given.releases.find((one) => one.number === number)?.deployment;
      const current = deploymentOf(given.live.at(-1));
      const former = given.live.map(deploymentOf).findLast((one) => one !== current);
      const untouchable = new Set([current, former]);
      for (const { number, deployment, pinned, state } of given.releases) {
        const isOnTheWay = given.onTheWay.has(number) || state === "deploying";
        if (pinned || isOnTheWay || given.routed.has(number)) untouchable.add(deployment);
      }
      for (const { number, action } of planRetention(given, now).releases) {
        if (untouchable.has(deploymentOf(number))) assert.equal(action, "stay");
      }
    }),
    { numRuns: 500 },
  );
});

/** The releases as they are when a plan is carried out. */
function carriedOut(given: RetentionFacts, at: number): RetentionFacts {
  const plan = new Map(
    planRetention(given, at).releases.map(({ number, action }) => [number, action]),
  );
  const after = (one: RetainedRelease): RetainedRelease["presence"] => {
    if (plan.get(one.number) === "remove") return "removed";
    return plan.get(one.number) === "stop" && one.presence === "running" ? "kept" : one.presence;
  };
  return { ...given, releases: given.releases.map((one) => ({ ...one, presence: after(one) })) };
}

test("a plan that is carried out leaves nothing to do until the time it tells", () => {
  fc.assert(
    fc.property(anyFacts, (given) => {
      const after = carriedOut(given, now);
      const { releases, nextAt } = planRetention(after, now);
      assert.ok(releases.every(({ action }) => action === "stay"));
      if (nextAt === undefined) return;
      assert.ok(nextAt > now);
      const early = planRetention(after, nextAt - 1).releases;
      assert.ok(early.every(({ action }) => action === "stay"));
      const due = planRetention(after, nextAt).releases;
      assert.ok(due.some(({ action }) => action !== "stay"));
    }),
    { numRuns: 500 },
  );
});

test("who keeps more, warmer or longer loses nothing more", () => {
  const rank = { stay: 0, stop: 1, remove: 2 } as const;
  fc.assert(
    fc.property(anyFacts, fc.nat(3), fc.nat(3), fc.nat(48), (given, releases, warm, hours) => {
      const keep = given.keep ?? { releases: 1, warm: 0, forMs: 0 };
      const more = {
        releases: keep.releases + releases,
        warm: keep.warm + warm,
        forMs: keep.forMs + hours * hourMs,
      };
      const before = planRetention(given, now).releases;
      const after = planRetention({ ...given, keep: more }, now).releases;
      after.forEach(({ action }, at) => {
        assert.ok(rank[action] <= rank[before[at]?.action ?? "stay"]);
      });
    }),
    { numRuns: 500 },
  );
});
