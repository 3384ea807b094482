/** What of a plan a hub will not do, all at once. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readPlan, toolBox } from "@propagit/plan";
import { reachingCommands, problemsOfPlaces } from "../../src/core/plan-places.js";
import { hubCommands } from "../../src/plan-commands/hub-commands.js";

const drones = new Set(["web-1", "web-2"]);
const touch = { command: "execute", run: "true" };

function problems(tasks: readonly object[], more: object = {}, runsPrograms = false) {
  return problemsOf({ name: "p", stages: [{ name: "s", tasks, ...more }] }, runsPrograms);
}

function problemsOf(plan: object, runsPrograms = false) {
  const source = { file: "plan.json", text: JSON.stringify(plan) };
  const commands = hubCommands;
  return problemsOfPlaces(readPlan(source, commands), { drones, runsPrograms, commands });
}

describe("places of a plan", () => {
  it("may be any drones that are known, and the hub for what touches nothing of it", () => {
    assert.deepEqual(problems([{ ...touch, drone: "web-1" }]), []);
    assert.deepEqual(problems([{ command: "message", message: "hello" }]), []);
  });

  it("may be the hub and hosts when it runs programs of plans", () => {
    assert.deepEqual(problems([touch, { ...touch, host: "root@db" }], {}, true), []);
    const refused = problems([touch, { ...touch, host: "root@db" }]);
    assert.equal(refused.length, 2);
    for (const problem of refused) assert.match(problem, /--plan-commands/);
  });

  it("may be parts of a release only in a plan that was made of one, which may do no more than others", () => {
    const start = { command: "start", repo: "webapp", release: 3 };
    assert.match(problems([start], {}, true)[0] ?? "", /it is part of a release/);
    const request = { kind: "deploy", repo: "webapp", ref: "main" };
    const stages = [{ name: "s", tasks: [start, touch, { ...touch, host: "root@db" }] }];
    const refused = problemsOf({ name: "p", request, stages });
    assert.equal(refused.length, 2);
    for (const problem of refused) assert.match(problem, /--plan-commands/);
  });

  it("are looked at in gates and in what takes tasks back, too", () => {
    const gate = { command: { ...touch, drone: "web-9" } };
    assert.match(problems([{ ...touch, drone: "web-1" }], { gate })[0] ?? "", /1\.gate1.*web-9/);
    const undone = problems([{ command: "drain", machine: "web-1", drone: "db" }]);
    assert.equal(undone.length, 2);
    assert.match(undone[1] ?? "", /undone.*no drone db/);
  });

  it("are told with the nearest name, and not without end", () => {
    const [problem] = problems([{ ...touch, drone: "web-3" }]);
    assert.equal(problem, "task 1.1.1 (execute): there is no drone web-3; did you mean `web-1`?");
    const many = Array.from({ length: 100 }, (_, at) => ({ ...touch, drone: `other-${at}` }));
    assert.equal(problems(many).length, 20);
  });

  it("of the hub are for commands that there are", () => {
    assert.deepEqual(
      [...reachingCommands].filter((name) => !toolBox.has(name)),
      [],
    );
  });

  it("refuses files of whoever made the plan, which are not there, with the way that works", () => {
    const tasks = [
      { command: "upload", drone: "web-1", file: "./app.tar", to: "/srv/app.tar" },
      { command: "write-file", drone: "web-1", path: "/srv/x", template: "./x" },
      { command: "write-file", drone: "web-1", path: "/srv/x", text: "plain" },
    ];
    const found = problems(tasks, {}, true);
    assert.equal(found.length, 2);
    assert.match(
      found[0] ?? "",
      /^task 1\.1\.1 \(upload\): the hub has no file \.\/app\.tar of yours.*files push.*--local$/,
    );
    assert.match(found[1] ?? "", /\(write-file\): the hub has no file \.\/x/);
  });
});
