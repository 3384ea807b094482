import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RolloutProgress } from "@propagit/protocol";
import { RolloutRecord } from "../../src/output/rollout-record.js";
import { formatTree, type TreeOptions } from "../../src/output/rollout-tree.js";
import { LiveArea } from "../../src/output/live-area.js";
import { accepted, drone, phase, start } from "../support/samples.js";
import { TestScreen } from "../support/screen.js";

function recordOf(...parts: readonly RolloutProgress[]): RolloutRecord {
  const record = new RolloutRecord();
  for (const part of parts) record.feed(part);
  return record;
}

function tree(parts: readonly RolloutProgress[], options: Partial<TreeOptions> = {}): string {
  return formatTree(recordOf(...parts), { now: start + 14_200, rows: 20, ...options }).join("\n");
}

const built = [accepted, phase("building", 0, "on web-1"), phase("starting", 12_000)] as const;

describe("the tree of a rollout", () => {
  it("has a line for each phase with its time, and the drones below the start", () => {
    const parts = [
      ...built,
      drone("web-2", "ready", { port: 15_194 }),
      drone("web-10", "checked out"),
      drone("web-1", "started", { ready: 1, wanted: 2 }),
    ];
    assert.equal(
      tree(parts),
      `webapp 74336bc, release 14
├─ ✓ building      12 s  on web-1
└─ ⠹ starting     2.2 s  1 of 3 drones ready
   ├─ web-1   started (1 of 2 ready)
   ├─ web-2   ready on port 15194
   └─ web-10  checked out`,
    );
  });

  it("says that it waits before the hub has answered, and for whom it waits in the queue", () => {
    assert.equal(tree([]), "asking the hub …");
    const queued = phase("queued", 0, "waits for release 12 of ann, building for 40 s");
    assert.equal(
      tree([accepted, queued, phase("queued", 9_000, "waits for release 13 of bob")]),
      `webapp 74336bc, release 14
└─ ⠹ queued        14 s  waits for release 13 of bob`,
    );
  });

  it("marks where it failed while everything is put back", () => {
    const parts = [
      ...built,
      drone("web-1", "failed", { reason: "exited with code 3" }),
      drone("web-2", "away"),
      phase("undoing", 14_000),
    ];
    assert.equal(
      tree(parts, { now: start + 15_000 }),
      `webapp 74336bc, release 14
├─ ✓ building      12 s  on web-1
├─ ✗ starting     2.0 s  0 of 2 drones ready
│  ├─ web-1  failed: exited with code 3
│  └─ web-2  away
└─ ⠋ undoing      1.0 s`,
    );
  });

  it("turns no more when it has ended", () => {
    const parts = [...built, drone("web-1", "ready"), phase("promoting", 14_000)];
    const record = recordOf(...parts);
    record.end(start + 14_100);
    assert.deepEqual(
      formatTree(record, { now: start + 99_000, rows: 20, ended: "well" }).slice(-3),
      ["├─ ✓ starting     2.0 s", "│  └─ web-1  ready", "└─ ✓ promoting    0.1 s"],
    );
    assert.match(tree([accepted, phase("building", 0)], { ended: "badly" }), /✗ building/);
  });

  it("names another environment than production", () => {
    assert.match(
      tree([{ ...accepted, environment: "staging" } as RolloutProgress]),
      /^webapp 74336bc \(staging\), release 14/,
    );
  });

  it("shows foreign words as text only", () => {
    const parts = [...built, drone("web-1", "failed", { reason: "bad\u001B[2J\nline" })];
    assert.match(tree(parts), /failed: badline/);
  });
});

describe("the tree of thousands of drones", () => {
  const many = Array.from({ length: 5_000 }, (_, index) =>
    drone(`web-${index}`, index % 100 === 0 ? "started" : "ready", { at: start + 5_000 - index }),
  );
  const parts = [
    ...built,
    ...many,
    drone("web-7", "failed", { reason: "no database" }),
    drone("web-8", "away"),
  ];

  it("folds to counts and to those that need a look, the slowest first", () => {
    assert.equal(
      tree(parts, { rows: 10 }),
      `webapp 74336bc, release 14
├─ ✓ building      12 s  on web-1
└─ ⠹ starting     2.2 s  4948 of 5000 drones ready
   ├─ 1 failed, 1 away, 50 started, 4948 ready
   ├─ web-7     failed: no database
   ├─ web-8     away
   ├─ web-4900  started
   ├─ web-4800  started
   ├─ web-4700  started
   └─ and 4995 more drones`,
    );
  });

  it("is drawn in a moment", () => {
    const record = recordOf(...parts);
    // Time of the processor: this machine may be busy with other things too.
    const began = process.cpuUsage();
    for (let times = 0; times < 10; times += 1) formatTree(record, { now: start, rows: 20 });
    assert.ok(process.cpuUsage(began).user < 2_000_000);
  });

  for (const width of [20, 40, 120]) {
    it(`fits into ${width} columns and 10 rows`, () => {
      const screen = new TestScreen(width);
      screen.rows = 10;
      const area = new LiveArea(screen);
      area.draw(formatTree(recordOf(...parts), { now: start + 14_200, rows: area.rows }));
      const lines = screen.shown.split("\n");
      assert.ok(lines.length < 10, `${lines.length} lines`);
      for (const line of lines) assert.ok(Array.from(line).length < width, line);
      assert.match(screen.shown, /web-7/);
    });
  }
});
