import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { canaryPlanDefault, type Canary } from "@propagit/protocol";
import { endError } from "../../src/canary.js";
import { openCanaryView } from "../../src/output/canary-view.js";
import { TestScreen } from "../support/screen.js";
import {
  describeCanary,
  formatCanaryEnd,
  formatCanaryHead,
  formatCanaryTree,
} from "../../src/output/canary.js";

const arm = { requests: 0, failed: 0, timed: 0, slow: 0 };
const text = "release 12 (7433600) fails 0.2 % of 1,213 requests, 4054800 0.3 % of 1,180";

function canary(changes: Partial<Canary> = {}): Canary {
  return {
    repo: "webapp",
    environment: "production",
    commit: "74336".padEnd(40, "0"),
    release: 12,
    old: { commit: "40548".padEnd(40, "0"), release: 11 },
    plan: canaryPlanDefault,
    by: "ann",
    startedAt: 0,
    phase: "measuring",
    phaseAt: 300_000,
    step: 1,
    percent: 25,
    measuredMs: 63_000,
    evidence: { fresh: arm, old: arm },
    text,
    ...changes,
  };
}

function ended(outcome: NonNullable<Canary["end"]>["outcome"], reason: string): Canary {
  return canary({ phase: "over", percent: 0, end: { outcome, reason, at: 400_000 } });
}

describe("a rollout by steps on a terminal", () => {
  it("is a tree of its steps, with what is known below the one that is measured", () => {
    assert.deepEqual(formatCanaryTree(canary(), 0), [
      "webapp 7433600, release 12: 25 % of the visitors, beside 4054800",
      "├─ ✓ 5 %  ",
      "├─ ⠋ 25 %   1 min 3 s of 5 min 0 s",
      `│       ${text}`,
      "├─ · 50 % ",
      "└─ · 100 %",
    ]);
  });

  it("begins with waiting while its release is on its way", () => {
    const preparing = canary({ phase: "preparing", step: 0, percent: 0 });
    assert.deepEqual(formatCanaryTree(preparing, 0).slice(1, 3), [
      "├─ ⠋ waits until it is ready",
      "├─ · 5 %  ",
    ]);
  });

  it("says since when it waits or is paused", () => {
    const waiting = formatCanaryTree(canary({ phase: "waiting" }), 310_000);
    assert.match(waiting[2] ?? "", /waits for more to tell by, since 10 s$/);
    const paused = formatCanaryTree(canary({ phase: "paused" }), 310_000);
    assert.match(paused[2] ?? "", /= 25 % {3}paused since 10 s, after 1 min 3 s of 5 min 0 s$/);
  });

  it("stays with every step done, or with the one where it came to an end", () => {
    const promoted = formatCanaryTree(ended("promoted", "fine"), 400_000);
    assert.deepEqual(
      promoted.map((line) => line.includes("✓")),
      [false, true, true, true, true],
    );
    assert.match(formatCanaryTree(ended("aborted", "bad"), 400_000)[2] ?? "", /✗ 25 %/);
  });
});

describe("looking on at a rollout by steps on a terminal", () => {
  it("leaves the reason of a bad end to the error, and breaks lines between words", () => {
    const screen = new TestScreen();
    const view = openCanaryView({ json: false, screen });
    const at = Date.now();
    view.show({ kind: "canary", at, canary: canary() });
    const note = "step 2 of 4 has begun: "
      .concat("the new one gets its visitors ".repeat(4))
      .trim();
    view.show({ kind: "note", at, text: note });
    view.end(ended("aborted", "it fails more often"));
    const lines = screen.shown.split("\n");
    const tree = lines.findIndex((line) => line.startsWith("webapp 7433600"));
    assert.equal(lines.slice(0, tree).join(" "), note);
    assert.ok(tree > 1 && lines.every((line) => line.length < 80), screen.shown);
    assert.equal(lines.at(-1), "✗ taken back after 6 min 40 s");
    assert.doesNotMatch(screen.shown, /more often/);
  });
});

describe("a rollout by steps in words", () => {
  it("says what it does now", () => {
    assert.equal(describeCanary(canary()), `1 min 3 s of 5 min 0 s: ${text}`);
    assert.equal(describeCanary(canary({ phase: "waiting", text: "few" })), "waiting: few");
    assert.equal(describeCanary(ended("aborted", "bob aborted it")), "aborted: bob aborted it");
    const staging = canary({ environment: "staging", phase: "over" });
    assert.equal(formatCanaryHead(staging), "webapp 7433600 (staging), release 12");
  });

  it("says how it ended, and tells it by the exit code", () => {
    const end = (outcome: Parameters<typeof ended>[0]) => formatCanaryEnd(ended(outcome, "why"));
    assert.equal(end("aborted"), "✗ taken back after 6 min 40 s: why\n");
    assert.equal(end("ended"), "! ended after 6 min 40 s: why\n");
    assert.equal(end("failed"), "✗ failed after 6 min 40 s: why\n");
    assert.match(end("promoted"), /^✓ all visitors go to webapp 7433600, release 12, after 6 min/);
    assert.equal(formatCanaryEnd(canary()), "");
    assert.equal(endError(ended("promoted", "fine")), undefined);
    assert.equal(endError(canary()), undefined);
    assert.equal(
      endError(ended("aborted", "why"))?.message,
      "the rollout of release 12 of webapp was taken back: why",
    );
  });
});
