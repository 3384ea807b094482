import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatAge, formatDuration } from "../src/output/duration.js";
import { formatPortTable } from "../src/output/port-table.js";
import { formatBytes, formatCount, formatNames, formatPercent } from "../src/output/quantity.js";
import { formatProgress } from "../src/output/progress.js";
import { formatRoute } from "../src/output/route.js";
import { formatTable } from "../src/output/table.js";

const commit = (digit: string) => digit.repeat(40);

describe("output", () => {
  it("aligns tables, numbers to the right, without trailing blanks", () => {
    const rows = [
      { name: "web", count: 1 },
      { name: "say-long", count: 100 },
    ];
    const table = formatTable(
      [
        { head: "NAME", cell: ({ name }) => name },
        { head: "N", alignRight: true, cell: ({ count }) => String(count) },
      ],
      rows,
    );
    assert.equal(table, "NAME        N\nweb         1\nsay-long  100\n");
  });

  it("says ages in the largest fitting unit", () => {
    const second = 1_000;
    assert.deepEqual(
      [0, 59, 60, 3_599, 3_600, 172_799, 172_800].map((age) => formatAge(age * second)),
      ["0s", "59s", "1m", "59m", "1h", "47h", "2d"],
    );
    assert.equal(formatAge(-5), "0s");
  });

  it("says durations so exactly that they can be compared", () => {
    assert.deepEqual(
      [-5, 0, 40, 449, 9_940, 9_960, 59_000, 65_000, 7_380_000].map(formatDuration),
      ["0 ms", "0 ms", "40 ms", "0.4 s", "9.9 s", "10 s", "59 s", "1 min 5 s", "2 h 3 min"],
    );
  });

  it("says sizes, shares and counts as people do", () => {
    assert.deepEqual([0, 512, 1_536, 35_651_584, 1_288_490_189, 3e15].map(formatBytes), [
      "0 B",
      "512 B",
      "1.5 KiB",
      "34 MiB",
      "1.2 GiB",
      "2728 TiB",
    ]);
    assert.deepEqual([0, 33.333, 100].map(formatPercent), ["0 %", "33.3 %", "100 %"]);
    assert.deepEqual([formatCount(1, "drone"), formatCount(0, "drone")], ["1 drone", "0 drones"]);
    assert.equal(formatNames(["a", "b", "c"], 2), "a, b and 1 more");
  });

  it("leaves out columns that do not fit, in their order, but never those that matter", () => {
    const columns = [
      { head: "NAME", cell: () => "web-1" },
      { head: "MEMORY", leaveOut: 1, cell: () => "34 MiB" },
      { head: "DISK", leaveOut: 2, cell: () => "1 GiB" },
    ];
    assert.equal(formatTable(columns, [{}], 19), "NAME   MEMORY\nweb-1  34 MiB\n");
    assert.equal(formatTable(columns, [{}], 2), "NAME\nweb-1\n");
  });

  it("cuts what may be cut to what the others leave, before or after columns are left out", () => {
    const rows = [{ name: "a".repeat(30), text: "b".repeat(60) }];
    const table = (cut: "early" | "late", width: number) =>
      formatTable<(typeof rows)[number]>(
        [
          { head: "NAME", leaveOut: 1, cell: ({ name }) => name },
          { head: "TEXT", cut, cell: ({ text }) => text },
        ],
        rows,
        width,
      )
        .split("\n")[1]
        ?.replaceAll(/(.)\1*/g, (run) => `${run[0]}${run.length}`);
    assert.equal(table("early", 100), "a30 2b60");
    assert.equal(table("early", 70), "a30 2b37…1");
    assert.equal(table("early", 40), "b39…1");
    assert.equal(table("late", 70), "b60");
    assert.equal(table("late", 20), "b19…1");
  });

  it("shows shares in percent of their sum", () => {
    const shares = [
      { commit: commit("1"), weight: 2 },
      { commit: commit("2"), weight: 1 },
    ];
    assert.equal(
      formatRoute({ repo: "webapp", shares }),
      "webapp: 1111111 66.7 %, 2222222 33.3 %\n",
    );
  });

  it("shows why a drone failed and what the process said last", () => {
    const line = formatProgress({
      at: 0,
      drone: "web-1",
      phase: "failed",
      reason: "exited with code 3",
      lastLines: ["no database"],
    });
    assert.equal(line, "web-1        failed: exited with code 3\n               | no database\n");
  });
});

describe("the port table", () => {
  it("has a line for each service, as the ancestor showed it, and is JSON", () => {
    const table = {
      [commit("7")]: {
        http: [{ host: "127.0.0.1", port: 15_194 }],
        say: [
          { host: "127.0.0.1", port: 13_308 },
          { host: "::1", port: 13_309 },
        ],
      },
    };
    const shown = formatPortTable(table);
    assert.equal(
      shown,
      `{
  "${commit("7")}": {
    "http": [ { "host": "127.0.0.1", "port": 15194 } ],
    "say": [
      { "host": "127.0.0.1", "port": 13308 },
      { "host": "::1", "port": 13309 }
    ]
  }
}
`,
    );
    assert.deepEqual(JSON.parse(shown), table);
    assert.equal(formatPortTable({}), "{}\n");
  });
});
