/** Where tasks and stages of a plan stand in its file. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { placedProblem } from "../../src/index.js";

const text = `name: p
stages:
  - name: one
    tasks:
      - { command: message, message: a }
      - - { command: message, message: b }
        - { command: message, message: c }
rollback:
  stages:
    - name: undo
      tasks:
        - { command: message, message: d }
`;
const source = { file: "plan.yaml", text };

test("what is wrong with a task, a gate or a stage is told with its line and column", () => {
  const placed = (what: string) => placedProblem(source, `${what} is wrong`);
  assert.equal(placed("task 1.1.1 (message):"), "plan.yaml:5:9: task 1.1.1 (message): is wrong");
  assert.match(placed("task 1.2.2 (message):"), /^plan\.yaml:7:11: task 1\.2\.2/);
  assert.match(placed("task 2.1.1 (message):"), /^plan\.yaml:12:11: task 2\.1\.1/);
  assert.match(placed("task 1.gate1 (message):"), /^plan\.yaml:3:5: task 1\.gate1/);
  assert.match(placed("stage 2 (undo):"), /^plan\.yaml:10:7: stage 2/);
});

test("what is about nothing that the file has is told as it is", () => {
  for (const problem of ["task 9.1.1 (x): no", "stage 7 (x): no", "it lacks start"]) {
    assert.equal(placedProblem(source, problem), `plan.yaml: ${problem}`);
  }
  const broken = { file: "plan.json", text: "{" };
  assert.equal(placedProblem(broken, "task 1.1.1 (x): no"), "plan.json: task 1.1.1 (x): no");
});
