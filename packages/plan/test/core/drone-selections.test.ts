/** Tasks whose `drone` means several: one line for each of them, frozen in the plan. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  checkPlan,
  dronesNamed,
  placedProblem,
  readPlan,
  toolBox,
  type SelectDrones,
} from "../../src/index.js";

const select: SelectDrones = (text) => {
  if (text === "zone=a") return { kind: "drones", drones: ["web-1", "web-2", "web-3", "web-4"] };
  if (text === "slow") return { kind: "refused", why: "it waits" };
  return undefined;
};
const touch = (drone: string, run = "true") =>
  `{ command: execute, drone: ${drone}, run: "${run}" }`;
const planOf = (lines: string) =>
  `name: p\nstages:\n  - name: s\n    concurrency: 50%\n    tasks:\n${lines}\n`;

function problemsOf(lines: string): string {
  const checked = checkPlan({ file: "p.yaml", text: planOf(lines) }, toolBox, { select });
  return checked.ok
    ? ""
    : checked.problems.map(({ line, message }) => `${line}: ${message}`).join();
}

test("each drone gets a line of its own, in turn where it was written so, and limits count them", () => {
  const text = planOf(
    `      - ${touch("zone=a")}\n      - - ${touch("zone=a", "one")}\n        - ${touch("zone=a", "two")}\n      - ${touch("db")}`,
  );
  const [stage] = readPlan({ file: "p.yaml", text }, toolBox, { select }).stages;
  const drones = stage?.lines.map((line) =>
    line.map(({ where }) => (where.kind === "drone" ? where.drone : "")),
  );
  const four = ["web-1", "web-2", "web-3", "web-4"];
  assert.deepEqual(drones, [...four.map((one) => [one]), ...four.map((one) => [one, one]), ["db"]]);
  assert.equal(stage?.concurrency, 5, "half of nine lines");
  assert.deepEqual([...dronesNamed(text)], ["zone=a", "db"]);
});

test("a place in the file is that of what was written once", () => {
  const text = planOf(`      - ${touch("zone=a")}\n      - ${touch("db")}`);
  const problem = (id: string) =>
    placedProblem({ file: "p.yaml", text }, `task ${id} (x): no`, { select });
  assert.match(problem("1.4.1"), /^p\.yaml:6:/);
  assert.match(problem("1.5.1"), /^p\.yaml:7:/);
});

test("what cannot be is refused with its place: a target that waits, several in one list", () => {
  assert.equal(problemsOf(`      - ${touch("slow")}`), '6: `drone` is "slow": it waits');
  const mixed = problemsOf(`      - - ${touch("zone=a")}\n        - ${touch("db", "two")}`);
  assert.match(mixed, /^6: is done in turn on each of "zone=a".*; one has "db"$/);
  const bare = problemsOf(
    `      - - ${touch("zone=a")}\n        - { command: message, message: a }`,
  );
  assert.match(bare, /one has no drone$/);
  assert.match(problemsOf(`      - ${touch("zone=b")}`), /zone=b/);
});
