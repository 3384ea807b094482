import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Tallies, talliesMax } from "../../src/core/tallies.js";
import { commitA } from "../support/samples.js";

const shop = { repo: "shop", environment: "production" };
const nowhere = { repo: "", environment: "" };

describe("tallies", () => {
  it("count answers by place and code, and copies by what became of them", () => {
    const tallies = new Tallies();
    tallies.answered("TOO_MANY", shop);
    tallies.answered("TOO_MANY", shop);
    tallies.answered("NO_ROUTE");
    tallies.copyDrawn(shop, commitA);
    for (const status of [204, 503, 999, undefined]) tallies.copyOver(shop, commitA, status);
    const over = { kind: "copy-over", ...shop, commit: commitA };
    assert.deepEqual(tallies.all(), [
      { of: { kind: "own-answer", ...shop, code: "TOO_MANY" }, count: 2 },
      { of: { kind: "own-answer", ...nowhere, code: "NO_ROUTE" }, count: 1 },
      { of: { kind: "copy-drawn", ...shop, commit: commitA }, count: 1 },
      { of: { ...over, status: "2xx" }, count: 1 },
      { of: { ...over, status: "5xx" }, count: 1 },
      { of: { ...over, status: "failed" }, count: 2 },
    ]);
  });

  it("of several threads are added up, each told once", () => {
    const shown = new Tallies();
    const threads = [new Tallies(), new Tallies()];
    for (let round = 1; round <= 3; round++) {
      for (const thread of threads) {
        thread.answered("FORBIDDEN", shop);
        shown.add(thread.takeNew());
        assert.deepEqual(thread.takeNew(), []);
      }
    }
    const of = { kind: "own-answer", ...shop, code: "FORBIDDEN" };
    assert.deepEqual(shown.all(), [{ of, count: 6 }]);
  });

  it("are bounded by kind: the one that was counted longest ago is forgotten", () => {
    const tallies = new Tallies();
    tallies.copyDrawn(shop, commitA);
    tallies.answered("NO_ENDPOINT", shop);
    const place = (number: number) => ({ repo: `repo-${number}`, environment: "production" });
    for (let number = 1; number < talliesMax; number++) tallies.answered("PAUSED", place(number));
    tallies.answered("NO_ENDPOINT", shop);
    tallies.answered("PAUSED", place(0));
    assert.equal(tallies.all().length, talliesMax + 1);
    assert.ok(!tallies.all().some(({ of }) => of.repo === "repo-1"));
    assert.deepEqual(
      tallies.all().filter(({ of }) => of.repo === "shop"),
      [
        { of: { kind: "own-answer", ...shop, code: "NO_ENDPOINT" }, count: 2 },
        { of: { kind: "copy-drawn", ...shop, commit: commitA }, count: 1 },
      ],
    );
  });
});
