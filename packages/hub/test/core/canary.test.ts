import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { canaryPlanDefault, LatencyHistogram } from "@propagit/protocol";
import { noEvidence } from "../../src/core/canary-judgement.js";
import type { CanaryRow } from "../../src/core/canary-row.js";
import { controlAt, sharesAt } from "../../src/core/canary-shares.js";
import {
  stepCanary,
  supersededStep,
  whyNotChange,
  type CanaryEvent,
  type CanaryStep,
  type CanaryView,
} from "../../src/core/canary.js";
import type { Flow } from "../../src/core/traffic-counts.js";

const commit = "7".repeat(40);
const deployment = "0d1c2b3a49586776";
const old = { commit: "4".repeat(40), deployment: "1111111111111111", release: 11 };
const before = [{ commit: old.commit, deployment: old.deployment, weight: 1 }];
const now = 1_000_000;

/** At its second step, with a minute of five measured. */
function canary(changes: Partial<CanaryRow> = {}): CanaryRow {
  return {
    repo: "webapp",
    environment: "production",
    commit,
    deployment,
    release: 12,
    old,
    before,
    plan: canaryPlanDefault,
    by: "ann",
    startedAt: 0,
    phase: "measuring",
    phaseAt: 900_000,
    lookedAt: now - 1_000,
    step: 1,
    measuredMs: 60_000,
    evidence: noEvidence,
    text: "25 %",
    ...changes,
  };
}

const preparing = canary({ phase: "preparing", step: 0, before: [], old: { commit } });
const timeOver = { measuredMs: canaryPlanDefault.everyMs };

function flow(requests = 0, failed = 0, ms = 10): Flow {
  const latency = new LatencyHistogram();
  for (let request = 0; request < requests; request++) latency.add(ms);
  return { requests, failed, latency };
}

function counted(fresh: Flow, old: Flow): CanaryView["added"] {
  return { fresh, old, allOld: old };
}

function view(row: CanaryRow, changes: Partial<CanaryView> = {}): CanaryView {
  const percent = row.phase === "preparing" ? 0 : (row.plan.steps[row.step] ?? 0);
  return {
    now,
    release: { state: "ready", deployment },
    shares: row.before.length > 0 ? sharesAt(row, percent) : before,
    old,
    sentBy: "visitors are split: 1, 1, by bob",
    isAlive: true,
    added: counted(flow(), flow()),
    recentOld: flow(),
    uncounted: undefined,
    ...changes,
  };
}

function step(row: CanaryRow, event: CanaryEvent, changes: Partial<CanaryView> = {}): CanaryStep {
  return stepCanary(row, event, view(row, changes));
}

const looked = { kind: "looked" } as const;
const enough = { added: counted(flow(300), flow(300)) };

/** What matters of a step: phase, step, what is written of shares, what is asked, how it ended. */
function short({ row, percent, ask }: CanaryStep) {
  return [row.phase, row.step, percent, ask, row.end?.outcome];
}

describe("preparing", () => {
  it("stays while its release is on its way", () => {
    const { row } = step(preparing, looked, { release: { state: "deploying", deployment } });
    assert.equal(row, preparing);
  });

  it("asks whether proxies see it when its release is ready", () => {
    assert.deepEqual(short(step(preparing, looked)), ["preparing", 0, undefined, "see", undefined]);
  });

  it("gets its first share, beside whoever has the visitors by then, when they do", () => {
    const begun = step(preparing, { kind: "seen" });
    assert.deepEqual(short(begun), ["switching", 0, 5, "apply", undefined]);
    assert.deepEqual([begun.row.before, begun.row.old], [before, old]);
  });

  it("fails when its release does, is removed, or is not seen", () => {
    const release = { state: "failed", reason: "exit code 1", deployment } as const;
    const failed = step(preparing, looked, { release });
    assert.deepEqual(short(failed), ["over", 0, undefined, undefined, "failed"]);
    assert.match(failed.row.end?.reason ?? "", /was not ready: failed: exit code 1$/);
    assert.equal(step(preparing, looked, { release: undefined }).row.end?.outcome, "failed");
    const unseen = step(preparing, { kind: "unseen", reason: "nobody sees it" });
    assert.equal(unseen.row.end?.reason, "nobody sees it");
  });

  it("gets all visitors at once when nobody else has any", () => {
    const alone = step(preparing, { kind: "seen" }, { shares: [], old: undefined });
    assert.deepEqual(short(alone), ["over", 3, 100, "apply", "promoted"]);
  });

  it("is aborted without a change of shares, and promoted as soon as it is seen", () => {
    const aborted = step(preparing, { kind: "change", change: "abort", by: "bob" });
    assert.deepEqual(short(aborted), ["over", 0, undefined, undefined, "aborted"]);
    const { row } = step(preparing, { kind: "change", change: "promote", by: "bob" });
    assert.deepEqual(short(step(row, { kind: "seen" })), ["over", 3, 100, "apply", "promoted"]);
  });
});

describe("switching", () => {
  const row = canary({ phase: "switching" });

  it("asks the proxies at each look, so that a hub that died asks again", () => {
    assert.deepEqual(short(step(row, looked)), ["switching", 1, undefined, "apply", undefined]);
  });

  it("begins to measure when every proxy goes by the shares", () => {
    assert.deepEqual(short(step(row, { kind: "applied" })).slice(0, 2), ["measuring", 1]);
  });

  it("hears of what was asked in another state without a change", () => {
    const measuring = canary();
    assert.equal(step(measuring, { kind: "applied" }).row, measuring);
    assert.equal(step(measuring, { kind: "seen" }).row, measuring);
    assert.equal(step(measuring, { kind: "unseen", reason: "late" }).row, measuring);
  });
});

describe("measuring", () => {
  it("adds what was counted, and the time that went by", () => {
    const { row } = step(canary(), looked, { added: counted(flow(10, 1), flow(12)) });
    assert.deepEqual(
      [row.measuredMs, row.evidence.fresh.requests, row.evidence.fresh.failed, row.lookedAt],
      [61_000, 10, 1, now],
    );
    assert.equal(row.evidence.old.requests, 12);
  });

  it("does not take time without a hub for time that was measured", () => {
    const { row } = step(canary({ lookedAt: 0 }), looked);
    assert.equal(row.measuredMs, 65_000);
  });

  it("sets what is slow by what came before, and counts it from then on", () => {
    const first = step(canary(), looked, { ...enough, recentOld: flow(500, 0, 10) }).row;
    assert.deepEqual([first.evidence.fresh.timed, first.evidence.slowAbove?.old], [0, 38]);
    const slow = { added: counted(flow(20, 0, 500), flow(20, 0, 10)) };
    const { evidence } = step(first, looked, slow).row;
    assert.deepEqual([evidence.fresh.timed, evidence.fresh.slow, evidence.old.slow], [20, 20, 0]);
  });

  it("does not time the first seconds of a first step", () => {
    const cold = canary({ step: 0, measuredMs: 3_000 });
    const { row } = step(cold, looked, { recentOld: flow(500) });
    assert.equal(row.evidence.slowAbove, undefined);
  });

  it("goes to the next step when the time is over and nothing is worse", () => {
    const next = step(canary(timeOver), looked, enough);
    assert.deepEqual(short(next), ["switching", 2, 50, "apply", undefined]);
    assert.deepEqual([next.row.evidence, next.row.measuredMs], [noEvidence, 0]);
  });

  it("ends with all visitors there after the last step that leaves others some", () => {
    const last = canary({ ...timeOver, step: 2 });
    assert.deepEqual(short(step(last, looked, enough)), ["over", 3, 100, "apply", "promoted"]);
  });

  it("sends all visitors back at the first look that says worse, with the reason in numbers", () => {
    const bad = { added: counted(flow(1_213, 50), flow(1_180, 4)) };
    const back = step(canary(), looked, bad);
    assert.deepEqual(short(back), ["over", 1, 0, "apply", "aborted"]);
    assert.equal(
      back.row.end?.reason,
      "release 12 (7777777) fails 4.1 % of 1,213 requests, 4444444 0.3 % of 1,180; bound +0.5 points",
    );
  });

  it("is given up when none of its instances is ready for two seconds, and not before", () => {
    const first = step(canary(), looked, { isAlive: false });
    assert.deepEqual(short(first).slice(0, 1), ["measuring"]);
    const later = { isAlive: false, now: now + 2_000 };
    assert.deepEqual(short(step(first.row, looked, later)), ["over", 1, 0, "apply", "aborted"]);
    const healed = step(first.row, looked, { now: now + 2_000 }).row;
    assert.equal(healed.deadSince, undefined);
  });

  it("is over when visitors were sent elsewhere, and leaves them there", () => {
    for (const phase of ["switching", "measuring", "waiting", "paused"] as const) {
      const ended = step(canary({ phase }), looked, { shares: before });
      assert.deepEqual(short(ended), ["over", 1, undefined, undefined, "ended"], phase);
      assert.match(ended.row.end?.reason ?? "", /^visitors were sent elsewhere: .* by bob$/);
    }
  });
});

describe("too little to tell", () => {
  const few = { added: counted(flow(3), flow(3)) };
  const choose = (inconclusive: "wait" | "go" | "stop") =>
    canary({ ...timeOver, plan: { ...canaryPlanDefault, inconclusive } });

  it("waits, and goes on when there is enough", () => {
    const waiting = step(choose("wait"), looked, few);
    assert.deepEqual(short(waiting), ["waiting", 1, undefined, undefined, undefined]);
    const still = step(waiting.row, looked, few);
    assert.equal(still.row.phaseAt, waiting.row.phaseAt);
    assert.deepEqual(short(step(still.row, looked, enough)).slice(0, 3), ["switching", 2, 50]);
  });

  it("goes on, or stops, when that was chosen", () => {
    assert.deepEqual(short(step(choose("go"), looked, few)).slice(0, 3), ["switching", 2, 50]);
    const stopped = step(choose("stop"), looked, few);
    assert.deepEqual(short(stopped), ["over", 1, 0, "apply", "aborted"]);
    assert.match(stopped.row.end?.reason ?? "", /^too little to tell, and then it was to stop: /);
  });

  it("is no part of nothing in words", () => {
    const texts = [counted(flow(), flow()), counted(flow(), flow(3)), counted(flow(3), flow())].map(
      (added) => step(canary(), looked, { added }).row.text,
    );
    assert.deepEqual(texts, [
      "no requests yet; 200 of each are needed to tell",
      "release 12 (7777777) has had no requests yet, 4444444 fails 0.0 % of 3 requests; 200 of each are needed to tell",
      "release 12 (7777777) fails 0.0 % of 3 requests, 4444444 has had none yet; 200 of each are needed to tell",
    ]);
  });

  it("is what a proxy makes of it that cannot be reached", () => {
    const uncounted = "proxy edge-2 is away";
    const waiting = step(choose("wait"), looked, { ...enough, uncounted });
    assert.deepEqual([waiting.row.phase, waiting.row.text], ["waiting", uncounted]);
  });
});

describe("by hand", () => {
  const hand = (change: "promote" | "abort" | "pause" | "resume") =>
    ({ kind: "change", change, by: "bob" }) as const;

  it("is promoted and aborted from every state", () => {
    for (const phase of ["switching", "measuring", "waiting", "paused"] as const) {
      const row = canary({ phase });
      assert.deepEqual(short(step(row, hand("promote"))), ["over", 1, 100, "apply", "promoted"]);
      assert.deepEqual(short(step(row, hand("abort"))), ["over", 1, 0, "apply", "aborted"]);
    }
  });

  it("is told with who did it, and what the hub did by itself with nobody", () => {
    const who = ({ events }: CanaryStep) => events.map(({ by }) => by);
    assert.deepEqual(who(step(canary(), hand("promote"))), ["bob"]);
    assert.deepEqual(who(step(canary(), hand("abort"))), ["bob"]);
    const bad = { added: counted(flow(500, 200), flow(500)) };
    assert.deepEqual(who(step(canary(), looked, bad)), [undefined]);
    assert.deepEqual(who(step(canary(timeOver), looked, enough)), [undefined]);
  });

  it("is paused where it is, still taken back when it is worse, and goes on when it is resumed", () => {
    for (const phase of ["switching", "measuring", "waiting"] as const) {
      const { row } = step(canary({ ...timeOver, phase }), hand("pause"));
      assert.equal(row.phase, "paused");
      assert.equal(step(row, looked, enough).row.phase, "paused");
      const bad = { added: counted(flow(500, 200), flow(500)) };
      assert.equal(step(row, looked, bad).row.end?.outcome, "aborted");
      assert.deepEqual(short(step(row, hand("resume"))).slice(0, 4), [
        "switching",
        1,
        undefined,
        "apply",
      ]);
    }
  });

  it("is not what a state does not allow, and says why", () => {
    const over = canary({ phase: "over" });
    assert.equal(whyNotChange(over, "abort"), "it is over");
    assert.equal(whyNotChange(preparing, "pause"), "it has no visitors yet");
    assert.equal(whyNotChange(canary({ phase: "paused" }), "pause"), "it is paused already");
    assert.equal(whyNotChange(canary(), "resume"), "it is not paused");
    assert.equal(step(over, hand("promote")).row, over);
    assert.equal(step(preparing, hand("pause")).row, preparing);
  });
});

describe("over", () => {
  it("stays over, whatever comes", () => {
    const over = step(canary(), { kind: "change", change: "abort", by: "bob" }).row;
    const events: CanaryEvent[] = [
      looked,
      { kind: "seen" },
      { kind: "applied" },
      { kind: "unseen", reason: "late" },
      { kind: "change", change: "promote", by: "eve" },
    ];
    for (const event of events) assert.equal(step(over, event).row, over);
  });

  it("gives its visitors back when another one takes its place", () => {
    const { row, percent } = supersededStep(canary(), "release 13 takes its place", now);
    assert.deepEqual([row.end?.outcome, percent], ["ended", 0]);
    assert.equal(supersededStep(preparing, "release 13 takes its place", now).percent, undefined);
  });
});

describe("shares of a rollout by steps", () => {
  it("leave the old ones their proportions", () => {
    const several = canary({ before: [...before, { commit: "3".repeat(40), weight: 3 }] });
    const shares = sharesAt(several, 20);
    assert.deepEqual(
      shares.map(({ weight }) => weight),
      [20, 60, 20],
    );
    assert.deepEqual(sharesAt(several, 0), several.before);
    assert.deepEqual(sharesAt(several, 100), [{ commit, deployment, weight: 1 }]);
  });

  it("have as many of the old one's visitors counted apart as the new one has", () => {
    const percentAt = (percent: number) => controlAt(canary(), percent)?.percent;
    assert.deepEqual([0, 5, 25, 50, 80, 100].map(percentAt), [
      undefined,
      (5 / 95) * 100,
      (25 / 75) * 100,
      100,
      100,
      undefined,
    ]);
  });
});
