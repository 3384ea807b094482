import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Distribution } from "@propagit/protocol";
import { formatBar, wholePercent } from "../../src/output/bar.js";
import { formatDistribution } from "../../src/output/distribution.js";
import { RolloutRecord } from "../../src/output/rollout-record.js";
import { formatTree, type TreeOptions } from "../../src/output/rollout-tree.js";
import { widthOf } from "../../src/output/text-width.js";
import { distribution, mib, row } from "../support/distribution-samples.js";
import { accepted, drone, phase, start } from "../support/samples.js";

function shown(one: Distribution, columns: number, more = {}): string {
  const options = { columns, rows: 20, isPerDrone: false, ...more };
  return formatDistribution(one, options).join("\n");
}

describe("a bar", () => {
  it("is full only when nothing is missing, and empty only when there is nothing", () => {
    const bars = [0, 1, 50, 99, 100, 200].map((part) => formatBar(part, 100, 10));
    assert.deepEqual(bars, [
      "░░░░░░░░░░",
      "█░░░░░░░░░",
      "█████░░░░░",
      "█████████░",
      "██████████",
      "██████████",
    ]);
    assert.deepEqual(
      [wholePercent(0, 3), wholePercent(2_999, 3_000), wholePercent(3, 3), wholePercent(0, 0)],
      [0, 99, 100, 100],
    );
  });
});

describe("the bytes of a release on their way", () => {
  it("are one bar for all drones, with those that are behind by name", () => {
    assert.equal(
      shown(distribution(), 100),
      `█████████████████████████████████░░░░░░░   82 %  118 MiB/s  3.2 s left  41 of 64 drones have it
behind: web-9 2 % and away, web-7 11 % at 40 KiB/s, web-12 14 % at 0 B/s`,
    );
  });

  it("say less on a narrow terminal", () => {
    assert.equal(
      shown(distribution({ lagging: 12 }), 60),
      `███████████████████░░░░   82 %  118 MiB/s  3.2 s left  41/64
behind: web-9 2 % and away and 11 more`,
    );
    assert.equal(
      shown(distribution(), 40),
      `████████████░░░   82 %  118 MiB/s  41/64
behind: web-9 2 % and away and 2 more`,
    );
    assert.equal(shown(distribution(), 20).split("\n")[0], "███████████░░   82 %");
  });

  for (const columns of [20, 40, 60, 80, 120, 200]) {
    it(`keep to ${columns} columns, each drone with a line or not`, () => {
      for (const isPerDrone of [false, true]) {
        const lines = shown(distribution(), columns, { isPerDrone }).split("\n");
        // One name is said whatever the width; the area cuts it.
        const own = columns < 40 ? lines.slice(0, 1) : lines;
        for (const line of own) assert.ok(widthOf(line) <= columns, `${columns}: ${line}`);
      }
    });
  }

  it("are being packed before any drone can take them", () => {
    const packing = (told: Distribution["packing"], columns = 60) =>
      shown(distribution({ drones: 0, rows: [], ...(told && { packing: told }) }), columns);
    const some = { bytes: 12 * mib, bytesAll: 34 * mib };
    assert.equal(packing(some), "█████████████░░░░░░░░░░░░░░░░░░░░░░░░   35 %  packing 34 MiB");
    assert.equal(packing(some, 30), "██░░░░░   35 %  packing 34 MiB");
    assert.equal(packing(some, 20), "packing 34 MiB");
    assert.equal(packing({ bytes: 12 * mib }), "packing, 12 MiB so far");
    assert.equal(packing(undefined), "");
    assert.equal(shown(distribution({ drones: 0, rows: [], over: true }), 60), "");
  });

  it("have a line for each drone that has not all of it, when that is asked for", () => {
    const one = distribution({
      drones: 4,
      done: 1,
      rows: [
        row("web-9", { state: "failed", reason: "the disk\u001B[2J is full" }),
        row("web-10", { lags: true, bytes: mib, bytesPerSecond: 1_024 }),
        row("web-2"),
        row("web-1", { state: "done", bytes: 34 * mib }),
      ],
    });
    assert.equal(
      shown(one, 80, { isPerDrone: true }).split("\n").slice(1).join("\n"),
      `web-2   ████████░░░░░░░░   50 %   4.0 MiB/s
web-9   goes on with git: the disk is full
web-10  █░░░░░░░░░░░░░░░    2 %   1.0 KiB/s  behind`,
    );
  });

  it("fold to the drones that need a look and how many there are beside them", () => {
    const many = Array.from({ length: 50 }, (_, index) => row(`web-${index}`));
    const one = distribution({ drones: 10_000, done: 12, rows: many });
    const lines = shown(one, 80, { isPerDrone: true, rows: 6 }).split("\n");
    assert.equal(lines.length, 6);
    assert.equal(lines.at(-1), "and 9984 more drones");
    assert.match(lines[1] ?? "", /^web-0 /);
  });

  it("leave a line when they have come, and who goes on with git", () => {
    assert.equal(
      shown(distribution({ over: true, done: 64, bytes: 64 * 34 * mib, rows: [] }), 80),
      "34 MiB reached 64 drones in 2.1 s, 1.0 GiB/s; the hub sent 1.1 × its size",
    );
    const failed = row("web-3", { state: "failed", reason: "no bytes for 60 s" });
    assert.equal(
      shown(distribution({ over: true, done: 63, failed: 1, rows: [failed] }), 80).split("\n")[1],
      "web-3 goes on with git: no bytes for 60 s",
    );
  });
});

describe("the tree of a rollout whose bytes are on their way", () => {
  function tree(one: Distribution, options: Partial<TreeOptions> = {}): string {
    const record = new RolloutRecord();
    const parts = [accepted, phase("building", 0, "on web-1"), phase("starting", 12_000)];
    for (const part of [...parts, drone("web-1", "checked out")]) record.feed(part);
    record.distribution = one;
    return formatTree(record, { now: start + 14_200, rows: 20, ...options }).join("\n");
  }

  it("has the bar above the drones", () => {
    assert.equal(
      tree(distribution()),
      `webapp 74336bc, release 14
├─ ✓ building      12 s  on web-1
└─ ⠹ starting     2.2 s
   ├─ ████████████████░░░   82 %  118 MiB/s  3.2 s left  41 of 64 drones have it
   ├─ behind: web-9 2 % and away, web-7 11 % at 40 KiB/s, web-12 14 % at 0 B/s
   └─ web-1  checked out`,
    );
  });

  it("keeps to its rows with a line for each of many drones", () => {
    const many = Array.from({ length: 50 }, (_, index) => row(`web-${index}`));
    const one = distribution({ drones: 10_000, done: 0, rows: many });
    for (const rows of [6, 10, 24]) {
      const lines = tree(one, { rows, isPerDrone: true, columns: 60 }).split("\n");
      assert.ok(lines.length <= rows, `${lines.length} lines in ${rows} rows`);
      for (const line of lines) assert.ok(widthOf(line) <= 60, line);
    }
  });

  it("says in the end what it took", () => {
    const end = distribution({ over: true, done: 64, bytes: 64 * 34 * mib, rows: [] });
    assert.match(
      tree(end, { ended: "well" }),
      /├─ 34 MiB reached 64 drones in 2\.1 s, .*\n {3}└─ web-1/,
    );
  });
});
