import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatAge } from "../src/output/duration.js";
import { formatPortTable } from "../src/output/port-table.js";
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
