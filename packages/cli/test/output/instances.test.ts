import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatInstanceList, formatInstanceTree } from "../../src/output/instances.js";
import { instance, other, start } from "../support/samples.js";

const now = start + 3_600_000;

describe("the tree of instances", () => {
  it("goes from repository over release and service to each instance, newest release first", () => {
    const usage = { process: "web-1-1", cpuPercent: 3.2, memoryBytes: 47_185_920 };
    const old = { commit: other, release: 12 };
    const tree = formatInstanceTree(
      [
        instance("web-10", {}, { sharePercent: 90 }),
        instance("web-2", { ...old, restarts: 3 }, { sharePercent: 10 }),
        instance("web-2", { health: "passing" }, { sharePercent: 90, usage }),
        instance("db-1", { repo: "api", phase: "failed", reason: "exited with code 3" }),
      ],
      now,
    );
    assert.equal(
      tree,
      `INSTANCE                             STATE   ADDRESS         HEALTH   VISITORS  RESTARTS  SINCE    CPU  MEMORY
api
└─ production, release 14 (74336bc)                                      100 %
   └─ web
      └─ db-1                        failed  10.0.0.1:15194  -                         0     1h      -       -
webapp
├─ production, release 14 (74336bc)                                       90 %
│  └─ web
│     ├─ web-2                       ready   10.0.0.1:15194  passing                   0     1h  3.2 %  45 MiB
│     └─ web-10                      ready   10.0.0.1:15194  -                         0     1h      -       -
└─ production, release 12 (40548da)                                       10 %
   └─ web
      └─ web-2                       ready   10.0.0.1:15194  -                         3     1h      -       -
  db-1 api 74336bc web: exited with code 3
`,
    );
  });

  it("says what it serves beside, or in place of, a share of the visitors", () => {
    const old = { commit: other, release: 12 };
    const tree = formatInstanceTree(
      [
        instance("web-1", {}, { sharePercent: 100, serves: ["copy of 5 %"] }),
        instance("web-1", old, { sharePercent: 0, serves: ["checkout=new", "copy of 50 %"] }),
        instance("web-1", { ...old, release: 11 }, { sharePercent: 0 }),
      ],
      now,
    );
    const told = tree.split("\n").filter((line) => line.includes("production"));
    assert.deepEqual(
      told.map((line) => line.slice(38).trim()),
      ["100 %, copy of 5 %", "checkout=new, copy of 50 %", "0 %"],
    );
  });

  it("numbers instances where a drone has several, and keeps environments apart", () => {
    const tree = formatInstanceTree(
      [
        instance("web-1", { slot: 2 }),
        instance("web-1", { slot: 1 }),
        instance("web-1", { environment: "staging" }),
      ],
      now,
    );
    assert.deepEqual(
      tree.split("\n").map((line) => line.slice(0, 34).trimEnd()),
      [
        "INSTANCE                          ",
        "webapp",
        "├─ production, release 14 (74336bc)",
        "│  └─ web",
        "│     ├─ web-1 #1",
        "│     └─ web-1 #2",
        "└─ staging, release 14 (74336bc)",
        "   └─ web",
        "      └─ web-1",
        "",
      ].map((line) => line.slice(0, 34).trimEnd()),
    );
  });

  it("shows releases that share what runs as one, by the newest that started some of it", () => {
    const deployment = "0123456789abcdef";
    const tree = formatInstanceTree(
      [
        instance("web-1", { deployment, release: 12 }),
        instance("web-2", { deployment, release: 14 }),
      ],
      now,
    );
    assert.match(tree, /└─ production, release 14 .*\n   └─ web\n.*web-1.*\n.*web-2/);
    assert.doesNotMatch(tree, /release 12/);
  });

  it("names a service once, whatever further ports it has", () => {
    const tree = formatInstanceTree([instance("web-1", { services: ["web", "web.admin"] })], now);
    assert.match(tree, /└─ web$/m);
    assert.doesNotMatch(tree, /admin/);
  });

  it("shows drones that are away as such, and never what a foreign text would do", () => {
    const away = instance("web-1", { phase: "restarting", reason: "a\u001B[2Jb" }, { away: true });
    const tree = formatInstanceTree([away], now);
    assert.match(tree, /web-1 +away/);
    assert.match(tree, /: ab\n/);
  });

  it("is made of thousands of instances in a moment", () => {
    const many = Array.from({ length: 10_000 }, (_, index) => instance(`web-${index}`));
    // Time of the processor: this machine may be busy with other things too.
    const began = process.cpuUsage();
    assert.equal(formatInstanceTree(many, now).split("\n").length, 10_005);
    assert.ok(process.cpuUsage(began).user < 5_000_000);
  });
});

describe("the flat list of instances", () => {
  it("has all of its place in each line, and the id", () => {
    assert.equal(
      formatInstanceList([instance("web-1")], now),
      `REPO    ENVIRONMENT  RELEASE  COMMIT   SERVICE  DRONE  STATE  ADDRESS         VISITORS  RESTARTS  SINCE  PROCESS
webapp  production        14  74336bc  web      web-1  ready  10.0.0.1:15194     100 %         0     1h  web-1-1
`,
    );
  });
});
